-- Where items were taken: their coordinates as columns, and the city that names the place. The
-- cities are those of GeoNames; the job upkeep.places loads them and looks at older items.
CREATE TABLE cities (
  id integer PRIMARY KEY,         -- at GeoNames
  name text NOT NULL,
  region text,                    -- first-order division
  country text NOT NULL,          -- ISO 3166-1 alpha-2
  zone text,                      -- a name that PostgreSQL knows
  latitude double precision NOT NULL,
  longitude double precision NOT NULL
);
CREATE INDEX cities_spot ON cities USING gist (point(longitude, latitude));
CREATE INDEX cities_country ON cities (country);
-- Which file they are of, and how far the items have been looked at; at most one row.
CREATE TABLE city_source (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  fingerprint text NOT NULL,
  seen_to uuid                    -- NULL: all of them
);
GRANT SELECT ON cities TO medianest_api, medianest_worker; -- triggers read it at once

-- Metres within which a city names a place, and within which its clocks are those of the place.
CREATE FUNCTION mn_place_reach() RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 60000;
CREATE FUNCTION mn_zone_reach() RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 250000;

-- Metres between two spots: haversines on a sphere.
CREATE FUNCTION mn_metres(latitude double precision, longitude double precision,
  to_latitude double precision, to_longitude double precision) RETURNS double precision
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 2 * 6371009 * asin(least(1, sqrt(sind((to_latitude - latitude) / 2) ^ 2
    + cosd(latitude) * cosd(to_latitude) * sind((to_longitude - longitude) / 2) ^ 2)));

-- The nearest city within `reach`; no row: there is none. Beyond the edges of the map it goes on
-- at the other side.
CREATE FUNCTION mn_city(latitude double precision, longitude double precision,
  reach double precision) RETURNS SETOF cities LANGUAGE plpgsql STABLE ROWS 1
AS $$
DECLARE
  high double precision := reach / 111000;
  wide double precision := least(180, high / greatest(cosd(least(90, abs(latitude) + high)), 0.01));
BEGIN
  RETURN QUERY SELECT c.* FROM unnest(ARRAY[0, -360, 360]) AS turn, cities c
    WHERE point(c.longitude, c.latitude) <@ box(
        point(mn_city.longitude + turn - wide, mn_city.latitude - high),
        point(mn_city.longitude + turn + wide, mn_city.latitude + high))
      AND mn_metres(mn_city.latitude, mn_city.longitude, c.latitude, c.longitude) <= reach
    ORDER BY mn_metres(mn_city.latitude, mn_city.longitude, c.latitude, c.longitude), c.id LIMIT 1;
END $$;

-- A number of metadata, which came from a file: NULL if it is none, or beyond `most`.
CREATE FUNCTION mn_degrees(value jsonb, most integer) RETURNS double precision LANGUAGE sql
  IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN jsonb_typeof(value) = 'number'
    THEN CASE WHEN abs(value::numeric) <= most THEN value::double precision END END;

-- The zone of the place where metadata says that a file was made, or NULL.
CREATE FUNCTION mn_zone_of(metadata jsonb) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT c.zone FROM mn_city(mn_degrees(metadata #> '{gps,latitude}', 90),
    mn_degrees(metadata #> '{gps,longitude}', 180), mn_zone_reach()) c
$$;

-- All of them, or none of the first two: on no map, and in no list of places.
ALTER TABLE media
  ADD COLUMN latitude double precision,
  ADD COLUMN longitude double precision,
  ADD COLUMN place_id integer,    -- the city's; the others are copied from it
  ADD COLUMN place_name text,
  ADD COLUMN place_region text,
  ADD COLUMN place_country text;

-- The columns of an item with such metadata; no row: it says no place.
CREATE FUNCTION mn_place_of(metadata jsonb) RETURNS TABLE (latitude double precision,
  longitude double precision, id integer, name text, region text, country text)
  LANGUAGE sql STABLE ROWS 1 AS $$
  SELECT g.latitude, g.longitude, c.id, c.name, c.region, c.country
  FROM (SELECT mn_degrees(metadata #> '{gps,latitude}', 90) AS latitude,
      mn_degrees(metadata #> '{gps,longitude}', 180) AS longitude) g
    LEFT JOIN LATERAL mn_city(g.latitude, g.longitude, mn_place_reach()) c ON true
  WHERE g.latitude IS NOT NULL AND g.longitude IS NOT NULL
$$;

-- No writer of metadata has to know of places.
CREATE FUNCTION mn_place_follow() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  p record;
BEGIN
  SELECT * INTO p FROM mn_place_of(NEW.metadata);
  NEW.latitude := p.latitude;
  NEW.longitude := p.longitude;
  NEW.place_id := p.id;
  NEW.place_name := p.name;
  NEW.place_region := p.region;
  NEW.place_country := p.country;
  RETURN NEW;
END $$;
CREATE TRIGGER media_place_insert BEFORE INSERT ON media FOR EACH ROW
  WHEN (NEW.metadata ? 'gps') EXECUTE FUNCTION mn_place_follow();
CREATE TRIGGER media_place_update BEFORE UPDATE OF metadata ON media FOR EACH ROW
  WHEN (NEW.metadata -> 'gps' IS DISTINCT FROM OLD.metadata -> 'gps')
  EXECUTE FUNCTION mn_place_follow();
