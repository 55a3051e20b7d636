-- What people write in any script is found, and in the languages of the house.
--
-- A text becomes search terms in one way, for items and for queries: mn_fold() makes the same of
-- what is written in different ways, mn_spread() takes scripts without spaces between words apart,
-- and PostgreSQL's parser does the rest. A query for a part of such a text finds it, because the
-- text is there as all its pairs of characters in a row: 千尋の is 千尋 尋の の.
--
-- Items that are there keep what they are found by until the job upkeep.search has come to them.
-- Until it is through, queries look for both (search_index.filled).

CREATE TABLE search_index (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  languages text[] NOT NULL DEFAULT '{english}', -- whose stems items are found by
  filled boolean NOT NULL,             -- all items have what they are found by today
  after uuid,                          -- else: those up to this one have it
  since xid8                           -- NULL: items may be written as before, see store_index.c
);
INSERT INTO search_index (filled) SELECT NOT EXISTS (SELECT FROM media);
-- Here, not only in roles.sql: the trigger of programs that run meanwhile reads it.
GRANT SELECT ON search_index TO medianest_api, medianest_worker;

-- The characters of Thai, Lao, Burmese, Khmer, Chinese, Japanese and Korean, as a bracket
-- expression has them.
CREATE FUNCTION mn_pair_class() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN '\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ecd\u0edc-\u0edf\u1000-\u103f'
    '\u1050-\u109f\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff'
    '\u1780-\u17d3\u17d7\u17dc\u17dd\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b'
    '\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf'
    '\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff';

-- One spelling of what is the same: forms of width and composition, final sigma, alef and its
-- like, katakana, digits of other scripts. Points, harakat, virama and nukta go, and what is not
-- seen. A superscript is a word of its own too: Alien³ is Alien 3 and Alien3.
CREATE FUNCTION mn_fold(text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
  folded text;
BEGIN
  IF octet_length($1) = length($1) THEN
    RETURN $1;
  END IF;
  folded := regexp_replace(translate($1, '™℠', ''),
    '([\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2089\u2150-\u215e])', '·\1', 'g');
  folded := regexp_replace(normalize(folded, NFKC), '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1'
    '\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8'
    '\u06ea-\u06ed\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d\u0abc\u0acd\u0b3c\u0b4d\u0bcd\u0c4d\u0cbc'
    '\u0ccd\u0d4d\u0dca\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u20d0-\u20ff\ufe00-\ufe0f'
    '\ufeff]', '', 'g');
  IF folded ~ '[\u0370-\u1fff]' THEN
    folded := translate(folded,
      'ςάέήίόύώϊϋΐΰΆΈΉΊΌΎΏΪΫأإآٱىةؤئکیے٠١٢٣٤٥٦٧٨٩'
      '۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९๐๑๒๓๔๕๖๗๘๙',
      'σαεηιουωιυιυΑΕΗΙΟΥΩΙΥاااايهويكيي01234567890123456789'
      '01234567890123456789');
  END IF;
  IF folded ~ '[\u30a1-\u30f6]' THEN
    folded := translate(folded,
      'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼ'
      'ソゾタダチヂッツヅテデトドナニヌネノ'
      'ハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリ'
      'ルレロヮワヰヱヲンヴヵヶ',
      'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜ'
      'そぞただちぢっつづてでとどなにぬねの'
      'はばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらり'
      'るれろゎわゐゑをんゔゕゖ');
  END IF;
  RETURN folded;
END $$;

-- Pairs instead of what has no spaces between words: each character with its next one, and the last
-- one alone. People put spaces and points there as they like, so that these do not count. A
-- character is 'u' and its code point, because what the parser takes for letters depends on the
-- database's locale and lacks some marks of these scripts; a pair is both code points in one word.
CREATE FUNCTION mn_spread(folded text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
  pairs CONSTANT text := mn_pair_class();
BEGIN
  IF octet_length(folded) = length(folded) OR folded !~ ('[' || pairs || ']') THEN
    RETURN folded;
  END IF;
  folded := regexp_replace(folded, '([' || pairs || '])[^[:alnum:]' || pairs || ']+(?=['
    || pairs || '])', '\1', 'g');
  RETURN (SELECT string_agg(CASE WHEN paired
      THEN ' u' || code || CASE WHEN next_paired THEN next_code ELSE '' END || ' '
      ELSE c END, '' ORDER BY n)
    FROM (SELECT c, n, code, paired, lead(code) OVER w AS next_code,
        lead(paired) OVER w AS next_paired
      FROM (SELECT c, n, lpad(to_hex(ascii(c)), 5, '0') AS code,
          c ~ ('[' || pairs || ']') AS paired
        FROM unnest(string_to_array(folded, NULL)) WITH ORDINALITY AS u (c, n)) AS each
      WINDOW w AS (ORDER BY n)) AS beside);
END $$;

-- Of 0004, which read the tags as the text of an array: a typographic quotation mark is a plain one
-- without its accents, and began a quotation there.
CREATE OR REPLACE FUNCTION mn_fold_tags(text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  AS $$ SELECT coalesce(array_agg(lower(public.mn_unaccent(normalize(t, NFC))) ORDER BY n), '{}')
    FROM unnest($1) WITH ORDINALITY AS u (t, n) $$;

-- Words without their apostrophes; all other punctuation separates words.
CREATE FUNCTION mn_words(spread text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
  RETURN regexp_replace(regexp_replace(spread, '[''`’‘ʼ׳]+', '', 'g'), '[^[:alnum:]]+', ' ',
    'g');

-- As mn_forms() of 0012, of folded texts; words are joined through more signs: M*A*S*H is MASH.
CREATE FUNCTION mn_written(texts text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
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
    one := mn_spread(mn_fold(one));
    plain := mn_words(one);
    forms := forms || plain || gap;
    CONTINUE WHEN one !~ '[^[:alnum:][:space:]]';
    apart := regexp_replace(one, '[^[:alnum:]]+', ' ', 'g');
    joined := regexp_replace(regexp_replace(one, '[-./''`’‘ʼ׳״·⁄*&!$+@~]+', '', 'g'),
      '[^[:alnum:]]+', ' ', 'g');
    IF apart <> plain THEN
      forms := forms || apart || gap;
    END IF;
    IF joined <> plain AND joined <> apart THEN
      forms := forms || joined || gap;
    END IF;
  END LOOP;
  RETURN forms;
END $$;

-- Of the stems of a word in these languages those that are no word of the text, at its places.
CREATE FUNCTION mn_vector(forms text, weight "char", languages text[]) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
  words tsvector := to_tsvector('public.mn_simple', forms);
  known text[] := tsvector_to_array(words);
  stems text;
BEGIN
  SELECT string_agg('''~' || stem || ''':' || array_to_string(positions, ','), ' ') INTO stems
    FROM unnest(words) AS w (word, positions, weights), unnest(languages) AS l (language),
      unnest(ts_lexize((language || '_stem')::regdictionary, word)) AS s (stem)
    WHERE word !~ '[0-9]' AND stem <> ALL (known);
  RETURN setweight((words::text || coalesce(' ' || stems, ''))::tsvector, weight);
END $$;

-- '@' and a text that consists of signs only: !!! and its like are found by all of it.
CREATE FUNCTION mn_signs(texts text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
  AS $$ SELECT coalesce(array_agg(DISTINCT '@' || left(regexp_replace(mn_fold(t), '\s+', '', 'g'),
      100)), '{}')
    FROM unnest(texts) t WHERE t !~ '[a-zA-Z0-9]' AND mn_fold(t) !~ '[[:alnum:]]'
      AND t ~ '[^[:space:]]' $$;

-- Weights: A titles, B tags, genres and metadata, C overview, D file name. What an item of plain
-- English is found by is what mn_media_tsv() found it by, so that few items change.
CREATE FUNCTION mn_media_vector(title text, original_title text, tags text[], genres text[],
  overview text, filename text, metadata jsonb, languages text[]) RETURNS tsvector
  LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  gap CONSTANT tsvector := '''0.0'':2';
  titles text[] := ARRAY[title, original_title];
  labels text[] := tags || genres || mn_metadata_texts(metadata);
  vector tsvector := mn_vector(mn_written(titles), 'A', languages);
BEGIN
  vector := vector || gap || mn_vector(mn_written(labels), 'B', languages);
  IF overview <> '' THEN
    vector := vector || gap
      || mn_vector(mn_words(mn_spread(mn_fold(left(overview, 20000)))), 'C', languages);
  END IF;
  IF filename <> '' THEN
    vector := vector || gap
      || setweight(to_tsvector('public.mn_simple', mn_written(ARRAY[filename])), 'D');
  END IF;
  RETURN ts_delete(vector, '0.0')
    || array_to_tsvector(mn_tag_lexemes(tags) || mn_signs(titles || labels));
END $$;

CREATE OR REPLACE FUNCTION mn_media_set_tsv() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
  NEW.tsv := mn_media_vector(NEW.title, NEW.original_title, NEW.tags, NEW.genres, NEW.overview,
    NEW.filename, NEW.metadata, (SELECT languages FROM search_index));
  RETURN NEW;
END $$;

-- A text as a phrase, word for word. A pair at its end says all about its second character; one
-- character by itself is the beginning of a pair.
CREATE FUNCTION mn_phrase(text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
  SET client_min_messages = warning -- a query without lexemes is a notice
AS $$
DECLARE
  words text := regexp_replace(mn_words(mn_spread(mn_fold($1))),
    '\m(u[0-9a-f]{10}) u[0-9a-f]{5} *$', '\1');
  q tsquery := phraseto_tsquery('public.mn_simple', words);
BEGIN
  IF words ~ '\mu[0-9a-f]{5} *$' THEN
    q := (q::text || ':*')::tsquery;
  END IF;
  RETURN q;
END $$;

-- A word in any of its forms; several words are a phrase.
CREATE FUNCTION mn_word(word text, languages text[]) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE
  PARALLEL SAFE STRICT
AS $$
DECLARE
  q tsquery := mn_phrase(word);
  lexeme text;
  stem text;
BEGIN
  IF numnode(q) <> 1 OR q::text ~ '[0-9]' THEN
    RETURN q;
  END IF;
  lexeme := (tsvector_to_array(to_tsvector('public.mn_simple', mn_words(mn_fold(word)))))[1];
  FOR stem IN SELECT DISTINCT s FROM unnest(languages) l,
      unnest(ts_lexize((l || '_stem')::regdictionary, lexeme)) s LOOP
    IF stem <> lexeme THEN
      q := q || mn_lexeme(stem);
    END IF;
    q := q || mn_lexeme('~' || stem);
  END LOOP;
  RETURN q;
END $$;

-- Of a phrase of pairs every second one, and the last: most words of these scripts have two
-- characters, so 外婆生日 is 外婆 and 生日 wherever they are.
CREATE FUNCTION mn_pairs_apart(phrase tsquery) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  AS $$ SELECT CASE WHEN max(n) > 1
      THEN string_agg(pair[1], ' & ' ORDER BY n) FILTER (WHERE n % 2 = 1 OR n = last)::tsquery
      ELSE phrase END
    FROM (SELECT pair, n, count(*) OVER () AS last
      FROM regexp_matches(phrase::text, '''u[0-9a-f]{10}''', 'g') WITH ORDINALITY AS m (pair, n)
    ) AS pairs $$;

-- The beginning of a word.
CREATE FUNCTION mn_beginning(word text) RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
  STRICT
AS $$
DECLARE
  q tsquery := mn_phrase(word);
BEGIN
  IF numnode(q) = 0 OR q::text ~ ':\*$' THEN
    RETURN q;
  END IF;
  RETURN (q::text || ':*')::tsquery;
END $$;

-- Whether one of the languages has it as a stop word. With several, a word of one is often one that
-- says nothing in another; then it is no condition, but a title that is all of the query comes
-- first anyhow.
CREATE FUNCTION mn_stops(word text, languages text[]) RETURNS boolean LANGUAGE sql IMMUTABLE
  PARALLEL SAFE
  AS $$ SELECT EXISTS (SELECT FROM unnest(languages) l,
      unnest(tsvector_to_array(to_tsvector('public.mn_simple', mn_words(mn_fold(word))))) AS w
    HAVING count(DISTINCT w) = 1
      AND bool_or(ts_lexize((l || '_stem')::regdictionary, w) = '{}')) $$;

-- Make and model of a camera, and words to find one by: all of them.
CREATE FUNCTION mn_camera(metadata jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  RETURN to_tsvector('public.mn_simple', mn_words(mn_fold(concat_ws(' ',
    metadata->'camera'->>'make', metadata->'camera'->>'model', metadata->>'make',
    metadata->>'model'))));
CREATE FUNCTION mn_camera_query(words text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
  STRICT
  RETURN plainto_tsquery('public.mn_simple', mn_words(mn_fold(words)));

-- As the function of 0012, of terms in any script. Further:
--   &camera    its words are among the labels: narrows what mn_camera() decides
-- What consists of signs only is a condition if there is nothing else, as stop words are.
CREATE FUNCTION mn_search_terms(terms text[], beginning text, languages text[], filled boolean,
  OUT asked tsquery, OUT ranked tsquery, OUT must tsquery) LANGUAGE plpgsql IMMUTABLE
  PARALLEL SAFE
  SET client_min_messages = warning -- as above
AS $$
DECLARE
  words tsquery := '';
  stop_words tsquery := '';
  any_word tsquery := '';
  phrases tsquery := '';
  term text;
  sign text;
  q tsquery;
  before tsquery;
BEGIN
  must := '';
  FOREACH term IN ARRAY terms LOOP
    sign := left(term, 1);
    term := substr(term, 2);
    q := CASE WHEN sign IN ('=', '!') THEN mn_phrase(term)
      WHEN sign IN ('#', '^') THEN mn_lexeme('#' || (mn_fold_tags(ARRAY[term]))[1])
      WHEN sign = '&' THEN regexp_replace(mn_camera_query(term)::text,
        '(''(?:[^'']|'''')*'')', '\1:B', 'g')::tsquery
      ELSE mn_word(term, languages) END;
    IF NOT filled AND sign NOT IN ('#', '^', '&') THEN
      before := CASE WHEN sign IN ('=', '!') THEN mn_exactly(term) ELSE mn_loosely(term) END;
      IF before::text <> q::text THEN
        q := q || before;
      END IF;
    END IF;
    CASE
      WHEN sign IN ('~', '|', '=') AND numnode(q) = 0 THEN
        stop_words := stop_words && mn_lexeme((mn_signs(ARRAY[term]))[1]);
      WHEN sign = '|' THEN any_word := any_word || mn_pairs_apart(q);
      WHEN sign IN ('-', '!', '^') THEN must := must && !! q;
      WHEN sign IN ('#', '&') THEN must := must && q;
      WHEN sign = '=' THEN phrases := phrases && q;
      WHEN mn_stops(term, languages) THEN stop_words := stop_words && q;
      ELSE words := words && q;
    END CASE;
  END LOOP;
  words := words && any_word;
  IF beginning <> '' THEN
    words := words && mn_beginning(beginning);
  END IF;
  IF numnode(words && phrases) = 0 THEN
    words := stop_words;
  END IF;
  ranked := words && phrases;
  asked := ranked && must;
  must := phrases && must;
END $$;

-- Any of the words, in any form.
CREATE FUNCTION mn_any_word(words text[], languages text[]) RETURNS tsquery LANGUAGE plpgsql
  IMMUTABLE PARALLEL SAFE
  SET client_min_messages = warning
AS $$
DECLARE
  q tsquery := '';
  word text;
BEGIN
  FOREACH word IN ARRAY coalesce(words, '{}') LOOP
    q := q || mn_word(word, languages);
  END LOOP;
  RETURN q;
END $$;
