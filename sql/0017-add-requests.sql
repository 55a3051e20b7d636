-- Requests for titles, which Overseerr (or Seerr) keeps: where it is, who is who there, and the
-- last known state of each request.

CREATE TABLE overseerr_settings (
  id boolean PRIMARY KEY DEFAULT true CHECK (id), -- one row
  url text NOT NULL,
  api_key text NOT NULL,               -- sealed: overseerr_settings, id, api_key
  enabled boolean NOT NULL DEFAULT true,
  app_version text,
  state text NOT NULL DEFAULT 'new',   -- how the last question ended; ok, or why it failed
  asked_at timestamptz,                -- of the last question, to half a minute
  last_seen_at timestamptz,            -- of the last answer, likewise
  refreshed_at timestamptz,            -- when the last complete list was asked for
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
-- How many requests were removed here: what was listed before that may be out of date.
CREATE TABLE request_removals (
  id boolean PRIMARY KEY DEFAULT true CHECK (id), -- one row
  removed bigint NOT NULL DEFAULT 0
);
INSERT INTO request_removals DEFAULT VALUES;

-- The users of Overseerr, as they were listed last.
CREATE TABLE overseerr_users (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  plex_id text,
  seen_at timestamptz NOT NULL
);

-- Who is who: by a linked Plex account, or as somebody said. overseerr_id NULL: nobody there.
CREATE TABLE overseerr_people (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  overseerr_id bigint,
  by text NOT NULL CHECK (by IN ('plex', 'person')),
  CONSTRAINT overseerr_people_once UNIQUE (overseerr_id)
);

CREATE TABLE requests (
  id uuid PRIMARY KEY,
  -- NULL while it is not known whether Overseerr took it; numbers are given again there
  overseerr_id bigint CONSTRAINT requests_overseerr_id UNIQUE,
  media_type text NOT NULL CHECK (media_type IN ('movie', 'tv')),
  tmdb_id bigint NOT NULL,
  is4k boolean NOT NULL DEFAULT false,
  seasons integer[] NOT NULL DEFAULT '{}', -- of a series; empty: all
  title text,
  year integer,
  overseerr_user_id bigint NOT NULL,
  overseerr_user_name text,
  requested_by uuid REFERENCES users ON DELETE SET NULL,
  made_here boolean NOT NULL DEFAULT false, -- requested_by is fixed; else it follows the people
  request_state integer NOT NULL DEFAULT 0, -- Overseerr's numbers, as they came
  media_state integer NOT NULL DEFAULT 0,
  status text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'approved', 'declined', 'processing', 'available', 'failed')),
  reason text,                         -- of declining
  failure_code text,
  failure_message text,
  retry_at timestamptz,                -- when it can be asked for again
  told integer NOT NULL DEFAULT 0,     -- what the requester has been told of: bits
  missing_runs integer NOT NULL DEFAULT 0, -- complete lists in a row without it
  fetched_at timestamptz NOT NULL,     -- when its state was asked for
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX requests_newest ON requests (created_at DESC, id DESC);
CREATE INDEX requests_own ON requests (requested_by, created_at DESC, id DESC);
-- One question at a time.
CREATE UNIQUE INDEX requests_asking ON requests (requested_by, media_type, tmdb_id, is4k)
  WHERE overseerr_id IS NULL AND failure_code IS NULL;
