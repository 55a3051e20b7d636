-- What pictures look like: 64 bits of each (src/media/look.c), and which of one person look alike.
-- The bits are indexed in four bands of 16: two that differ in at most seven bits have a band that
-- differs in at most one.
CREATE TABLE media_looks (
  media_id uuid PRIMARY KEY REFERENCES media ON DELETE CASCADE,
  owner_id uuid NOT NULL,
  look bigint NOT NULL,
  group_id uuid NOT NULL               -- the same for all that look alike
);
CREATE INDEX media_looks_0 ON media_looks (owner_id, (look & 65535));
CREATE INDEX media_looks_1 ON media_looks (owner_id, ((look >> 16) & 65535));
CREATE INDEX media_looks_2 ON media_looks (owner_id, ((look >> 32) & 65535));
CREATE INDEX media_looks_3 ON media_looks (owner_id, ((look >> 48) & 65535));
CREATE INDEX media_looks_group ON media_looks (owner_id, group_id);
-- Here, not only in roles.sql: programs that run meanwhile write through the trigger at once.
GRANT SELECT, UPDATE, DELETE ON media_looks TO medianest_api, medianest_worker;

-- Items that are handed over are looked for among those of their new owner.
CREATE FUNCTION mn_look_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.owner_id IS NULL THEN
    DELETE FROM media_looks WHERE media_id = NEW.id;
  ELSE
    UPDATE media_looks SET owner_id = NEW.owner_id WHERE media_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER media_look_owner AFTER UPDATE OF owner_id ON media FOR EACH ROW
  WHEN (OLD.owner_id IS DISTINCT FROM NEW.owner_id) EXECUTE FUNCTION mn_look_follow();
