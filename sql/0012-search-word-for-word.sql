-- Items are found by the words that they have, stop words among them, and by the stems of these
-- words; the two can be told apart, so that a phrase matches nothing but the phrase.
--
-- A tsvector holds words as they are. Where the stem of a word is not itself a word of the same
-- text, it is there too, as '~stem'. A whole tag is '#tag'. Nothing that people type is parsed to
-- a lexeme that starts with one of these characters.

-- Words without their apostrophes: 'Don''t' -> 'Dont'. All other punctuation separates words.
CREATE FUNCTION mn_plain(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT regexp_replace(regexp_replace(normalize($1, NFC), '[''`’‘ʼ]+', '', 'g'),
    '[^[:alnum:]]+', ' ', 'g') $$;

-- Texts as one, each in every form that people write it in, with gaps that no phrase crosses. The
-- words of mn_plain() and its like hold no full stop, so no text has a word like the gap.
CREATE FUNCTION mn_forms(texts text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  gap CONSTANT text := ' 0.0 ';
  forms text := '';
  one text;
  plain text;
  apart text;
  joined text;
BEGIN
  FOREACH one IN ARRAY texts LOOP
    CONTINUE WHEN one IS NULL OR one = '';
    plain := mn_plain(one);
    apart := mn_apart(one);
    joined := mn_joined(one);
    forms := forms || plain || gap;
    IF apart <> plain THEN
      forms := forms || apart || gap;
    END IF;
    IF joined <> plain AND joined <> apart THEN
      forms := forms || joined || gap;
    END IF;
  END LOOP;
  RETURN forms;
END $$;

-- The lexemes of a tsvector or a tsquery, as text, with '~' before each.
CREATE FUNCTION mn_mark_stems(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT regexp_replace($1, '''((?:[^'']|'''')*)''', '''~\1''', 'g') $$;

-- Words and the stems that are no words of the text, both at the place of the word.
CREATE FUNCTION mn_words_and_stems(forms text, weight "char") RETURNS tsvector LANGUAGE plpgsql
  IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
  words tsvector := to_tsvector('public.mn_simple', forms);
  stems tsvector := ts_delete(to_tsvector('public.mn_english', forms), tsvector_to_array(words));
BEGIN
  words := setweight(words, weight);
  IF length(stems) = 0 THEN
    RETURN words;
  END IF;
  RETURN (words::text || ' ' || mn_mark_stems(setweight(stems, weight)::text))::tsvector;
END $$;

-- Texts of the metadata that people search by.
CREATE FUNCTION mn_metadata_texts(jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT ARRAY[$1->>'artist', $1->>'albumArtist', $1->>'album', $1->>'composer',
    $1->>'genre', $1->>'studio', $1->>'place', $1->'camera'->>'make', $1->'camera'->>'model',
    $1->>'make', $1->>'model', $1->>'description'] $$;
CREATE OR REPLACE FUNCTION mn_metadata_text(jsonb) RETURNS text LANGUAGE sql IMMUTABLE
  PARALLEL SAFE STRICT
  AS $$ SELECT array_to_string(mn_metadata_texts($1), ' ') $$;

CREATE FUNCTION mn_tag_lexemes(tags text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  AS $$ SELECT coalesce(array_agg('#' || t), '{}') FROM unnest(mn_fold_tags(tags)) t $$;

-- Weights: A titles, B tags, genres and metadata, C overview, D file name.
CREATE OR REPLACE FUNCTION mn_media_tsv(title text, original_title text, tags text[],
  genres text[], overview text, filename text, metadata jsonb)
  RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  gap CONSTANT tsvector := '''0.0'':2';
  vector tsvector := mn_words_and_stems(mn_forms(ARRAY[title, original_title]), 'A');
BEGIN
  vector := vector || gap
    || mn_words_and_stems(mn_forms(tags || genres || mn_metadata_texts(metadata)), 'B');
  IF overview <> '' THEN
    vector := vector || gap || mn_words_and_stems(mn_plain(left(overview, 20000)), 'C');
  END IF;
  IF filename <> '' THEN
    vector := vector || gap
      || setweight(to_tsvector('public.mn_simple', mn_forms(ARRAY[filename])), 'D');
  END IF;
  RETURN ts_delete(vector, '0.0') || array_to_tsvector(mn_tag_lexemes(tags));
END $$;

-- A text as a phrase, word for word.
CREATE FUNCTION mn_exactly(text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT phraseto_tsquery('public.mn_simple', mn_plain($1)) $$;

-- A word in any of its forms; several words are a phrase.
CREATE FUNCTION mn_loosely(word text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
  STRICT
AS $$
DECLARE
  exactly tsquery := mn_exactly(word);
  stem tsquery := phraseto_tsquery('public.mn_english', mn_plain(word));
BEGIN
  IF numnode(exactly) <> 1 OR numnode(stem) <> 1 THEN
    RETURN exactly;
  END IF;
  IF stem::text <> exactly::text THEN
    exactly := exactly || stem;
  END IF;
  RETURN exactly || mn_mark_stems(stem::text)::tsquery;
END $$;

-- A lexeme that is what it is.
CREATE FUNCTION mn_lexeme(text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  AS $$ SELECT ('''' || replace(replace($1, '\', '\\'), '''', '''''') || '''')::tsquery $$;

-- Terms to search by. The first character of each says what it is:
--   ~word      a word in any form; without it, a stop word is no condition if there are others
--   |word      one of these words is enough
--   =phrase    word for word
--   -word      not this word, in any form
--   !phrase    not this phrase
--   #tag ^tag  has this whole tag, does not have it
-- `asked` is the condition, `ranked` the part of it that makes one item better than another,
-- `must` the part that holds for whatever is found by other ways.
CREATE FUNCTION mn_search_terms(terms text[], prefix text, OUT asked tsquery, OUT ranked tsquery,
  OUT must tsquery) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
  SET client_min_messages = warning -- a query without lexemes is a notice
AS $$
DECLARE
  words tsquery := '';
  stop_words tsquery := '';
  any_word tsquery := '';
  phrases tsquery := '';
  term text;
  sign text;
  q tsquery;
BEGIN
  must := '';
  FOREACH term IN ARRAY terms LOOP
    sign := left(term, 1);
    term := substr(term, 2);
    q := CASE WHEN sign IN ('=', '!') THEN mn_exactly(term)
      WHEN sign IN ('#', '^') THEN mn_lexeme('#' || (mn_fold_tags(ARRAY[term]))[1])
      ELSE mn_loosely(term) END;
    CASE
      WHEN sign = '|' THEN any_word := any_word || q;
      WHEN sign IN ('-', '!', '^') THEN must := must && !! q;
      WHEN sign = '#' THEN must := must && q;
      WHEN sign = '=' THEN phrases := phrases && q;
      WHEN numnode(phraseto_tsquery('public.mn_english', mn_plain(term))) = 0 THEN
        stop_words := stop_words && q;
      ELSE words := words && q;
    END CASE;
  END LOOP;
  words := words && any_word;
  IF prefix <> '' THEN
    words := words && to_tsquery('public.mn_simple', prefix);
  END IF;
  IF numnode(words && phrases) = 0 THEN
    words := stop_words;
  END IF;
  ranked := words && phrases;
  asked := ranked && must;
  must := phrases && must;
END $$;

-- Any of the words, in any form.
CREATE FUNCTION mn_search_any(words text[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE
  PARALLEL SAFE
AS $$
DECLARE
  q tsquery := '';
  word text;
BEGIN
  FOREACH word IN ARRAY coalesce(words, '{}') LOOP
    q := q || mn_loosely(word);
  END LOOP;
  RETURN q;
END $$;

-- Any of the texts as a whole tag.
CREATE FUNCTION mn_search_tags(tags text[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE
  PARALLEL SAFE
AS $$
DECLARE
  q tsquery := '';
  tag text;
BEGIN
  FOREACH tag IN ARRAY mn_tag_lexemes(tags) LOOP
    q := q || mn_lexeme(tag);
  END LOOP;
  RETURN q;
END $$;

-- Words of the vocabulary that share trigrams with another. The words are few and short, so that
-- the planner would often rather read all of them, which takes longer: the index is wanted in any
-- case.
CREATE FUNCTION mn_similar_words(typed text, OUT scope text, OUT word text, OUT n integer,
  OUT likeness real) RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE STRICT
  SET enable_seqscan = off
  AS $$ SELECT v.scope, v.word, v.n, similarity(v.word, typed) FROM vocabulary v
    WHERE v.word % typed $$;

-- Tags are lexemes now.
DROP INDEX media_folded_tags;

-- What was there before. The index is made once the rows are there.
DROP INDEX media_tsv;
ALTER TABLE media DISABLE TRIGGER USER;
UPDATE media
  SET tsv = mn_media_tsv(title, original_title, tags, genres, overview, filename, metadata);
ALTER TABLE media ENABLE TRIGGER USER;
CREATE INDEX media_tsv ON media USING gin (tsv);

-- A share holds what its item is sorted by, so that a person's shared items can be read page by
-- page in any order.
ALTER TABLE media_shares
  ADD COLUMN taken_at timestamptz,     -- or when the item was added
  ADD COLUMN title text,
  ADD COLUMN title_key text COLLATE "C";

CREATE FUNCTION mn_share_fill() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  -- Locked, so that a change of the item waits for this share and then meets it.
  SELECT m.created_at, coalesce(m.taken_at, m.created_at), m.title, m.title_key
    INTO NEW.created_at, NEW.taken_at, NEW.title, NEW.title_key
    FROM media m WHERE m.id = NEW.media_id FOR SHARE;
  RETURN NEW;
END $$;
CREATE TRIGGER media_shares_fill BEFORE INSERT ON media_shares
  FOR EACH ROW EXECUTE FUNCTION mn_share_fill();

CREATE FUNCTION mn_shares_follow() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE media_shares SET created_at = NEW.created_at,
    taken_at = coalesce(NEW.taken_at, NEW.created_at), title = NEW.title, title_key = NEW.title_key
    WHERE media_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER media_shares_follow AFTER UPDATE ON media FOR EACH ROW
  WHEN (NEW.title IS DISTINCT FROM OLD.title OR NEW.taken_at IS DISTINCT FROM OLD.taken_at
    OR NEW.created_at IS DISTINCT FROM OLD.created_at)
  EXECUTE FUNCTION mn_shares_follow();

-- What was there before.
UPDATE media_shares s SET created_at = m.created_at,
    taken_at = coalesce(m.taken_at, m.created_at), title = m.title, title_key = m.title_key
  FROM media m WHERE m.id = s.media_id;
ALTER TABLE media_shares
  ALTER COLUMN taken_at SET NOT NULL, ALTER COLUMN title SET NOT NULL,
  ALTER COLUMN title_key SET NOT NULL;
CREATE INDEX media_shares_taken ON media_shares (user_id, taken_at DESC, media_id DESC);
CREATE INDEX media_shares_title ON media_shares (user_id, lower(title), media_id);
CREATE INDEX media_shares_title_key ON media_shares (user_id, title_key);
