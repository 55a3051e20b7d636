-- What lies in each square of the map, kept like day_sums (0031): triggers note squares whose items
-- changed, housekeeping counts these again and checks the others. A square that is noted, and what
-- a box cuts through, is read from the items, so that nothing is ever out of date.
--
-- The squares are those of the map at two zooms, 90 / 2^10 and 90 / 2^15 degrees wide: 10 km and
-- 300 m. Pending items and the trash are in none.

-- Before that, what the planner has to know of the dates: it does not use the statistics of partial
-- indexes, and took any range of days or years for half a percent of all items.
CREATE STATISTICS media_taken ON (coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at))
  FROM media;
CREATE STATISTICS media_year
  ON (coalesce(year, date_part('year', taken_at AT TIME ZONE 'UTC')::integer)) FROM media;
-- Not while there are no items: of a table that nobody has looked at, the planner assumes that it
-- will grow, and workers keep the plans that they have made on the first day.
DO $$
BEGIN
  IF EXISTS (SELECT FROM media) THEN
    ANALYZE media;
  END IF;
END
$$;

-- The number of a square, counted from the west or the south at the finer zoom; `past` is how far
-- away from zero these are.
CREATE FUNCTION mn_square(degrees double precision, past double precision) RETURNS integer
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN floor((degrees + past) / (90.0::double precision / 32768))::integer;
-- The degrees where a square begins.
CREATE FUNCTION mn_square_edge(square integer, past double precision) RETURNS double precision
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN square * (90.0::double precision / 32768) - past;

CREATE TABLE spot_sums (
  owner_id uuid NOT NULL,                   -- zeros: nobody's
  level integer NOT NULL,                   -- 10 or 15
  y integer NOT NULL,                       -- of mn_square(), without the bits below the level
  x integer NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  top boolean NOT NULL,                     -- they have no parent
  n integer NOT NULL,
  latitudes double precision NOT NULL,      -- sums
  longitudes double precision NOT NULL,
  south double precision NOT NULL,
  north double precision NOT NULL,
  west double precision NOT NULL,
  east double precision NOT NULL,
  place_low integer NOT NULL,               -- 0: no city's
  place_high integer NOT NULL,
  PRIMARY KEY (owner_id, level, y, x, source, kind, top)
);
CREATE INDEX spot_sums_all ON spot_sums (level, y, x);
CREATE TABLE spot_changes (
  owner_id uuid NOT NULL,
  y integer NOT NULL,                       -- of the finer zoom
  x integer NOT NULL
);
CREATE INDEX spot_changes_owner ON spot_changes (owner_id, y, x);
-- Here, not only in roles.sql: programs that run meanwhile write through the triggers at once.
GRANT INSERT ON spot_changes TO medianest_api, medianest_worker;

-- What the sums count; a condition on media.
CREATE FUNCTION mn_spot_counts(latitude double precision, status text, trashed_at timestamptz)
  RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN latitude IS NOT NULL AND trashed_at IS NULL AND status <> 'pending';

CREATE FUNCTION mn_spots_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND mn_spot_counts(OLD.latitude, OLD.status, OLD.trashed_at) THEN
    INSERT INTO spot_changes VALUES (mn_day_owner(OLD.owner_id), mn_square(OLD.latitude, 90),
      mn_square(OLD.longitude, 180));
  END IF;
  IF TG_OP <> 'DELETE' AND mn_spot_counts(NEW.latitude, NEW.status, NEW.trashed_at) THEN
    INSERT INTO spot_changes VALUES (mn_day_owner(NEW.owner_id), mn_square(NEW.latitude, 90),
      mn_square(NEW.longitude, 180));
  END IF;
  RETURN NULL;
END
$$;
-- For each row, but only where it matters: most items and most updates have nothing to do with it.
CREATE TRIGGER media_spots_insert AFTER INSERT ON media FOR EACH ROW
  WHEN (NEW.latitude IS NOT NULL) EXECUTE FUNCTION mn_spots_follow();
CREATE TRIGGER media_spots_delete AFTER DELETE ON media FOR EACH ROW
  WHEN (OLD.latitude IS NOT NULL) EXECUTE FUNCTION mn_spots_follow();
CREATE TRIGGER media_spots_update AFTER UPDATE ON media FOR EACH ROW
  WHEN ((OLD.latitude IS NOT NULL OR NEW.latitude IS NOT NULL)
    AND (mn_spot_counts(OLD.latitude, OLD.status, OLD.trashed_at), OLD.latitude, OLD.longitude,
      OLD.place_id, OLD.owner_id, OLD.source, OLD.kind, OLD.parent_id IS NULL)
    IS DISTINCT FROM (mn_spot_counts(NEW.latitude, NEW.status, NEW.trashed_at), NEW.latitude,
      NEW.longitude, NEW.place_id, NEW.owner_id, NEW.source, NEW.kind, NEW.parent_id IS NULL))
  EXECUTE FUNCTION mn_spots_follow();

-- What the western or eastern edge of a box cuts through, and all that is counted of a square.
CREATE INDEX media_spots_across ON media (owner_id, longitude, latitude)
  INCLUDE (id, place_id, parent_id, status, source, kind)
  WHERE latitude IS NOT NULL AND trashed_at IS NULL;

INSERT INTO spot_changes SELECT DISTINCT mn_day_owner(owner_id), mn_square(latitude, 90),
    mn_square(longitude, 180)
  FROM media WHERE latitude IS NOT NULL AND trashed_at IS NULL;
