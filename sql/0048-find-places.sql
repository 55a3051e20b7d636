-- The words of a city, by which a search finds what was taken there.
CREATE FUNCTION mn_place_words(name text, region text, country text) RETURNS tsvector LANGUAGE sql
  IMMUTABLE PARALLEL SAFE
  RETURN to_tsvector('public.mn_simple', mn_words(mn_fold(concat_ws(' ', name, region, country))));
CREATE INDEX cities_words ON cities USING gin (mn_place_words(name, region, country));
