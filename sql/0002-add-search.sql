-- Full-text search: what each item can be found by, and the words that suggestions and corrections draw on.

CREATE TEXT SEARCH CONFIGURATION mn_simple (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION mn_simple
  ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, simple;
CREATE TEXT SEARCH CONFIGURATION mn_english (COPY = english);
ALTER TEXT SEARCH CONFIGURATION mn_english
  ALTER MAPPING FOR hword, hword_part, word WITH public.unaccent, english_stem;

-- Words apart: 'Spider-Man' -> 'Spider Man', 'Holiday.2023' -> 'Holiday 2023'.
CREATE FUNCTION mn_apart(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT regexp_replace(normalize($1, NFC), '[^[:alnum:]]+', ' ', 'g') $$;

-- Words joined: 'Spider-Man' -> 'SpiderMan', 'Ocean''s' -> 'Oceans', 'S.W.A.T.' -> 'SWAT'.
CREATE FUNCTION mn_joined(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT regexp_replace(regexp_replace(normalize($1, NFC), '[-./''`’‘·]+', '', 'g'), '[^[:alnum:]]+', ' ', 'g') $$;

-- What titles are compared by: letters and digits only, without accents, in lower case.
CREATE FUNCTION mn_title_key(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT left(regexp_replace(lower(public.mn_unaccent(normalize($1, NFC))), '[^[:alnum:]]+', '', 'g'), 200) $$;

-- Texts of the metadata that people search by.
CREATE FUNCTION mn_metadata_text(jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT concat_ws(' ', $1->>'artist', $1->>'albumArtist', $1->>'album', $1->>'composer', $1->>'genre', $1->>'studio',
    $1->>'make', $1->>'model', $1->>'cameraMake', $1->>'cameraModel', $1->>'place') $$;

CREATE FUNCTION mn_array_text(text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT coalesce(string_agg(e, ' '), '') FROM unnest($1) e $$;

-- Weights: A titles, B tags, genres and metadata, C overview, D file name.
CREATE FUNCTION mn_media_tsv(title text, original_title text, tags text[], genres text[], overview text, filename text, metadata jsonb)
  RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  titles text := concat_ws(' ', title, original_title);
  apart text := mn_apart(titles);
  joined text := mn_joined(titles);
  labels text := mn_apart(concat_ws(' ', mn_array_text(tags), mn_array_text(genres), mn_metadata_text(metadata)));
  gap tsvector := '¶:2'; -- between the parts, so that no phrase runs from one into the next
  vector tsvector;
BEGIN
  vector := setweight(to_tsvector('public.mn_english', apart), 'A') || gap || setweight(to_tsvector('public.mn_simple', apart), 'A') || gap
    || setweight(to_tsvector('public.mn_english', labels), 'B') || gap || setweight(to_tsvector('public.mn_simple', labels), 'B');
  IF joined <> apart THEN
    vector := vector || gap || setweight(to_tsvector('public.mn_simple', joined), 'A') || gap
      || setweight(to_tsvector('public.mn_english', joined), 'A');
  END IF;
  IF overview <> '' THEN
    vector := vector || gap || setweight(to_tsvector('public.mn_english', left(overview, 20000)), 'C');
  END IF;
  IF filename <> '' THEN
    vector := vector || gap || setweight(to_tsvector('public.mn_simple', mn_apart(filename)), 'D');
  END IF;
  RETURN ts_delete(vector, '¶');
END $$;

ALTER TABLE media ADD COLUMN title_key text COLLATE "C" GENERATED ALWAYS AS (mn_title_key(title)) STORED;

CREATE FUNCTION mn_media_set_tsv() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  NEW.tsv := mn_media_tsv(NEW.title, NEW.original_title, NEW.tags, NEW.genres, NEW.overview, NEW.filename, NEW.metadata);
  RETURN NEW;
END $$;
CREATE TRIGGER media_set_tsv BEFORE INSERT OR UPDATE OF title, original_title, tags, genres, overview, filename, metadata ON media
  FOR EACH ROW EXECUTE FUNCTION mn_media_set_tsv();

-- Exact and beginning titles, for suggestions and for the metadata leg of the search.
CREATE INDEX media_house_title_key ON media (title_key) WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_own_title_key ON media (owner_id, title_key) WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_house_year ON media ((coalesce(year, date_part('year', taken_at AT TIME ZONE 'UTC')::int)), created_at DESC, id DESC)
  WHERE visibility = 'house' AND status <> 'trashed';
CREATE INDEX media_own_year ON media (owner_id, (coalesce(year, date_part('year', taken_at AT TIME ZONE 'UTC')::int)), created_at DESC, id DESC)
  WHERE visibility <> 'house' AND status <> 'trashed';
CREATE INDEX media_external_ids ON media USING gin (external_ids jsonb_path_ops);

-- How many items the planner expects to match: a millisecond's look at its statistics, where counting would read them all.
CREATE FUNCTION mn_search_estimate(q tsquery) RETURNS bigint LANGUAGE plpgsql VOLATILE STRICT -- EXPLAIN wants it volatile
AS $$
DECLARE
  plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT JSON) SELECT 1 FROM media m WHERE m.tsv @@ ' || quote_literal(q::text) || '::tsquery' INTO plan;
  RETURN (plan->0->'Plan'->>'Plan Rows')::bigint;
END $$;

-- The vocabulary follows the catalogue within the transaction that changes it: words of titles, tags, genres and metadata of
-- what can be searched, counted for the house and for each owner apart.
CREATE FUNCTION mn_media_words(title text, original_title text, tags text[], genres text[], metadata jsonb)
  RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT coalesce(array_agg(w), '{}') FROM unnest(tsvector_to_array(to_tsvector('public.mn_simple',
    mn_apart(concat_ws(' ', title, original_title, mn_array_text(tags), mn_array_text(genres), mn_metadata_text(metadata)))))) w
  WHERE length(w) BETWEEN 3 AND 40 AND w !~ '[0-9]'
$$;

CREATE FUNCTION mn_media_scope(visibility text, owner_id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT CASE WHEN visibility = 'house' THEN 'house' ELSE coalesce(owner_id::text, 'nobody') END $$;

CREATE FUNCTION mn_vocabulary_follow() RETURNS trigger LANGUAGE plpgsql
AS $$
DECLARE
  lowered boolean := false;
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO vocabulary AS v (scope, word, n)
      SELECT scope, word, count(*) FROM (
        SELECT mn_media_scope(visibility, owner_id) AS scope, unnest(mn_media_words(title, original_title, tags, genres, metadata)) AS word
        FROM new_rows WHERE status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed')) w
      GROUP BY scope, word ORDER BY scope, word
      ON CONFLICT (scope, word) DO UPDATE SET n = v.n + excluded.n;
  ELSIF TG_OP = 'UPDATE' THEN
    WITH old_state AS (
      SELECT id, status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed') AS shown, visibility, owner_id, title, original_title,
        tags, genres, mn_metadata_text(metadata) AS labels, metadata FROM old_rows),
    new_state AS (
      SELECT id, status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed') AS shown, visibility, owner_id, title, original_title,
        tags, genres, mn_metadata_text(metadata) AS labels, metadata FROM new_rows),
    changed AS (
      SELECT o.id FROM old_state o JOIN new_state n USING (id)
      WHERE (o.shown OR n.shown) AND (o.shown, o.visibility, o.owner_id, o.title, o.original_title, o.tags, o.genres, o.labels)
        IS DISTINCT FROM (n.shown, n.visibility, n.owner_id, n.title, n.original_title, n.tags, n.genres, n.labels)),
    deltas AS (
      SELECT scope, word, sum(d)::integer AS d FROM (
        SELECT mn_media_scope(visibility, owner_id) AS scope, unnest(mn_media_words(title, original_title, tags, genres, metadata)) AS word, -1 AS d
        FROM old_state WHERE shown AND id IN (SELECT id FROM changed)
        UNION ALL
        SELECT mn_media_scope(visibility, owner_id), unnest(mn_media_words(title, original_title, tags, genres, metadata)), 1
        FROM new_state WHERE shown AND id IN (SELECT id FROM changed)) w
      GROUP BY scope, word HAVING sum(d) <> 0),
    applied AS (
      INSERT INTO vocabulary AS v (scope, word, n)
        SELECT scope, word, d FROM deltas ORDER BY scope, word
        ON CONFLICT (scope, word) DO UPDATE SET n = v.n + excluded.n
      RETURNING v.n)
    SELECT coalesce(bool_or(n <= 0), false) INTO lowered FROM applied;
  ELSE
    WITH applied AS (
      INSERT INTO vocabulary AS v (scope, word, n)
        SELECT scope, word, -count(*) FROM (
          SELECT mn_media_scope(visibility, owner_id) AS scope, unnest(mn_media_words(title, original_title, tags, genres, metadata)) AS word
          FROM old_rows WHERE status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed')) w
        GROUP BY scope, word ORDER BY scope, word
        ON CONFLICT (scope, word) DO UPDATE SET n = v.n + excluded.n
      RETURNING v.n)
    SELECT coalesce(bool_or(n <= 0), false) INTO lowered FROM applied;
  END IF;
  IF lowered THEN
    DELETE FROM vocabulary WHERE n <= 0;
  END IF;
  RETURN NULL;
END $$;
CREATE INDEX vocabulary_gone ON vocabulary (n) WHERE n <= 0;
CREATE TRIGGER media_words_insert AFTER INSERT ON media REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_vocabulary_follow();
CREATE TRIGGER media_words_update AFTER UPDATE ON media REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_vocabulary_follow();
CREATE TRIGGER media_words_delete AFTER DELETE ON media REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION mn_vocabulary_follow();

-- What was there before.
UPDATE media SET title = title;
INSERT INTO vocabulary (scope, word, n)
  SELECT scope, word, count(*) FROM (
    SELECT mn_media_scope(visibility, owner_id) AS scope, unnest(mn_media_words(title, original_title, tags, genres, metadata)) AS word
    FROM media WHERE status = 'ready' OR (asset_prefix IS NOT NULL AND status <> 'trashed')) w
  GROUP BY scope, word
  ON CONFLICT (scope, word) DO UPDATE SET n = excluded.n;
