-- Public links: who has the address sees an item, an album or a selection of items, without an
-- account.
--
-- Items and albums are not referred to, so that this migration locks no table of the catalogue:
-- what is gone is in no row that a link is joined with, and housekeeping removes the rest.

CREATE TABLE links (
  id uuid PRIMARY KEY,
  owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE,           -- SHA-256
  kind text NOT NULL CHECK (kind IN ('item', 'album', 'selection')),
  collection_id uuid,                         -- of an album; else its items are in link_items
  title text,                                 -- of its owner's; NULL: that of what it shows
  password_hash text,
  download boolean NOT NULL DEFAULT false,    -- of the originals
  expires_at timestamptz,
  views bigint NOT NULL DEFAULT 0,
  last_viewed_at timestamptz,
  version bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((kind = 'album') = (collection_id IS NOT NULL))
);
CREATE INDEX links_own ON links (owner_id, created_at DESC, id DESC);
CREATE INDEX links_ended ON links (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE link_items (
  link_id uuid NOT NULL REFERENCES links ON DELETE CASCADE,
  media_id uuid NOT NULL,
  position integer NOT NULL,
  PRIMARY KEY (link_id, media_id)
);
CREATE INDEX link_items_media ON link_items (media_id);
