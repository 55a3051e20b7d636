-- Items of media servers as people read them, and what enrichment adds to them.

-- A list without a kind shows what has no parent: films, series and artists, not every episode and
-- track. Each order has its index for these, so that a page reads no child; a list of one kind has
-- its own, so that it reads no other.
CREATE INDEX media_house_top_newest ON media (created_at DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed' AND parent_id IS NULL;
CREATE INDEX media_house_top_taken ON media ((coalesce(taken_at, created_at)) DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed' AND parent_id IS NULL;
CREATE INDEX media_house_top_title ON media (lower(title), id)
  WHERE visibility = 'house' AND status <> 'trashed' AND parent_id IS NULL;
CREATE INDEX media_all_top_newest ON media (created_at DESC, id DESC)
  WHERE trashed_at IS NULL AND parent_id IS NULL;
CREATE INDEX media_all_top_taken ON media ((coalesce(taken_at, created_at)) DESC, id DESC)
  WHERE trashed_at IS NULL AND parent_id IS NULL;
CREATE INDEX media_all_top_title ON media (lower(title), id)
  WHERE trashed_at IS NULL AND parent_id IS NULL;
CREATE INDEX media_house_kind_taken ON media
  (kind, (coalesce(taken_at, created_at)) DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_house_kind_title ON media (kind, lower(title), id)
  WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_all_kind_taken ON media
  (kind, (coalesce(taken_at, created_at)) DESC, id DESC) WHERE trashed_at IS NULL;
CREATE INDEX media_all_kind_title ON media (kind, lower(title), id) WHERE trashed_at IS NULL;

-- The same for shared items. A library that is shared with somebody is a share for each item.
ALTER TABLE media_shares
  ADD COLUMN kind text,
  ADD COLUMN top boolean;              -- the item has no parent
CREATE OR REPLACE FUNCTION mn_share_fill() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  -- Locked, so that a change of the item waits for this share and then meets it.
  SELECT m.created_at, coalesce(m.taken_at, m.created_at), m.title, m.title_key, m.kind,
      m.parent_id IS NULL
    INTO NEW.created_at, NEW.taken_at, NEW.title, NEW.title_key, NEW.kind, NEW.top
    FROM media m WHERE m.id = NEW.media_id FOR SHARE;
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION mn_shares_follow() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE media_shares SET created_at = NEW.created_at,
    taken_at = coalesce(NEW.taken_at, NEW.created_at), title = NEW.title,
    title_key = NEW.title_key, kind = NEW.kind, top = NEW.parent_id IS NULL
    WHERE media_id = NEW.id;
  RETURN NULL;
END $$;
DROP TRIGGER media_shares_follow ON media;
CREATE TRIGGER media_shares_follow AFTER UPDATE ON media FOR EACH ROW
  WHEN (NEW.title IS DISTINCT FROM OLD.title OR NEW.taken_at IS DISTINCT FROM OLD.taken_at
    OR NEW.created_at IS DISTINCT FROM OLD.created_at OR NEW.kind IS DISTINCT FROM OLD.kind
    OR (NEW.parent_id IS NULL) IS DISTINCT FROM (OLD.parent_id IS NULL))
  EXECUTE FUNCTION mn_shares_follow();
UPDATE media_shares s SET kind = m.kind, top = m.parent_id IS NULL
  FROM media m WHERE m.id = s.media_id;
ALTER TABLE media_shares ALTER COLUMN kind SET NOT NULL, ALTER COLUMN top SET NOT NULL;
CREATE INDEX media_shares_top_newest ON media_shares (user_id, created_at DESC, media_id DESC)
  WHERE top;
CREATE INDEX media_shares_top_taken ON media_shares (user_id, taken_at DESC, media_id DESC)
  WHERE top;
CREATE INDEX media_shares_top_title ON media_shares (user_id, lower(title), media_id) WHERE top;
CREATE INDEX media_shares_kind_newest ON media_shares
  (user_id, kind, created_at DESC, media_id DESC);
CREATE INDEX media_shares_kind_taken ON media_shares
  (user_id, kind, taken_at DESC, media_id DESC);
CREATE INDEX media_shares_kind_title ON media_shares (user_id, kind, lower(title), media_id);

-- Children by disc and position; those without a number come last.
CREATE FUNCTION mn_child_order(disc integer, place integer) RETURNS bigint LANGUAGE sql IMMUTABLE
  PARALLEL SAFE
  AS $$ SELECT least(coalesce($1, 0), 65535) * 4294967296 + coalesce($2, 2147483647) $$;
DROP INDEX media_children;
CREATE INDEX media_children ON media (parent_id, mn_child_order(disc, position), id)
  WHERE parent_id IS NOT NULL;

-- Items of a library that is left out come back with it: their time in the trash does not run.
DROP INDEX media_trash_age;
CREATE INDEX media_trash_age ON media (trashed_at)
  WHERE status = 'trashed' AND trash_reason IS DISTINCT FROM 'excluded';
CREATE INDEX media_house_trash ON media (trashed_at DESC, id DESC)
  WHERE status = 'trashed' AND owner_id IS NULL AND trash_reason IS DISTINCT FROM 'excluded';

-- What was asked about an item, and what came of it.
CREATE TABLE media_enrichments (
  media_id uuid PRIMARY KEY REFERENCES media ON DELETE CASCADE,
  poster text,                         -- source of the pictures: server:<path> or tmdb:<path>
  poster_missing text,                 -- path that the server said it does not have
  poster_failed text,                  -- source of bytes that were no picture
  poster_failures integer NOT NULL DEFAULT 0, -- how often
  artwork text,                        -- path of TMDB's poster
  tmdb_id text,                        -- NULL: TMDB has no such title, or was not asked
  tmdb_ids jsonb,                      -- the item's ids and title when it was asked
  tmdb_at timestamptz,                 -- when it was asked; NULL: never
  filled jsonb NOT NULL DEFAULT '{}'   -- overview and genres that the item has from TMDB
);

-- Titles of TMDB as they are used here; `title` NULL: there is no such title.
CREATE TABLE tmdb_cache (
  path text PRIMARY KEY,
  title jsonb,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tmdb_cache_age ON tmdb_cache (at);

-- When the next question to TMDB may be asked, by any process of any host.
CREATE TABLE tmdb_pace (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  next_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO tmdb_pace DEFAULT VALUES;

-- Keywords and people are searched by too. Rows without them keep their words.
CREATE OR REPLACE FUNCTION mn_metadata_texts(jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE
  PARALLEL SAFE STRICT
  AS $$ SELECT ARRAY[$1->>'artist', $1->>'albumArtist', $1->>'album', $1->>'composer',
    $1->>'genre', $1->>'studio', $1->>'place', $1->'camera'->>'make', $1->'camera'->>'model',
    $1->>'make', $1->>'model', $1->>'description']
    || ARRAY(SELECT jsonb_array_elements_text(jsonb_path_query_array($1,
      'strict $.keywords[*]', '{}', true)))
    || ARRAY(SELECT jsonb_array_elements_text(jsonb_path_query_array($1,
      'strict $.people[*].name', '{}', true))) $$;
