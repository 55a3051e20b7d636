-- Identity, catalogue, uploads, jobs, notifications, embedded object store.
-- Run by medianest-admin migrate as the owner of the schema (role medianest_migrate), in one transaction.

CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- unaccent() is only STABLE because its dictionary could change; ours does not.
CREATE FUNCTION mn_unaccent(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT public.unaccent('public.unaccent'::regdictionary, $1) $$;

CREATE TABLE users (
  id uuid PRIMARY KEY,
  email text NOT NULL,
  display_name text NOT NULL,
  role text NOT NULL CHECK (role IN ('guest', 'user', 'admin', 'super')),
  tier text NOT NULL DEFAULT 'standard' CHECK (tier IN ('standard', 'premium')),
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
  password_hash text,
  locale text,
  generation bigint NOT NULL DEFAULT 1, -- raised by whatever must bite at the next request
  last_seq bigint NOT NULL DEFAULT 0,   -- of this person's notifications (correctness.md 19)
  quota_bytes bigint CHECK (quota_bytes >= 0), -- NULL: quota.default
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  last_login_at timestamptz,
  plex_id text UNIQUE,                 -- linked by id only, never by e-mail
  totp_secret bytea,                   -- sealed; see crypto.h
  totp_confirmed_at timestamptz        -- the second factor is on from here
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_created ON users (created_at DESC, id DESC);

CREATE TABLE role_permissions (
  role text NOT NULL CHECK (role IN ('guest', 'user', 'admin', 'super')),
  permission text NOT NULL,
  PRIMARY KEY (role, permission)
);
INSERT INTO role_permissions (role, permission) VALUES
  ('guest', 'media.read'), ('guest', 'profile.view'),
  ('user', 'media.read'), ('user', 'media.upload'), ('user', 'profile.view'), ('user', 'profile.edit'), ('user', 'integrations.view'),
  ('admin', 'media.read'), ('admin', 'media.upload'), ('admin', 'media.delete'), ('admin', 'profile.view'), ('admin', 'profile.edit'),
  ('admin', 'users.manage'), ('admin', 'integrations.configure'), ('admin', 'webhooks.manage'),
  ('super', 'media.manage_all'), ('super', 'users.manage'), ('super', 'system.settings'), ('super', 'integrations.configure'), ('super', 'webhooks.manage');

CREATE TABLE sessions (
  id uuid PRIMARY KEY,                 -- sid
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  device text NOT NULL DEFAULT '',
  address text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz,
  revoked_reason text
);
CREATE INDEX sessions_user ON sessions (user_id, last_used_at DESC);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
  hash bytea PRIMARY KEY,              -- sha256 of the token
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE, -- the family
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  rotated_at timestamptz,              -- NULL: the live one
  successor bytea,                     -- hash of what replaced it
  dead boolean NOT NULL DEFAULT false  -- an unused successor that a repeat replaced
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- Revocations that Redis must know while an access token of the session may still be alive.
CREATE TABLE revoked_tokens (
  sid uuid PRIMARY KEY,
  revoked_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

-- Counters of wrong passwords; they hold without Redis. subject: 'pair:<sha256>', 'account:<sha256>', 'address:<address>'.
CREATE TABLE login_attempts (
  subject text PRIMARY KEY,
  failures integer NOT NULL,
  window_start timestamptz NOT NULL,
  last_failure timestamptz NOT NULL
);
CREATE INDEX login_attempts_age ON login_attempts (last_failure);

CREATE TABLE settings (
  key text PRIMARY KEY,
  value text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  updated_by uuid REFERENCES users ON DELETE SET NULL
);

CREATE TABLE media (
  id uuid PRIMARY KEY,
  source text NOT NULL DEFAULT 'upload' CHECK (source IN ('upload', 'plex')),
  kind text NOT NULL CHECK (kind IN ('image', 'video', 'audio', 'movie', 'show', 'season', 'episode', 'track', 'other')),
  title text NOT NULL,
  original_title text,
  status text NOT NULL CHECK (status IN ('pending', 'processing', 'ready', 'failed', 'trashed')),
  trashed_from text,                   -- status before the trash
  trashed_at timestamptz,
  trashed_by uuid REFERENCES users ON DELETE SET NULL,
  visibility text NOT NULL DEFAULT 'private' CHECK (visibility IN ('private', 'shared', 'house')),
  owner_id uuid REFERENCES users ON DELETE CASCADE,
  filename text,
  content_type text,
  size bigint,
  sha256 bytea,                        -- computed by the worker, never the announced one
  width integer,
  height integer,
  duration_ms bigint,
  taken_at timestamptz,
  year integer,
  overview text,
  genres text[] NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}',
  external_ids jsonb NOT NULL DEFAULT '{}',
  metadata jsonb NOT NULL DEFAULT '{}', -- large; not in lists
  thumbhash text,                      -- base64
  object_key text,                     -- the original, under a key that no client can write
  asset_prefix text,                   -- derived/<id>/<lease>: thumbnails and previews are asset_prefix/<asset>
  assets text[] NOT NULL DEFAULT '{}', -- 320.webp 640.webp 1280.webp poster.webp preview.mp4 sprite.webp cover.webp
  sprite_times integer[] NOT NULL DEFAULT '{}', -- ms
  failure_code text,
  failure_message text,
  tsv tsvector NOT NULL DEFAULT '',
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
-- The three branches of the list (correctness.md 15).
CREATE INDEX media_own_newest ON media (owner_id, created_at DESC, id DESC) WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_newest ON media (created_at DESC, id DESC) WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_own_kind ON media (owner_id, kind, created_at DESC, id DESC) WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_kind ON media (kind, created_at DESC, id DESC) WHERE visibility = 'house' AND status <> 'trashed';
-- The same for those who may see everything, and for the other orders. `trashed_at IS NULL` says what `status <> 'trashed'` says, in words that
-- the planner cannot see through: the branches above must never walk an index that holds other people's items.
CREATE INDEX media_all_newest ON media (created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX media_all_kind ON media (kind, created_at DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX media_own_taken ON media (owner_id, (coalesce(taken_at, created_at)) DESC, id DESC) WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_taken ON media ((coalesce(taken_at, created_at)) DESC, id DESC) WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_all_taken ON media ((coalesce(taken_at, created_at)) DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX media_own_title ON media (owner_id, lower(title), id) WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_title ON media (lower(title), id) WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_all_title ON media (lower(title), id) WHERE trashed_at IS NULL;
CREATE INDEX media_trash_of ON media (trashed_by, trashed_at DESC, id DESC) WHERE status = 'trashed';
CREATE INDEX media_own_trash ON media (owner_id, trashed_at DESC, id DESC) WHERE status = 'trashed';
CREATE INDEX media_trash_age ON media (trashed_at) WHERE status = 'trashed';
CREATE INDEX media_own_bytes ON media (owner_id, sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_tsv ON media USING gin (tsv);
CREATE INDEX media_tags ON media USING gin (tags);

CREATE TABLE media_shares (
  media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz NOT NULL,     -- the item's, copied for the list
  PRIMARY KEY (media_id, user_id)
);
CREATE INDEX media_shares_newest ON media_shares (user_id, created_at DESC, media_id DESC);

-- Derived objects, published or not: what is not published is collected after a day.
CREATE TABLE media_assets (
  key text COLLATE "C" PRIMARY KEY,
  media_id uuid NOT NULL,
  size bigint NOT NULL,
  published boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX media_assets_media ON media_assets (media_id);
CREATE INDEX media_assets_unpublished ON media_assets (created_at) WHERE NOT published;

-- The timeline that a person sees.
CREATE TABLE media_events (
  id bigserial PRIMARY KEY,
  media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  step text NOT NULL,                  -- upload, queue, fetch, inspect, thumbnails, preview, store, publish
  state text NOT NULL CHECK (state IN ('started', 'done', 'failed')),
  message text,
  attempt integer NOT NULL DEFAULT 1
);
CREATE INDEX media_events_media ON media_events (media_id, id);

CREATE TABLE uploads (
  id uuid PRIMARY KEY,
  media_id uuid NOT NULL,              -- no reference: the upload tells its end when the item is gone
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completing', 'completed', 'aborted', 'expired')),
  object_key text NOT NULL,            -- incoming/<id>: the only key a client can write
  size bigint NOT NULL CHECK (size >= 0),
  content_type text NOT NULL,
  sha256 bytea,                        -- announced
  multipart_id text,                   -- the store's upload id
  part_size bigint,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  completed_at timestamptz
);
CREATE INDEX uploads_media ON uploads (media_id);
CREATE INDEX uploads_ended ON uploads (created_at) WHERE status NOT IN ('pending', 'completing');
CREATE INDEX uploads_open ON uploads (expires_at) WHERE status IN ('pending', 'completing');
CREATE INDEX uploads_user_open ON uploads (user_id) WHERE status IN ('pending', 'completing');

CREATE TABLE jobs (
  id uuid PRIMARY KEY,
  kind text NOT NULL,                  -- media.process, media.purge, session.push, ...
  queue text NOT NULL,                 -- concurrency is per queue: media, video, mail, hook, quick
  state text NOT NULL DEFAULT 'available' CHECK (state IN ('available', 'running', 'done', 'dead')),
  payload jsonb NOT NULL DEFAULT '{}',
  unique_key text,                     -- at most one open job has it
  run_at timestamptz NOT NULL DEFAULT now(),
  attempt integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
  lease uuid,                          -- fencing token of the present run
  lease_until timestamptz,
  last_error text,
  request_id text,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX jobs_available ON jobs (queue, run_at, id) WHERE state = 'available';
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state IN ('done', 'dead');
CREATE UNIQUE INDEX jobs_unique_key ON jobs (unique_key) WHERE state IN ('available', 'running') AND unique_key IS NOT NULL;

CREATE TABLE notifications (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  seq bigint NOT NULL,
  kind text NOT NULL,                  -- media.ready, media.failed, ...
  event text NOT NULL DEFAULT 'notification', -- type on the socket, kept for the replay
  title text NOT NULL,
  message text NOT NULL DEFAULT '',
  data jsonb NOT NULL DEFAULT '{}',
  read_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (user_id, seq)
);
CREATE INDEX notifications_unread ON notifications (user_id, seq DESC) WHERE read_at IS NULL;
CREATE INDEX notifications_age ON notifications (created_at);

CREATE TABLE notification_preferences (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL,
  page boolean NOT NULL DEFAULT true,
  email text NOT NULL DEFAULT 'off' CHECK (email IN ('now', 'digest', 'off')),
  PRIMARY KEY (user_id, kind)
);

-- Words for typo correction and suggestions; scope: 'house' or an owner's id (correctness.md 17).
CREATE TABLE vocabulary (
  scope text NOT NULL,
  word text COLLATE "C" NOT NULL,
  n integer NOT NULL,
  PRIMARY KEY (scope, word)
);
CREATE INDEX vocabulary_trigrams ON vocabulary USING gin (word gin_trgm_ops);

-- Embedded object store: the index of what lies in the blob directory (correctness.md 9).
CREATE TABLE object_buckets (
  name text COLLATE "C" PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE objects (
  bucket text COLLATE "C" NOT NULL REFERENCES object_buckets,
  key text COLLATE "C" NOT NULL,
  blob text NOT NULL,                  -- random name
  size bigint NOT NULL,
  etag text NOT NULL,
  content_type text NOT NULL DEFAULT 'binary/octet-stream',
  headers jsonb NOT NULL DEFAULT '{}', -- x-amz-meta-*, Cache-Control, Content-Disposition, Content-Encoding
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (bucket, key)
);
CREATE TABLE object_uploads (
  id text PRIMARY KEY,
  bucket text COLLATE "C" NOT NULL REFERENCES object_buckets,
  key text COLLATE "C" NOT NULL,
  content_type text NOT NULL,
  headers jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX object_uploads_key ON object_uploads (bucket, key, id);
CREATE TABLE object_parts (
  upload_id text NOT NULL REFERENCES object_uploads ON DELETE CASCADE,
  number integer NOT NULL CHECK (number BETWEEN 1 AND 10000),
  blob text NOT NULL,
  size bigint NOT NULL,
  etag text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (upload_id, number)
);
-- Blobs that nothing refers to any more, or that a write announced before it committed; unlinked after an hour.
CREATE TABLE object_garbage (
  blob text PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX object_garbage_since ON object_garbage (since);
