-- Media servers (Plex), their sections, what each item of them is in the catalogue, and the runs
-- that compare the two.

CREATE TABLE media_servers (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('plex')),
  name text NOT NULL,
  url text NOT NULL,
  token text NOT NULL,                 -- sealed: media_servers, id, token
  enabled boolean NOT NULL DEFAULT true,
  include text[],                      -- keys of the only sections to take in; NULL: all
  exclude text[] NOT NULL DEFAULT '{}', -- keys of sections to leave out
  removing text CHECK (removing IN ('trash', 'purge')), -- its items go first, by a job
  machine_id text UNIQUE,              -- of the installation; NULL until the first contact
  adopt_machine_id text,               -- another one responds at this address: an admin is asked
  server_version text,
  owner_account text,                  -- at plex.tv; NULL: not asked yet
  last_seen_at timestamptz,
  first_synced_at timestamptz,         -- end of the first complete run
  rekey boolean NOT NULL DEFAULT false,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE media_sections (
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES media_servers ON DELETE CASCADE,
  key text NOT NULL,
  title text NOT NULL,
  type text NOT NULL CHECK (type IN ('movie', 'show', 'artist')),
  agent text,
  enabled boolean NOT NULL DEFAULT true, -- false: left out, its items are in the trash as excluded
  visibility text NOT NULL DEFAULT 'house' CHECK (visibility IN ('house', 'shared')),
  rules bigint NOT NULL DEFAULT 0,     -- changes of the above: a job applies them to the items
  missing_runs integer NOT NULL DEFAULT 0, -- complete runs in a row without this section
  items bigint NOT NULL DEFAULT 0,     -- at the end of the last complete run
  synced_at timestamptz,               -- that end
  UNIQUE (server_id, key)
);
-- A section begins as its server was set up, whatever adds it.
CREATE FUNCTION mn_section_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  SELECT NEW.key = ANY (coalesce(s.include, ARRAY[NEW.key])) AND NEW.key <> ALL (s.exclude)
    INTO NEW.enabled FROM media_servers s WHERE s.id = NEW.server_id;
  RETURN NEW;
END $$;
CREATE TRIGGER media_sections_begin BEFORE INSERT ON media_sections
  FOR EACH ROW EXECUTE FUNCTION mn_section_begins();
-- The people who see a section of visibility 'shared'; each item has its media_shares.
CREATE TABLE media_section_users (
  section_id uuid NOT NULL REFERENCES media_sections ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (section_id, user_id)
);

-- A key of the form '~<media id>' is no key of a server: the item lost its own to another one, or
-- the server was set up again. Keys are in the order of their lengths and then of their characters,
-- which is the order of numbers.
CREATE TABLE server_items (
  server_id uuid NOT NULL REFERENCES media_servers ON DELETE CASCADE,
  item_key text COLLATE "C" NOT NULL,  -- unique on its server; given again to other items
  section_id uuid NOT NULL REFERENCES media_sections ON DELETE CASCADE,
  media_id uuid NOT NULL UNIQUE REFERENCES media ON DELETE CASCADE,
  kind text NOT NULL,
  guid text,                           -- what it is, as the server says it; compared with the key
  identity text NOT NULL,              -- the guid, or what stands for one that says nothing
  fingerprint bytea NOT NULL,          -- of what the server said of it last
  poster text,                         -- path on the server
  parent_key text,
  added_at bigint,                     -- as the server says it: Unix seconds
  missing_runs integer NOT NULL DEFAULT 0, -- complete runs in a row without this item
  found_at timestamptz NOT NULL DEFAULT now(), -- by a sync
  gone_at timestamptz,                 -- the server has it no longer
  orphan boolean NOT NULL DEFAULT false, -- its parent is not in the catalogue yet
  news boolean NOT NULL DEFAULT false, -- people are still to be told of it
  PRIMARY KEY (server_id, item_key)
);
CREATE INDEX server_items_identity ON server_items (server_id, identity);
CREATE INDEX server_items_order ON server_items (section_id, kind, length(item_key), item_key);
CREATE INDEX server_items_orphans ON server_items (server_id) WHERE orphan;
CREATE INDEX server_items_news ON server_items (server_id) WHERE news;

CREATE TABLE sync_runs (
  id uuid PRIMARY KEY,
  server_id uuid NOT NULL REFERENCES media_servers ON DELETE CASCADE,
  trigger text NOT NULL CHECK (trigger IN ('cron', 'api', 'manual', 'event')),
  section text,                        -- key of the only one that is wanted
  full_run boolean NOT NULL DEFAULT false,
  dry_run boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'running'
    CHECK (status IN ('running', 'ok', 'partial', 'failed', 'halted')),
  phase text NOT NULL DEFAULT 'CheckConnection',
  owner uuid NOT NULL,                 -- of the process at work: another one fences it off
  owner_name text NOT NULL,            -- for people: host and process
  started_at timestamptz NOT NULL DEFAULT now(),
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  counts jsonb NOT NULL DEFAULT '{}',
  sections jsonb NOT NULL DEFAULT '[]',
  errors jsonb NOT NULL DEFAULT '[]',  -- the first 100
  error_code text,
  error_message text,
  state jsonb NOT NULL DEFAULT '{}',   -- where an interrupted run goes on
  halt jsonb,                          -- why it stopped before it removed anything
  -- the halted run whose sync_missing an admin may let pass: itself, or an earlier one that
  -- missed the same
  halt_of uuid,
  passes uuid                          -- the halted run that an admin lets pass by this one
);
CREATE INDEX sync_runs_newest ON sync_runs (server_id, started_at DESC, id DESC);
CREATE INDEX sync_runs_all ON sync_runs (started_at DESC, id DESC);

-- What a run did not find where the server would list it. It counts once the section is known to
-- have been listed completely. 'absent' and 'present': the server was asked for this one item.
CREATE TABLE sync_missing (
  run_id uuid NOT NULL REFERENCES sync_runs ON DELETE CASCADE,
  media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
  answer text NOT NULL DEFAULT 'unlisted' CHECK (answer IN ('unlisted', 'absent', 'present')),
  PRIMARY KEY (run_id, media_id)
);
CREATE INDEX sync_missing_media ON sync_missing (media_id);
-- Items under new keys, of an identity that the catalogue has already under another one. Whether
-- they are moves or further editions is known when everything has been listed.
CREATE TABLE sync_pending (
  run_id uuid NOT NULL REFERENCES sync_runs ON DELETE CASCADE,
  item_key text COLLATE "C" NOT NULL,
  section_id uuid NOT NULL REFERENCES media_sections ON DELETE CASCADE,
  kind text NOT NULL,
  identity text NOT NULL,
  item jsonb NOT NULL,
  PRIMARY KEY (run_id, item_key)
);

-- Films, series and music of servers: their place under each other.
ALTER TABLE media DROP CONSTRAINT media_kind_check;
ALTER TABLE media ADD CONSTRAINT media_kind_check CHECK (kind IN ('image', 'video', 'audio',
  'movie', 'show', 'season', 'episode', 'artist', 'album', 'track', 'other'));
ALTER TABLE media
  ADD parent_id uuid REFERENCES media ON DELETE SET NULL, -- season -> show, track -> album
  ADD position integer,                -- number of the episode, season or track
  ADD disc integer,
  ADD locked text[] NOT NULL DEFAULT '{}', -- columns that a person edited: the sync leaves them
  ADD trash_reason text CHECK (trash_reason IN ('gone', 'excluded', 'server'));
CREATE INDEX media_children ON media (parent_id, position, id) WHERE parent_id IS NOT NULL;
-- The library that is left out comes back with all it had, however late.
DROP INDEX media_trash_age;
CREATE INDEX media_trash_age ON media (trashed_at)
  WHERE status = 'trashed' AND trash_reason IS DISTINCT FROM 'excluded';
