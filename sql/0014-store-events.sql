-- Webhooks that come in: who may send them, the inbox that keeps each before it is answered, and
-- what people have played.

CREATE TABLE webhook_sources (
  id uuid PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('plex', 'overseerr', 'generic')),
  name text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  key_hash bytea NOT NULL UNIQUE,      -- sha256 of the key
  secret text NOT NULL,                -- sealed: webhook_sources, id, secret
  created_at timestamptz NOT NULL DEFAULT now(),
  rotated_at timestamptz
);

CREATE TABLE webhook_events (
  id uuid PRIMARY KEY,
  source_id uuid REFERENCES webhook_sources ON DELETE SET NULL,
  source text NOT NULL,
  type text NOT NULL,                  -- as the sender names it: media.play, MEDIA_AVAILABLE
  status text NOT NULL DEFAULT 'received'
    CHECK (status IN ('received', 'processed', 'ignored', 'failed', 'dead')),
  -- sha256 of the sender's id of the delivery (by_id), or of the payload. NULL: that payload came
  -- so long ago that another one like it is a new event.
  dedupe bytea,
  by_id boolean NOT NULL,
  machine_id text,                     -- of the media server that it is about
  subject text,                        -- key of the item, number of the request
  payload jsonb NOT NULL,              -- secrets are masked
  attempts integer NOT NULL DEFAULT 0,
  error text,                          -- why it failed or was ignored
  told_at timestamptz,                 -- people were told; a replay does not tell them again
  request_id text,
  received_at timestamptz NOT NULL DEFAULT now(),
  processed_at timestamptz
);
CREATE UNIQUE INDEX webhook_events_dedupe ON webhook_events (source_id, dedupe)
  WHERE dedupe IS NOT NULL;
CREATE INDEX webhook_events_newest ON webhook_events (received_at DESC, id DESC);
CREATE INDEX webhook_events_source ON webhook_events (source_id, received_at DESC);
CREATE INDEX webhook_events_failed ON webhook_events (received_at DESC, id DESC)
  WHERE status IN ('failed', 'dead');
CREATE INDEX webhook_events_machine ON webhook_events (machine_id, received_at DESC)
  WHERE machine_id IS NOT NULL;
CREATE INDEX webhook_events_told ON webhook_events (machine_id, subject) WHERE told_at IS NOT NULL;

-- One row for each viewing: a person, an item and a session on one player, however many events
-- there were about it.
CREATE TABLE plays (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  server_id uuid NOT NULL REFERENCES media_servers ON DELETE CASCADE,
  item_key text NOT NULL,
  player text NOT NULL,                -- its id, '' where the server does not say
  media_id uuid REFERENCES media ON DELETE SET NULL,
  activity_id uuid NOT NULL,           -- its entry in the person's history
  started_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,        -- of the newest event about it
  finished_at timestamptz,             -- the server counts it as seen
  stopped_at timestamptz
);
CREATE INDEX plays_session ON plays (user_id, server_id, item_key, player, last_at DESC);
CREATE INDEX plays_media ON plays (media_id) WHERE media_id IS NOT NULL;
CREATE INDEX plays_age ON plays (last_at);

-- Servers that admins were told about because they send no events any more.
CREATE TABLE hook_silences (
  server_id uuid PRIMARY KEY REFERENCES media_servers ON DELETE CASCADE,
  noticed_at timestamptz NOT NULL DEFAULT now()
);
