-- Backups that were made, and what is known of the bytes in the object store.

-- A row each time that `medianest-admin backup` ran. While held_until lies ahead nothing is removed
-- from the object store: the backup still has to read what its snapshot names. The process renews
-- it, so that one that was killed holds nothing for long.
CREATE TABLE backups (
  id uuid PRIMARY KEY,
  directory text NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'ok', 'failed')),
  started_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  held_until timestamptz,              -- NULL: it has ended
  objects bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,     -- of all that the backup has
  copied_bytes bigint NOT NULL DEFAULT 0, -- of objects that no earlier backup had
  error text
);
CREATE INDEX backups_newest ON backups (started_at DESC, id DESC);
CREATE INDEX backups_held ON backups (held_until) WHERE held_until IS NOT NULL;

-- Checksums of objects of which no other is known, as `medianest-admin verify` first saw them.
-- `name` is what the object can be told apart by: its blob in the embedded store, or its key.
CREATE TABLE object_sums (
  name text COLLATE "C" PRIMARY KEY,
  sha256 bytea NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now()
);
-- Where a verification that was interrupted goes on.
CREATE TABLE object_verification (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  started_at timestamptz NOT NULL DEFAULT now(),
  after text COLLATE "C" NOT NULL DEFAULT '',
  checked bigint NOT NULL DEFAULT 0,
  wrong bigint NOT NULL DEFAULT 0
);

-- A dump has to make these functions before what is computed with them. PostgreSQL knows which
-- functions a function calls only from bodies of this form, not from texts; without it a dump has
-- media before mn_unaccent() and cannot be restored.
CREATE OR REPLACE FUNCTION mn_unaccent(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  RETURN public.unaccent('public.unaccent'::regdictionary, $1);
CREATE OR REPLACE FUNCTION mn_title_key(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  RETURN left(regexp_replace(lower(public.mn_unaccent(normalize($1, NFC))), '[^[:alnum:]]+', '',
    'g'), 200);
CREATE OR REPLACE FUNCTION mn_fold_tags(text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  RETURN lower(public.mn_unaccent(normalize($1::text, NFC)))::text[];
