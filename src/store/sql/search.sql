-- The legs of the search in PostgreSQL, and the items of a page.
--
-- $1 caller, $2 to $20 filters, $21 cap, $22 the tsquery; further ones differ. The statements are
-- planned at each call with their parameters known, so that the planner can count what matches.

-- What to search for: $1 terms, $2 the beginning of a word (mn_search_terms of sql/0042). With it
-- comes how many items the planner expects to match at most (it takes words and tags for
-- independent, but tags are often among the words), how many there are, and the languages.

--: define estimate(query)
CASE WHEN numnode(@query) > 0 THEN mn_search_estimate(@query) END

--: query search_plan read custom-plan
SELECT t.asked::text, t.ranked::text, CASE WHEN numnode(t.must) > 0 THEN t.must::text END,
	least(@estimate(t.ranked), @estimate(t.must)),
	(SELECT reltuples::bigint FROM pg_class WHERE oid = 'media'::regclass), s.languages::text
FROM search_index s, mn_search_terms($1::text[], $2::text, s.languages, s.filled) t

--: define matches
m.tsv @@ $22::tsquery

-- As in lists, what the caller archived is found where it is asked for.
--: define archived
SELECT k.media_id FROM media_archived k WHERE k.user_id = $1::uuid

-- Where an item was taken is known to its owner and to those who see everything ($16).

-- A hard filter always applies. A soft one matches the item's kind or year, or the words in the
-- query that expressed it.

--: define dated
AND ($11::timestamp IS NULL OR @taken >= $11::timestamp AT TIME ZONE 'UTC')
AND ($12::timestamp IS NULL
	OR @taken < ($12::timestamp + interval '1 day') AT TIME ZONE 'UTC')

--: define hard_filters
AND @presentable
AND ($2::text[] IS NULL OR m.kind = ANY ($2::text[]))
AND ($3::text IS NULL OR m.source = $3::text)
AND ($4::uuid IS NULL OR m.owner_id = $4::uuid)
AND ($5::int IS NULL OR @year >= $5::int)
AND ($6::int IS NULL OR @year <= $6::int)
AND ($7::text[] IS NULL OR NOT m.kind = ANY ($7::text[]))
AND ($8::int4range[] IS NULL OR @year IS NULL OR NOT @year <@ ANY ($8::int4range[]))
AND ($9::jsonb IS NULL OR m.external_ids @> $9::jsonb OR m.external_ids @> $10::jsonb)
@dated
AND ($13::text IS NULL OR mn_camera(m.metadata) @@ mn_camera_query($13::text))
AND ($15::text IS NULL OR (($16::boolean OR m.owner_id = $1::uuid)
	AND m.place_id = ANY (ARRAY(SELECT c.id FROM cities c
		WHERE mn_place_words(c.name, c.region, c.country) @@ mn_camera_query($15::text)))))
AND CASE WHEN $14::boolean THEN m.id = ANY (ARRAY(@archived)) ELSE m.id NOT IN (@archived) END

--: define soft_filters
AND ($17::text[] IS NULL OR m.kind = ANY ($17::text[]) OR m.tsv @@ mn_search_any($18::text[]))
AND ($19::int[] IS NULL OR @year = ANY ($19::int[]) OR m.tsv @@ mn_search_any($20::text[]))

--: define filters
@hard_filters @soft_filters

--: define everything
media m WHERE $1::uuid IS NOT NULL AND m.status <> 'trashed'

-- What shared collections give is found, besides what is readable, by its words; among many matches
-- and without words only what an album gives, and of very large ones a part.
--: define mine
(@readable($1::uuid, false) OR @given($1::uuid))
--: define given_max
2000
--: define given_items
(SELECT ci.media_id FROM collection_people cp
	JOIN collection_items ci ON ci.collection_id = cp.collection_id AND ci.gives
	WHERE cp.user_id = $1::uuid
	UNION SELECT ci.media_id FROM collections c
	JOIN collection_items ci ON ci.collection_id = c.id AND ci.gives
		AND ci.added_by IS DISTINCT FROM c.owner_id
	WHERE c.owner_id = $1::uuid
	LIMIT @given_max)
--: define album
@given_items g CROSS JOIN LATERAL (
	SELECT m.* FROM media m WHERE m.id = g.media_id AND m.status <> 'trashed'
		AND NOT @readable($1::uuid, false) OFFSET 0
) m WHERE true
--: define all
m.status <> 'trashed' AND $1::uuid IS NOT NULL

--: define branch(columns, from, condition, order, limit)
(SELECT @columns FROM @from @condition ORDER BY @order LIMIT @limit)

--: define newest
m.created_at DESC, m.id DESC
-- The same for shared items, by their own index.
--: define newest_shared
sh.created_at DESC, sh.media_id DESC

--: define leg_columns
m.id, m.created_at, @year AS shown_year, m.title_key, m.kind, m.source, m.external_ids
--: define found_columns
m.id, m.created_at, m.shown_year, m.title_key, m.kind, m.source, m.external_ids

-- What store_search_candidates() reads; the last column tells that others were not looked for.
--: define candidate(rank, partial)
SELECT m.id, @rank, @us(m.created_at), m.shown_year, m.title_key, m.kind, m.source,
	m.external_ids->>'tmdb', m.external_ids->>'imdb', @partial

-- Filters alone: the newest items that pass them. As in lists, children appear only where a kind
-- is asked for, or an id.

--: define at_top
AND ($2::text[] IS NOT NULL OR $9::jsonb IS NOT NULL OR m.parent_id IS NULL)
--: define at_top_shared
AND ($2::text[] IS NOT NULL OR $9::jsonb IS NOT NULL OR sh.top)

--: define filtered(items)
@candidate(0::float8 AS rank, false) FROM (@items) m ORDER BY @newest LIMIT $21::int

--: query search_filtered read custom-plan
@filtered(@branch(@leg_columns, @own, @filters @at_top, @newest, $21::int)
	UNION ALL @branch(@leg_columns, @house, @filters @at_top, @newest, $21::int)
	UNION ALL @branch(@leg_columns, @shared, @filters @at_top_shared, @newest_shared,
		$21::int)
	UNION ALL @branch(@leg_columns, @album, @filters @at_top, @newest, $21::int))
--: query search_filtered_all read custom-plan
@filtered(@branch(@leg_columns, @everything, @filters @at_top, @newest, $21::int))

-- The text leg: $23 the tsquery to rank by, $24 whether the best ones are wanted, not the newest.
--
-- Where few items match, all of them are read from the GIN index and ranked. OFFSET 0 keeps the
-- planner from scanning by date: its estimate of such a scan does not consider who owns the
-- matches.

--: define rank
CASE WHEN numnode($23::tsquery) = 0 THEN 0
	ELSE ts_rank('{0.1,0.2,0.4,1.0}', m.tsv, $23::tsquery, 1) END AS rank

--: define matching(readable)
SELECT @leg_columns, @rank FROM (
	SELECT m.* FROM media m WHERE @readable AND @matches @filters OFFSET 0
) m

--: define best(from, partial)
@candidate(m.rank, @partial) FROM @from m
ORDER BY CASE WHEN $24::boolean THEN m.rank END DESC NULLS LAST, @newest LIMIT $21::int

--: query search_few read custom-plan
@best((@matching(@mine)), false)
--: query search_few_all read custom-plan
@best((@matching(@all)), false)

-- Where many match, scanning newest first soon has enough of them. The scan ends after $25 items.
-- If it has found next to nothing by then, the matches are far away, and all of them are read as
-- above. The condition is outside of the scan, so that a branch without matches is not read to its
-- end; that of days is inside, because an index has them.

--: define enough
100

--: define newest_of(from, order)
(SELECT m.* FROM @from @dated ORDER BY @order LIMIT $25::int)

--: define beyond(from, order)
EXISTS (SELECT 1 FROM @from @dated ORDER BY @order OFFSET $25::int LIMIT 1)

--: define many(scan, beyond, readable)
WITH head AS MATERIALIZED (
	SELECT @leg_columns, m.tsv
	FROM (SELECT * FROM (@scan) m ORDER BY @newest LIMIT $25::int) m
	WHERE @matches @filters ORDER BY @newest LIMIT $21::int
), scanned AS MATERIALIZED (
	SELECT n, n < $21::int AND (@beyond) AS partly FROM (SELECT count(*) AS n FROM head) c
), far AS MATERIALIZED (SELECT partly AND n < @enough AS away FROM scanned)
@best((SELECT @found_columns, @rank FROM head m WHERE NOT (SELECT away FROM far)
	UNION ALL
	SELECT * FROM (@matching(@readable)) m WHERE (SELECT away FROM far)),
	(SELECT partly AND n >= @enough FROM scanned))

--: query search_many read custom-plan
@many(@newest_of(@own, @newest)
	UNION ALL @newest_of(@house, @newest)
	UNION ALL @newest_of(@shared, @newest_shared)
	UNION ALL @newest_of(@album, @newest),
	@beyond(@own, @newest) OR @beyond(@house, @newest) OR @beyond(@shared, @newest_shared),
	@mine)
--: query search_many_all read custom-plan
@many(@newest_of(@everything, @newest), @beyond(@everything, @newest), @all)

-- The metadata leg: $23 title, $24 tags that the words may be, $25 what titles must match too. A
-- whole title counts more than its beginning, and a short one more than a long one. The key is
-- computed once, because PostgreSQL would evaluate the function again wherever it is used.

--: define title
title AS MATERIALIZED (SELECT mn_title_key($23::text) AS key)
--: define title_key
(SELECT key FROM title)

--: define title_columns
@leg_columns,
(CASE WHEN m.title_key = @title_key THEN 3.0
	ELSE 1.0 + length(@title_key)::float8 / greatest(length(m.title_key), 1) END) AS score

--: define title_condition(row)
AND @title_key <> '' AND @starts_with(@row, @title_key)
AND ($25::tsquery IS NULL OR m.tsv @@ $25::tsquery) @hard_filters

--: define titles_cap
100

--: define titles(from, row)
@branch(@title_columns, @from, @title_condition(@row), @row.title_key, @titles_cap)

-- Tags count in the text leg too: this is their second vote.

--: define labels(readable)
(SELECT * FROM (
	SELECT @leg_columns, 0.5::float8 AS score FROM media m
	WHERE $24::text[] IS NOT NULL AND @readable
		AND m.tsv @@ ($22::tsquery && mn_search_tags($24::text[])) @filters OFFSET 0
) m ORDER BY @newest LIMIT least(200, $21::int))

-- A number that is all of the query is a word, and then a year: $24 instead of tags.

--: define year_columns
@leg_columns, 0.1::float8 AS score
--: define year_condition
AND @year = $24::int AND $22::tsquery IS NOT NULL @filters
--: define of_year(from, order)
@branch(@year_columns, @from, @year_condition, @order, $21::int)

--: define metadata(parts)
WITH @title
@candidate(max(m.score) AS rank, false) FROM (@parts) m
GROUP BY @found_columns ORDER BY rank DESC, @newest

--: define titles_of_mine
@titles(@own, m) UNION ALL @titles(@house, m) UNION ALL @titles(@shared, sh)

--: query search_metadata read custom-plan
@metadata(@titles_of_mine UNION ALL @labels(@mine))
--: query search_metadata_all read custom-plan
@metadata(@titles(@everything, m) UNION ALL @labels(@all))
--: query search_year read custom-plan
@metadata(@titles_of_mine UNION ALL @of_year(@own, @newest) UNION ALL @of_year(@house, @newest)
	UNION ALL @of_year(@shared, @newest_shared))
--: query search_year_all read custom-plan
@metadata(@titles(@everything, m) UNION ALL @of_year(@everything, @newest))

-- What media servers have found themselves. $22 servers, $23 keys and $24 ranks of their hits, $25
-- terms, $26 sees all. Their search knows neither exclusions nor phrases, so these hold here.

--: query search_servers read
SELECT id, kind, url, token, name, machine_id FROM media_servers WHERE enabled ORDER BY id
LIMIT $1::int

--: query search_served read custom-plan
@candidate(m.rank, false) FROM (
	SELECT @leg_columns, h.rank FROM unnest($22::uuid[], $23::text[], $24::float8[])
		AS h (server_id, item_key, rank)
	JOIN server_items i ON i.server_id = h.server_id AND i.item_key = h.item_key
	JOIN media m ON m.id = i.media_id
	CROSS JOIN search_index s
	CROSS JOIN mn_search_terms($25::text[], '', s.languages, s.filled) t
	WHERE @readable($1::uuid, $26::boolean)
		AND (numnode(t.must) = 0 OR m.tsv @@ t.must) @filters
) m ORDER BY m.rank DESC LIMIT $21::int

-- Libraries with hits that the catalogue does not have, unless their server was compared with it
-- just now: $1 servers, $2 sections, $3 keys.
--: query search_unserved read
SELECT DISTINCT c.server_id, c.key FROM unnest($1::uuid[], $2::text[], $3::text[])
	AS h (server_id, section, item_key)
JOIN media_sections c ON c.server_id = h.server_id AND c.key = h.section AND c.enabled
WHERE NOT EXISTS (SELECT FROM server_items i
		WHERE i.server_id = h.server_id AND i.item_key = h.item_key)
	AND NOT EXISTS (SELECT FROM sync_runs r WHERE r.server_id = h.server_id
		AND r.started_at > now() - make_interval(mins => $4::int))

-- The items of a page: $1 caller, $2 sees all, $3 ids, $4 words of which any counts, $5 the
-- beginning of another, $6 languages. The columns behind those of an item tell what matched: title,
-- tags and the like, overview, file name.

--: define any_word
(mn_any_word($4::text[], $6::text[]) || mn_beginning($5::text))

--: query search_items read custom-plan
SELECT @media_columns,
	ts_filter(m.tsv, '{a}') @@ @any_word,
	ts_filter(m.tsv, '{b}') @@ @any_word,
	ts_filter(m.tsv, '{c}') @@ @any_word,
	ts_filter(m.tsv, '{d}') @@ @any_word
FROM media m WHERE m.id = ANY ($3::uuid[])
	AND (@readable($1::uuid, $2::bool) OR @given($1::uuid))
