-- Tags are found in any case and without their accents; cameras and descriptions within pictures count as their texts.

CREATE FUNCTION mn_fold_tags(text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT lower(public.mn_unaccent(normalize($1::text, NFC)))::text[] $$;
CREATE INDEX media_folded_tags ON media USING gin (mn_fold_tags(tags)) WHERE status <> 'trashed';

CREATE OR REPLACE FUNCTION mn_metadata_text(jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT concat_ws(' ', $1->>'artist', $1->>'albumArtist', $1->>'album', $1->>'composer', $1->>'genre', $1->>'studio', $1->>'place',
    $1->'camera'->>'make', $1->'camera'->>'model', $1->>'make', $1->>'model', $1->>'description') $$;

-- What was there before.
UPDATE media SET metadata = metadata WHERE metadata ?| '{camera,description}';
DELETE FROM vocabulary;
INSERT INTO vocabulary (scope, word, n)
  SELECT scope, word, count(*) FROM (
    SELECT mn_media_scope(visibility, owner_id) AS scope, unnest(mn_media_words(title, original_title, tags, genres, metadata)) AS word
    FROM media WHERE status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed')) w
  GROUP BY scope, word;
