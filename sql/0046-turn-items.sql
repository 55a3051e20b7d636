-- How a person has turned an item, in degrees clockwise, and how its pictures are turned already: a
-- job makes the latter follow.
ALTER TABLE media
  ADD COLUMN rotation smallint NOT NULL DEFAULT 0
    CHECK (rotation BETWEEN 0 AND 270 AND rotation % 90 = 0),
  ADD COLUMN made_rotation smallint NOT NULL DEFAULT 0
    CHECK (made_rotation BETWEEN 0 AND 270 AND made_rotation % 90 = 0),
  -- those of the tags that are names of people, and the names that the file had last
  ADD COLUMN people text[] NOT NULL DEFAULT '{}',
  ADD COLUMN people_found text[] NOT NULL DEFAULT '{}';

CREATE FUNCTION mn_lower_all(names text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce((SELECT array_agg(lower(name)) FROM unnest(names) name), '{}');

-- The names of an item after its file was read again: what the file lost goes, what it gained
-- comes, and everything else is as people have it. At most 50, as many tags as an item may have.
CREATE FUNCTION mn_names_follow(kept text[], was text[], found text[]) RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce((SELECT array_agg(name ORDER BY n) FROM (
    SELECT name, n FROM unnest(kept) WITH ORDINALITY k (name, n)
    WHERE lower(name) <> ALL (mn_lower_all(was)) OR lower(name) = ANY (mn_lower_all(found))
    UNION ALL
    SELECT name, 1000 + n FROM unnest(found) WITH ORDINALITY f (name, n)
    WHERE lower(name) <> ALL (mn_lower_all(was)) AND lower(name) <> ALL (mn_lower_all(kept))
    ORDER BY n LIMIT 50) AS names), '{}');

-- People are tags: a tag that goes, or is written in another way, takes its person along.
CREATE FUNCTION mn_people_are_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.people := ARRAY(SELECT tag FROM unnest(NEW.tags) tag
    WHERE lower(tag) = ANY (mn_lower_all(NEW.people)));
  RETURN NEW;
END $$;
CREATE TRIGGER media_people BEFORE INSERT OR UPDATE OF tags, people ON media FOR EACH ROW
  WHEN (NEW.people <> '{}') EXECUTE FUNCTION mn_people_are_tags();
