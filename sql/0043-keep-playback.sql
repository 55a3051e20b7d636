-- Whether browsers play an upload as it is (service/catalogue/playable.c). NULL: it is no video or
-- song, or nobody has looked at it yet, which upkeep.playback does.
ALTER TABLE media ADD COLUMN playable boolean;

-- Versions that they play, of those that they do not: one of an item.
CREATE TABLE media_playback (
  media_id uuid PRIMARY KEY REFERENCES media ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('waiting', 'ready', 'failed')),
  progress integer CHECK (progress BETWEEN -1 AND 100), -- percent; -1: unknown; NULL: not begun
  asked_by uuid[] NOT NULL DEFAULT '{}',      -- who hears of it, as long as they may see the item
  asked_at timestamptz NOT NULL DEFAULT now(),
  key text COLLATE "C",                       -- the object, a row of media_assets too
  size bigint,
  content_type text,
  played_at timestamptz,
  failure_code text,
  failure_message text,
  CHECK ((state = 'ready') = (key IS NOT NULL AND size IS NOT NULL AND content_type IS NOT NULL
    AND played_at IS NOT NULL)),
  CHECK ((state = 'failed') = (failure_code IS NOT NULL))
);
-- The least recently played go first.
CREATE INDEX media_playback_played ON media_playback (played_at, media_id) WHERE state = 'ready';
CREATE INDEX media_playback_waiting ON media_playback (asked_at) WHERE state = 'waiting';
