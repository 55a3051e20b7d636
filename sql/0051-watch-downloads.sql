-- What an archive holds, so that it ends when its person may not have all of that any more, or when
-- one of its items is purged; and whether its person has seen that it is ready.
ALTER TABLE downloads
  ADD COLUMN held uuid[],              -- NULL: made before, as far as media_ids could be had then
  ADD COLUMN seen_at timestamptz;
CREATE INDEX downloads_held ON downloads USING gin ((coalesce(held, media_ids)))
  WHERE status = 'ready';
