-- Where a person's clocks are, when a file does not say it: a name of the IANA time zone database.
ALTER TABLE users ADD COLUMN time_zone text; -- NULL: not known yet

CREATE OR REPLACE FUNCTION mn_user_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.email, NEW.display_name, NEW.role, NEW.tier, NEW.status, NEW.locale, NEW.time_zone,
      NEW.quota_bytes, NEW.plex_id, NEW.totp_confirmed_at)
    IS DISTINCT FROM (OLD.email, OLD.display_name, OLD.role, OLD.tier, OLD.status, OLD.locale,
      OLD.time_zone, OLD.quota_bytes, OLD.plex_id, OLD.totp_confirmed_at) THEN
    NEW.version := OLD.version + 1;
  ELSE
    NEW.version := OLD.version;
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER users_version ON users;
CREATE TRIGGER users_version BEFORE UPDATE OF email, display_name, role, tier, status, locale,
  time_zone, quota_bytes, plex_id, totp_confirmed_at, version ON users
  FOR EACH ROW EXECUTE FUNCTION mn_user_version();
