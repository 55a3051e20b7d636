-- Collections: albums, which hold what people put into them, and rules, which hold what matches.
-- And what people mark: favourites, and what they keep out of their own list.
--
-- The ids of items refer to media from 0033 on: this migration locks no table of the catalogue.

CREATE TABLE collections (
  id uuid PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('album', 'rule')),
  title text NOT NULL,
  sort text NOT NULL DEFAULT 'taken' CHECK (sort IN ('taken', 'manual')),
  cover_id uuid,                              -- as somebody chose it; NULL: the first item
  rule_tags text[] NOT NULL DEFAULT '{}',     -- all of them; of a rule, everything must hold
  rule_kinds text[] NOT NULL DEFAULT '{}',    -- one of them; empty: any
  rule_from date,
  rule_to date,
  rule_favorite boolean NOT NULL DEFAULT false, -- of the owner
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX collections_own ON collections (owner_id, created_at DESC, id DESC);
CREATE INDEX collections_cover ON collections (cover_id) WHERE cover_id IS NOT NULL;

-- The people a collection is shared with.
CREATE TABLE collection_people (
  collection_id uuid NOT NULL REFERENCES collections ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  may text NOT NULL CHECK (may IN ('view', 'add')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (collection_id, user_id)
);
CREATE INDEX collection_people_user ON collection_people (user_id);

CREATE TABLE collection_items (
  collection_id uuid NOT NULL REFERENCES collections ON DELETE CASCADE,
  media_id uuid NOT NULL,
  position bigint NOT NULL,                   -- in the order that people made, with gaps
  added_by uuid REFERENCES users ON DELETE SET NULL,
  -- The person who put it in may share the item: who sees the album sees it, as long as it is in.
  gives boolean NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (collection_id, media_id)
);
CREATE INDEX collection_items_order ON collection_items (collection_id, position, media_id);
CREATE INDEX collection_items_media ON collection_items (media_id);
CREATE INDEX collection_items_added_by ON collection_items (added_by);

CREATE TABLE media_favorites (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  media_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, media_id)
);
CREATE INDEX media_favorites_media ON media_favorites (media_id);

CREATE TABLE media_archived (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  media_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, media_id)
);
CREATE INDEX media_archived_media ON media_archived (media_id);
