-- Photos that are cut off, and live photos: a photo and a video of one moment, uploaded as two
-- files.
ALTER TABLE media
  -- the file ends too early; what is there is shown
  ADD COLUMN incomplete boolean NOT NULL DEFAULT false,
  ADD COLUMN content_id text;          -- what a live photo and its video have in common
CREATE INDEX media_content_id ON media (owner_id, content_id) WHERE content_id IS NOT NULL;

-- The video of a live photo is a part of it (parent_id): it goes to the trash and comes back with
-- it.
CREATE FUNCTION mn_live_trash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE media SET status = CASE NEW.status WHEN 'trashed' THEN 'trashed'
      ELSE coalesce(trashed_from, 'ready') END,
    trashed_from = CASE NEW.status WHEN 'trashed' THEN status END,
    trashed_at = NEW.trashed_at, trashed_by = NEW.trashed_by, version = version + 1,
    updated_at = now()
  WHERE parent_id = NEW.id AND content_id = NEW.content_id
    AND (status = 'trashed') <> (NEW.status = 'trashed');
  RETURN NULL;
END $$;
CREATE TRIGGER media_live_trash AFTER UPDATE OF status ON media FOR EACH ROW
  WHEN (NEW.kind = 'image' AND NEW.content_id IS NOT NULL
    AND (OLD.status = 'trashed') <> (NEW.status = 'trashed'))
  EXECUTE FUNCTION mn_live_trash();
