-- The order of `taken` is that of the wall clock. As a timestamptz, it takes the place of taken_at
-- in cursors and in shares. The indexes are made beside those that are in use: reading goes on.
CREATE INDEX media_own_taken_new ON media
  (owner_id, (coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_taken_new ON media
  ((coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_all_taken_new ON media
  ((coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE trashed_at IS NULL;
CREATE INDEX media_house_top_taken_new ON media
  ((coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed' AND parent_id IS NULL;
CREATE INDEX media_all_top_taken_new ON media
  ((coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE trashed_at IS NULL AND parent_id IS NULL;
CREATE INDEX media_house_kind_taken_new ON media
  (kind, (coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_all_kind_taken_new ON media
  (kind, (coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE trashed_at IS NULL;
-- For the job upkeep.dates, which goes through what there was before.
CREATE INDEX media_undated ON media (id) WHERE taken_source IS NULL AND source = 'upload'
  AND kind IN ('image', 'video') AND object_key IS NOT NULL;
ALTER TABLE media VALIDATE CONSTRAINT media_taken_offset_check;
ALTER TABLE media VALIDATE CONSTRAINT media_taken_source_check;

DROP INDEX media_own_taken, media_house_taken, media_all_taken, media_house_top_taken,
  media_all_top_taken, media_house_kind_taken, media_all_kind_taken;
ALTER INDEX media_own_taken_new RENAME TO media_own_taken;
ALTER INDEX media_house_taken_new RENAME TO media_house_taken;
ALTER INDEX media_all_taken_new RENAME TO media_all_taken;
ALTER INDEX media_house_top_taken_new RENAME TO media_house_top_taken;
ALTER INDEX media_all_top_taken_new RENAME TO media_all_top_taken;
ALTER INDEX media_house_kind_taken_new RENAME TO media_house_kind_taken;
ALTER INDEX media_all_kind_taken_new RENAME TO media_all_kind_taken;
