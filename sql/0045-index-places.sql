-- Apart from 0044, which holds off readers while it lasts.

-- Only owners see places, so that their lists are read by owner; beside that, people who see
-- everything.
CREATE INDEX media_spots ON media (owner_id, latitude, longitude)
  INCLUDE (id, place_id, parent_id, status) WHERE latitude IS NOT NULL AND trashed_at IS NULL;
CREATE INDEX media_all_spots ON media (latitude, longitude)
  INCLUDE (id, place_id, parent_id, status) WHERE latitude IS NOT NULL AND trashed_at IS NULL;
CREATE INDEX media_places ON media (owner_id, place_id,
  (coalesce(taken_local AT TIME ZONE 'UTC', taken_at, created_at)) DESC, id DESC)
  WHERE place_id IS NOT NULL AND trashed_at IS NULL;
