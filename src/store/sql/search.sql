-- The legs of the search in PostgreSQL, and the items of a page.
--
-- $1 caller, $2 text, $3 prefix; the filters from $4 on; $16 cap. The statements are planned at
-- each call with their parameters known.

--: define english
websearch_to_tsquery('public.mn_english', $2::text)
--: define simple
websearch_to_tsquery('public.mn_simple', $2::text)
--: define prefix
to_tsquery('public.mn_simple', $3::text)

--: define asked
(CASE WHEN $3::text = '' THEN (@english || @simple) ELSE (@simple && @prefix) END)
--: define no_text
($2::text = '' AND $3::text = '')
--: define matches
m.tsv @@ @asked

--: define words_of(text)
(websearch_to_tsquery('public.mn_english', @text::text)
	|| websearch_to_tsquery('public.mn_simple', @text::text))

-- A hard filter always applies. A soft one matches the item's kind or year, or the words in the
-- query that expressed it.

--: define hard_filters
AND @presentable
AND ($4::text[] IS NULL OR m.kind = ANY ($4::text[]))
AND ($5::text IS NULL OR m.source = $5::text)
AND ($6::uuid IS NULL OR m.owner_id = $6::uuid)
AND ($7::int IS NULL OR @year >= $7::int)
AND ($8::int IS NULL OR @year <= $8::int)
AND ($9::text[] IS NULL OR mn_fold_tags(m.tags) @> mn_fold_tags($9::text[]))
AND ($10::jsonb IS NULL OR m.external_ids @> $10::jsonb OR m.external_ids @> $11::jsonb)

--: define soft_filters
AND ($12::text[] IS NULL OR m.kind = ANY ($12::text[]) OR m.tsv @@ @words_of($13))
AND ($14::int[] IS NULL OR @year = ANY ($14::int[]) OR m.tsv @@ @words_of($15))

-- The branches of the list, with a condition, an order and a limit inside each.

--: define everything
media m WHERE $1::uuid IS NOT NULL AND m.status <> 'trashed'

--: define branch(columns, from, condition, order, limit)
(SELECT @columns FROM @from @condition ORDER BY @order LIMIT @limit)

--: define branches(columns, condition, order, limit)
@branch(@columns, @own, @condition, @order, @limit)
UNION ALL
@branch(@columns, @house, @condition, @order, @limit)
UNION ALL
@branch(@columns, @shared, @condition, @order, @limit)

--: define newest
m.created_at DESC, m.id DESC

--: define leg_columns
m.id, m.created_at, @year AS shown_year, m.title_key, m.kind, m.source, m.external_ids

-- What store_search_candidates() reads.
--: define candidate(rank)
SELECT m.id, @rank, @us(m.created_at), m.shown_year, m.title_key, m.kind, m.source,
	m.external_ids->>'tmdb', m.external_ids->>'imdb'

-- Queries with few matches read all of them from the GIN index, behind OFFSET 0, which keeps the
-- planner from scanning by date: its estimate of such a scan does not consider who owns the
-- matches. Queries with many matches scan newest first. The gate is evaluated once; the other half
-- is not executed.

--: define estimate
WITH estimate AS MATERIALIZED (
	SELECT CASE WHEN @no_text THEN 0 ELSE mn_search_estimate(@asked) END AS n)
--: define few
(SELECT n FROM estimate) <= 20000
--: define very_few
(SELECT n FROM estimate) <= 2000

--: define whole(columns, readable, condition, gate)
(SELECT * FROM (
	SELECT @columns FROM media m WHERE @readable AND @matches @condition OFFSET 0
) m WHERE @gate)

--: define mine
@readable($1::uuid, false)
--: define all
m.status <> 'trashed' AND $1::uuid IS NOT NULL

-- The text leg.

--: define text_columns
@leg_columns, m.tsv

--: define text_few(readable)
@whole(@text_columns, @readable, AND NOT @no_text @hard_filters @soft_filters, @few)

--: define text_many
AND (@no_text OR (NOT @few AND @matches)) @hard_filters @soft_filters

--: define text_rank
CASE WHEN @no_text THEN 0 ELSE ts_rank('{0.1,0.2,0.4,1.0}', m.tsv, @asked, 1) END AS rank

--: define text_leg(few, many)
@estimate
@candidate(@text_rank)
FROM (
	SELECT * FROM (@few UNION ALL @many) m ORDER BY @newest LIMIT $16::int
) m ORDER BY rank DESC, @newest

--: query search_text read custom-plan
@text_leg(@text_few(@mine), @branches(@text_columns, @text_many, @newest, $16::int))
--: query search_text_all read custom-plan
@text_leg(@text_few(@all), @branch(@text_columns, @everything, @text_many, @newest, $16::int))

-- The metadata leg: $17 title, $18 labels. A whole title counts more than its beginning, and a
-- short one more than a long one. The key is computed once, because PostgreSQL would evaluate the
-- function again wherever it is used.

--: define title
title AS MATERIALIZED (SELECT mn_title_key($17::text) AS key)
--: define title_key
(SELECT key FROM title)

--: define title_columns
@leg_columns,
(CASE WHEN m.title_key = @title_key THEN 3.0
	ELSE 1.0 + length(@title_key)::float8 / greatest(length(m.title_key), 1) END) AS score

--: define title_condition
AND @title_key <> '' AND @starts_with(@title_key) @hard_filters

--: define titles_cap
100

-- Tags count in the text leg too: this is their second vote, used only if it costs little.

--: define label_columns
@leg_columns, 0.5::float8 AS score

--: define labels(readable)
@whole(@label_columns, @readable,
	AND NOT @no_text AND mn_fold_tags(m.tags) && mn_fold_tags($18::text[])
		@hard_filters @soft_filters,
	@very_few)

--: define metadata_leg(titles, labels)
@estimate, @title
@candidate(max(m.score) AS rank)
FROM (
	@titles
	UNION ALL
	(SELECT * FROM @labels m ORDER BY @newest LIMIT least(200, $16::int))
) m
GROUP BY m.id, m.created_at, m.shown_year, m.title_key, m.kind, m.source, m.external_ids
ORDER BY rank DESC, @newest

--: query search_metadata read custom-plan
@metadata_leg(@branches(@title_columns, @title_condition, m.title_key, @titles_cap),
	@labels(@mine))
--: query search_metadata_all read custom-plan
@metadata_leg(@branch(@title_columns, @everything, @title_condition, m.title_key, @titles_cap),
	@labels(@all))

-- The items of a page: $1 caller, $2 sees all, $3 ids, $4 any of the words, $5 prefix. The columns
-- behind those of an item tell what matched: title, tags and the like, overview, file name.

--: define any_word
(@words_of($4) || to_tsquery('public.mn_simple', $5::text))

--: query search_items read custom-plan
SELECT @media_columns,
	ts_filter(m.tsv, '{a}') @@ @any_word,
	ts_filter(m.tsv, '{b}') @@ @any_word,
	ts_filter(m.tsv, '{c}') @@ @any_word,
	ts_filter(m.tsv, '{d}') @@ @any_word
FROM media m WHERE m.id = ANY ($3::uuid[]) AND @readable($1::uuid, $2::bool)
