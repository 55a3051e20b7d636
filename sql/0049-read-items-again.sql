-- Which version of the reader (src/model/media.h) read what an item's file says; the job
-- media.reread looks for those of before. Who raises the version replaces the index, so that there
-- is nothing in it once all of them have been read.
ALTER TABLE media ADD COLUMN read_by smallint NOT NULL DEFAULT 0;
CREATE INDEX media_older ON media (id)
  WHERE read_by < 1 AND status = 'ready' AND object_key IS NOT NULL;
-- Items whose pictures are still to be turned.
CREATE INDEX media_unturned ON media (id) WHERE rotation <> made_rotation;
