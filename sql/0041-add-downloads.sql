-- Archives that people have made of many items, to download them at once.
--
-- An archive is an object download/<id>/<lease of the job>. The row goes first, and what the store
-- has without one is removed by upkeep.downloads: the deletion of a person needs nothing else.

CREATE TABLE downloads (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status text NOT NULL DEFAULT 'waiting'
    CHECK (status IN ('waiting', 'running', 'ready', 'failed')),
  request bytea NOT NULL,             -- of what was asked for: equal ones are one while it is open
  manages boolean NOT NULL,           -- asked for by somebody who used media.manage_all
  title text NOT NULL,                -- the name of the archive
  folder text,                        -- in it; NULL: none
  collection_id uuid,                 -- no reference: the archive outlives the collection
  media_ids uuid[] NOT NULL,
  bytes bigint NOT NULL,              -- of the items, when they were asked for
  bytes_done bigint NOT NULL DEFAULT 0,
  left_out integer NOT NULL DEFAULT 0,
  size bigint,                        -- of the archive
  object_key text,
  failure_code text,
  failure_message text,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  expires_at timestamptz              -- of one that has ended
);
CREATE UNIQUE INDEX downloads_open ON downloads (user_id, request)
  WHERE status IN ('waiting', 'running');
CREATE INDEX downloads_own ON downloads (user_id, created_at DESC, id DESC);
CREATE INDEX downloads_age ON downloads (expires_at) WHERE expires_at IS NOT NULL;
