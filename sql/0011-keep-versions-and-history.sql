-- A client that edits a person by version must learn of every later change, whichever statement made
-- it. A sign-in is no change.
CREATE FUNCTION mn_user_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.email, NEW.display_name, NEW.role, NEW.tier, NEW.status, NEW.locale, NEW.quota_bytes,
      NEW.plex_id, NEW.totp_confirmed_at)
    IS DISTINCT FROM (OLD.email, OLD.display_name, OLD.role, OLD.tier, OLD.status, OLD.locale,
      OLD.quota_bytes, OLD.plex_id, OLD.totp_confirmed_at) THEN
    NEW.version := OLD.version + 1;
  ELSE
    NEW.version := OLD.version;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER users_version BEFORE UPDATE OF email, display_name, role, tier, status, locale,
  quota_bytes, plex_id, totp_confirmed_at, version ON users
  FOR EACH ROW EXECUTE FUNCTION mn_user_version();

-- Housekeeping removes what is old.
CREATE INDEX activity_age ON activity (at);
