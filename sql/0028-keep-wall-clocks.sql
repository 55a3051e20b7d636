-- When an item was taken: the instant (taken_at), what the clock on the wall said there, how far
-- that clock was from UTC, and how it is known.
ALTER TABLE media
  ADD COLUMN taken_local timestamp,    -- NULL: as taken_at reads in UTC
  ADD COLUMN taken_offset integer,     -- minutes east of UTC; NULL: unknown
  ADD COLUMN taken_source text,        -- NULL: of the time before this column
  ADD COLUMN file_modified_at timestamptz, -- what the client said of the file that it uploaded
  ADD COLUMN sidecar text;             -- what a file beside it says, as it came; untrusted
-- sql/0034 reads the table for them, while others go on.
ALTER TABLE media
  ADD CONSTRAINT media_taken_offset_check CHECK (taken_offset BETWEEN -1080 AND 1080) NOT VALID,
  ADD CONSTRAINT media_taken_source_check CHECK (taken_source IN ('exif', 'gps', 'xmp', 'iptc',
    'container', 'sidecar', 'name', 'modified', 'uploaded', 'person')) NOT VALID;

-- What `zone` says; a zone that this PostgreSQL does not know any more counts as UTC.
CREATE FUNCTION mn_in_zone(wall timestamp, zone text) RETURNS timestamptz LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN wall AT TIME ZONE coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN wall AT TIME ZONE 'UTC';
END $$;
CREATE FUNCTION mn_in_zone(instant timestamptz, zone text) RETURNS timestamp LANGUAGE plpgsql STABLE
AS $$
BEGIN
  RETURN instant AT TIME ZONE coalesce(zone, 'UTC');
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN instant AT TIME ZONE 'UTC';
END $$;
-- Minutes between a wall clock and its instant.
CREATE FUNCTION mn_offset(instant timestamptz, wall timestamp) RETURNS integer LANGUAGE sql
  IMMUTABLE PARALLEL SAFE
  RETURN (date_part('epoch', wall) - date_part('epoch', instant))::bigint / 60;

-- Completes a date of which only the instant or only the wall clock is known: with the offset if
-- there is one, or else in the zone, or else as UTC, with an unknown offset.
CREATE FUNCTION mn_taken(INOUT instant timestamptz, INOUT wall timestamp, INOUT minutes integer,
  zone text) LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF minutes IS NOT NULL THEN
    instant := coalesce(instant, wall AT TIME ZONE 'UTC' - make_interval(mins => minutes));
    wall := instant AT TIME ZONE 'UTC' + make_interval(mins => minutes);
  ELSIF instant IS NOT NULL OR wall IS NOT NULL THEN
    instant := coalesce(instant, mn_in_zone(wall, zone));
    wall := coalesce(wall, mn_in_zone(instant, zone));
    IF zone IS NOT NULL THEN
      minutes := mn_offset(instant, wall);
    END IF;
  END IF;
END $$;

-- Shares copy what they are ordered by (sql/0034): what they have stays right.
CREATE OR REPLACE FUNCTION mn_share_fill() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  -- Locked, so that a change of the item waits for this share and then meets it.
  SELECT m.created_at, coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at),
      m.title, m.title_key, m.kind, m.parent_id IS NULL
    INTO NEW.created_at, NEW.taken_at, NEW.title, NEW.title_key, NEW.kind, NEW.top
    FROM media m WHERE m.id = NEW.media_id FOR SHARE;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION mn_shares_follow() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE media_shares SET created_at = NEW.created_at,
    taken_at = coalesce(NEW.taken_local AT TIME ZONE 'UTC', NEW.taken_at, NEW.created_at),
    title = NEW.title, title_key = NEW.title_key, kind = NEW.kind, top = NEW.parent_id IS NULL
    WHERE media_id = NEW.id;
  RETURN NULL;
END $$;
DROP TRIGGER media_shares_follow ON media;
CREATE TRIGGER media_shares_follow AFTER UPDATE ON media FOR EACH ROW
  WHEN (NEW.title IS DISTINCT FROM OLD.title OR NEW.taken_at IS DISTINCT FROM OLD.taken_at
    OR NEW.taken_local IS DISTINCT FROM OLD.taken_local
    OR NEW.created_at IS DISTINCT FROM OLD.created_at OR NEW.kind IS DISTINCT FROM OLD.kind
    OR (NEW.parent_id IS NULL) IS DISTINCT FROM (OLD.parent_id IS NULL))
  EXECUTE FUNCTION mn_shares_follow();
