-- The list of the catalogue: mine, shared with me, the house, as three disjoint branches, each with
-- the cursor's condition, the order and the limit inside, so that each walks its own index and
-- stops; merged outside. For callers who see everything, one index is enough.
--
-- There is a statement for each order, kind of filter and kind of reader. The common statements do
-- not mention absent filters, so that one plan is right for all parameters; for the rare ones, the
-- best plan depends on the values.
--
-- $1 caller, $2 key and $3 id of the position, $4 limit; filters from $5 on: kind, source, owner,
-- status, first and last year, first and last day, favorite, archived, part of the library, tag.

-- Without a kind, a list holds what has no parent: the episodes and tracks of media servers would
-- drown everything else. A kind or a tag finds them too. Shares know kind and parent of their item,
-- so that their branch needs no look at the others.

-- What the caller archived is in no list that does not ask for it. NOT IN reads the marks once; NOT
-- EXISTS would look for each row.

--: define archived
SELECT k.media_id FROM media_archived k WHERE k.user_id = $1::uuid
--: define favorites
SELECT k.media_id FROM media_favorites k WHERE k.user_id = $1::uuid

--: define plain
AND m.status <> 'pending' AND m.parent_id IS NULL AND m.id NOT IN (@archived)
--: define plain_shared
AND m.status <> 'pending' AND sh.top AND m.id NOT IN (@archived)

--: define of_kind
AND m.status <> 'pending' AND m.kind = $5::text AND m.id NOT IN (@archived)
--: define of_kind_shared
AND m.status <> 'pending' AND sh.kind = $5::text AND m.id NOT IN (@archived)

--: define any
@any_place @between(@taken) AND ($5::text IS NOT NULL OR m.parent_id IS NULL)
--: define any_shared
@any_place @between(sh.taken_at) AND ($5::text IS NOT NULL OR sh.top)

--: define any_place
AND ($5::text IS NULL OR m.kind = $5::text)
AND ($6::text IS NULL OR m.source = $6::text)
AND ($7::uuid IS NULL OR m.owner_id = $7::uuid)
AND CASE WHEN $8::text IS NULL THEN m.status <> 'pending' ELSE m.status = $8::text END
AND ($9::int IS NULL OR @year >= $9::int)
AND ($10::int IS NULL OR @year <= $10::int)
@marks
AND CASE $15::text WHEN 'own' THEN m.owner_id = $1::uuid
	WHEN 'house' THEN m.visibility = 'house'
	WHEN 'shared' THEN m.visibility = 'shared' AND m.owner_id IS DISTINCT FROM $1::uuid
	ELSE true END

-- An array of what is marked is looked up by id, where few of many items are.
--: define marks
AND CASE $13::boolean WHEN true THEN m.id = ANY (ARRAY(@favorites))
	WHEN false THEN m.id NOT IN (@favorites) ELSE true END
AND CASE $14::boolean WHEN true THEN m.id = ANY (ARRAY(@archived))
	WHEN false THEN m.id NOT IN (@archived) ELSE true END

-- By days of wall clock, the last one included. Bounds of the index in the order of the date taken,
-- because the plan knows the values.
--: define between(key)
AND ($11::timestamp IS NULL OR @key >= $11::timestamp AT TIME ZONE 'UTC')
AND ($12::timestamp IS NULL
	OR @key < ($12::timestamp + interval '1 day') AT TIME ZONE 'UTC')

--: define of_tag
@any_place @between(@taken) AND m.tags @> ARRAY[$16::text]
--: define of_tag_shared
@any_place @between(sh.taken_at) AND m.tags @> ARRAY[$16::text]

-- Each branch stops after the largest page and one more row, which shows whether there is a next
-- page. It is a number in the text: with a parameter, the planner would assume a tenth of the
-- table, estimate the generic plan at ten times the cost of a custom one, and plan for a
-- millisecond at every request.
--: define branch_rows
101

-- The columns that media_columns needs. Without other columns, the rows of a branch reach the merge
-- without an extra projection.
--: define branch_columns
m.id, m.source, m.kind, m.title, m.original_title, m.status, m.visibility, m.owner_id, m.filename,
m.content_type, m.size, m.sha256, m.width, m.height, m.duration_ms, m.taken_at, m.taken_local,
m.taken_offset, m.taken_source, m.year, m.overview, m.genres, m.tags, m.external_ids, m.thumbhash,
m.object_key, m.asset_prefix, m.assets, m.sprite_times, m.failure_code, m.failure_message,
m.version, m.created_at, m.updated_at, m.trashed_at, m.parent_id, m.position, m.disc,
m.incomplete, m.content_id, m.playable, m.rotation, m.made_rotation, m.people

-- Sorted by (k, kid): the merge outside knows that each branch is sorted, and reads only the rows
-- it needs.
--: define branch(from, filter, key, id, comparison, type, direction)
(SELECT @branch_columns, @key AS k, @id AS kid
FROM @from @filter AND (@key, @id) @comparison ($2::@type, $3::uuid)
ORDER BY @key @direction, @id @direction LIMIT @branch_rows)

--: define merged(direction)
m ORDER BY m.k @direction, m.kid @direction LIMIT $4::int

-- @theirs: the filter as the branch of shared items knows it; @place: the key of the position where
-- no column of the item is it.
--: define list(filter, theirs, key, shared_key, shared_id, comparison, type, direction, place)
SELECT @media_columns, @place FROM (
	@branch(@own, @filter, @key, m.id, @comparison, @type, @direction)
	UNION ALL
	@branch(@house AND (m.owner_id = $1::uuid OR @presentable), @filter,
		@key, m.id, @comparison, @type, @direction)
	UNION ALL
	@branch(@shared AND @presentable, @theirs,
		@shared_key, @shared_id, @comparison, @type, @direction)
) @merged(@direction)

--: define list_all(filter, key, comparison, type, direction, place)
SELECT @media_columns, @place
FROM @branch(media m WHERE $1::uuid IS NOT NULL AND m.trashed_at IS NULL, @filter,
	@key, m.id, @comparison, @type, @direction)
@merged(@direction)

--: define rising
--: define falling
DESC

-- By the wall clock, as an instant of UTC.
--: define title
lower(m.title)

--: define newest(filter, theirs)
@list(@filter, @theirs, m.created_at, sh.created_at, sh.media_id, <, timestamptz, @falling,
	NULL::text)
--: define oldest(filter, theirs)
@list(@filter, @theirs, m.created_at, sh.created_at, sh.media_id, >, timestamptz, @rising,
	NULL::text)
--: define by_taken(filter, theirs)
@list(@filter, @theirs, @taken, sh.taken_at, sh.media_id, <, timestamptz, @falling,
	@us(m.k))
--: define by_title(filter, theirs)
@list(@filter, @theirs, @title, lower(sh.title), sh.media_id, >, text, @rising,
	@title)
--: define by_taken_back(filter, theirs)
@list(@filter, @theirs, @taken, sh.taken_at, sh.media_id, >, timestamptz, @rising,
	@us(m.k))
--: define by_title_back(filter, theirs)
@list(@filter, @theirs, @title, lower(sh.title), sh.media_id, <, text, @falling,
	@title)

--: define all_newest(filter)
@list_all(@filter, m.created_at, <, timestamptz, @falling, NULL::text)
--: define all_oldest(filter)
@list_all(@filter, m.created_at, >, timestamptz, @rising, NULL::text)
--: define all_by_taken(filter)
@list_all(@filter, @taken, <, timestamptz, @falling, @us(m.k))
--: define all_by_title(filter)
@list_all(@filter, @title, >, text, @rising, @title)
--: define all_by_taken_back(filter)
@list_all(@filter, @taken, >, timestamptz, @rising, @us(m.k))
--: define all_by_title_back(filter)
@list_all(@filter, @title, <, text, @falling, @title)

-- For each order and reader, the filters come in this order, which store_media_list.c relies on.

--: query list_newest read one-plan
@newest(@plain, @plain_shared)
--: query list_newest_kind read one-plan
@newest(@of_kind, @of_kind_shared)
--: query list_newest_any read custom-plan
@newest(@any, @any_shared)
--: query list_newest_tag read custom-plan
@newest(@of_tag, @of_tag_shared)

--: query list_oldest read one-plan
@oldest(@plain, @plain_shared)
--: query list_oldest_kind read one-plan
@oldest(@of_kind, @of_kind_shared)
--: query list_oldest_any read custom-plan
@oldest(@any, @any_shared)
--: query list_oldest_tag read custom-plan
@oldest(@of_tag, @of_tag_shared)

--: query list_taken read one-plan
@by_taken(@plain, @plain_shared)
--: query list_taken_kind read one-plan
@by_taken(@of_kind, @of_kind_shared)
--: query list_taken_any read custom-plan
@by_taken(@any, @any_shared)
--: query list_taken_tag read custom-plan
@by_taken(@of_tag, @of_tag_shared)

--: query list_title read one-plan
@by_title(@plain, @plain_shared)
--: query list_title_kind read one-plan
@by_title(@of_kind, @of_kind_shared)
--: query list_title_any read custom-plan
@by_title(@any, @any_shared)
--: query list_title_tag read custom-plan
@by_title(@of_tag, @of_tag_shared)

--: query list_all_newest read one-plan
@all_newest(@plain)
--: query list_all_newest_kind read one-plan
@all_newest(@of_kind)
--: query list_all_newest_any read custom-plan
@all_newest(@any)
--: query list_all_newest_tag read custom-plan
@all_newest(@of_tag)

--: query list_all_oldest read one-plan
@all_oldest(@plain)
--: query list_all_oldest_kind read one-plan
@all_oldest(@of_kind)
--: query list_all_oldest_any read custom-plan
@all_oldest(@any)
--: query list_all_oldest_tag read custom-plan
@all_oldest(@of_tag)

--: query list_all_taken read one-plan
@all_by_taken(@plain)
--: query list_all_taken_kind read one-plan
@all_by_taken(@of_kind)
--: query list_all_taken_any read custom-plan
@all_by_taken(@any)
--: query list_all_taken_tag read custom-plan
@all_by_taken(@of_tag)

--: query list_all_title read one-plan
@all_by_title(@plain)
--: query list_all_title_kind read one-plan
@all_by_title(@of_kind)
--: query list_all_title_any read custom-plan
@all_by_title(@any)
--: query list_all_title_tag read custom-plan
@all_by_title(@of_tag)

-- The same backwards, for the items before a position. Newest and oldest first are each other's.

--: query list_taken_back read one-plan
@by_taken_back(@plain, @plain_shared)
--: query list_taken_back_kind read one-plan
@by_taken_back(@of_kind, @of_kind_shared)
--: query list_taken_back_any read custom-plan
@by_taken_back(@any, @any_shared)
--: query list_taken_back_tag read custom-plan
@by_taken_back(@of_tag, @of_tag_shared)

--: query list_title_back read one-plan
@by_title_back(@plain, @plain_shared)
--: query list_title_back_kind read one-plan
@by_title_back(@of_kind, @of_kind_shared)
--: query list_title_back_any read custom-plan
@by_title_back(@any, @any_shared)
--: query list_title_back_tag read custom-plan
@by_title_back(@of_tag, @of_tag_shared)

--: query list_all_taken_back read one-plan
@all_by_taken_back(@plain)
--: query list_all_taken_back_kind read one-plan
@all_by_taken_back(@of_kind)
--: query list_all_taken_back_any read custom-plan
@all_by_taken_back(@any)
--: query list_all_taken_back_tag read custom-plan
@all_by_taken_back(@of_tag)

--: query list_all_title_back read one-plan
@all_by_title_back(@plain)
--: query list_all_title_back_kind read one-plan
@all_by_title_back(@of_kind)
--: query list_all_title_back_any read custom-plan
@all_by_title_back(@any)
--: query list_all_title_back_tag read custom-plan
@all_by_title_back(@of_tag)

-- The caller's own trash: items they own, and items they put there. Those of a library that is left
-- out are in no trash: they come back with their library. The video of a live photo comes back with
-- its photo.

--: define trash_branch(condition, comparison, direction)
@branch(media m WHERE m.status = 'trashed' AND @condition AND NOT (@live_clip AND EXISTS (
		SELECT FROM media p WHERE p.id = m.parent_id AND p.status = 'trashed')),
	@any_place @between(@taken) AND ($16::text IS NULL OR m.tags @> ARRAY[$16::text]),
	m.trashed_at, m.id, @comparison, timestamptz, @direction)

--: define trash(comparison, direction)
SELECT @media_columns, NULL::text FROM (
	@trash_branch(m.owner_id = $1::uuid, @comparison, @direction)
	UNION ALL
	@trash_branch(m.trashed_by = $1::uuid AND m.owner_id IS DISTINCT FROM $1::uuid,
		@comparison, @direction)
) @merged(@direction)

--: query list_trash read
@trash(<, @falling)
--: query list_trash_back read
@trash(>, @rising)

-- For callers who see everything also what a deleted person left.

--: define trash_all(comparison, direction)
SELECT @media_columns, NULL::text FROM (
	@trash_branch(m.owner_id = $1::uuid, @comparison, @direction)
	UNION ALL
	@trash_branch(m.trashed_by = $1::uuid AND m.owner_id IS DISTINCT FROM $1::uuid,
		@comparison, @direction)
	UNION ALL
	@trash_branch(m.owner_id IS NULL AND m.trashed_by IS DISTINCT FROM $1::uuid
			AND m.trash_reason IS DISTINCT FROM 'excluded',
		@comparison, @direction)
) @merged(@direction)

--: query list_trash_all read
@trash_all(<, @falling)
--: query list_trash_all_back read
@trash_all(>, @rising)

-- The days that somebody scrolls through: what the page asks for most, in pages of a hundred. One
-- plan, because planning with the values takes longer than all the rest; so the days are not
-- optional here, and bounds of the index whatever they are. $5 source, $6 first and $7 last day,
-- infinite where there is none, $8 kind.

--: define of_days_asked(key)
AND @key >= $6::timestamp AT TIME ZONE 'UTC'
AND @key < ($7::timestamp + interval '1 day') AT TIME ZONE 'UTC'
AND ($5::text IS NULL OR m.source = $5::text)
AND m.status <> 'pending' AND m.id NOT IN (@archived)

--: define days_plain
@of_days_asked(@taken) AND m.parent_id IS NULL
--: define days_plain_shared
@of_days_asked(sh.taken_at) AND sh.top
--: define days_kind
@of_days_asked(@taken) AND m.kind = $8::text
--: define days_kind_shared
@of_days_asked(sh.taken_at) AND sh.kind = $8::text

--: define in_days(rows, direction)
WITH page AS MATERIALIZED (SELECT * FROM @rows @merged(@direction))
SELECT @page_columns, @us(m.k) FROM @page_from ORDER BY m.k @direction, m.kid @direction

--: define days(filter, theirs, comparison, direction)
@in_days((
	@branch(@own, @filter, @taken, m.id, @comparison, timestamptz, @direction)
	UNION ALL
	@branch(@house AND (m.owner_id = $1::uuid OR @presentable), @filter,
		@taken, m.id, @comparison, timestamptz, @direction)
	UNION ALL
	@branch(@shared AND @presentable, @theirs,
		sh.taken_at, sh.media_id, @comparison, timestamptz, @direction)
), @direction)
--: define days_all(filter, comparison, direction)
@in_days(@branch(media m WHERE $1::uuid IS NOT NULL AND m.trashed_at IS NULL, @filter,
	@taken, m.id, @comparison, timestamptz, @direction), @direction)

--: query list_days read one-plan
@days(@days_plain, @days_plain_shared, <, @falling)
--: query list_days_kind read one-plan
@days(@days_kind, @days_kind_shared, <, @falling)
--: query list_days_back read one-plan
@days(@days_plain, @days_plain_shared, >, @rising)
--: query list_days_back_kind read one-plan
@days(@days_kind, @days_kind_shared, >, @rising)
--: query list_days_all read one-plan
@days_all(@days_plain, <, @falling)
--: query list_days_all_kind read one-plan
@days_all(@days_kind, <, @falling)
--: query list_days_all_back read one-plan
@days_all(@days_plain, >, @rising)
--: query list_days_all_back_kind read one-plan
@days_all(@days_kind, >, @rising)

-- Where items were taken: of the caller's own, because nobody else sees their place, or of all
-- (@all). $17 city, $18 country, $19 and $20 south and north, $21 and $22 west and east; a box that
-- crosses 180 degrees has its west in the east.

--: define located(all)
media m WHERE m.latitude IS NOT NULL AND m.trashed_at IS NULL
AND (@all OR m.owner_id = $1::uuid)
AND ($17::int IS NULL OR m.place_id = $17::int)
AND ($18::text IS NULL OR m.place_id = ANY (ARRAY(
	SELECT c.id FROM cities c WHERE c.country = $18::text)))
AND ($19::float8 IS NULL OR m.latitude BETWEEN $19::float8 AND $20::float8)
AND ($21::float8 IS NULL OR CASE WHEN $21::float8 <= $22::float8
	THEN m.longitude BETWEEN $21::float8 AND $22::float8
	ELSE m.longitude >= $21::float8 OR m.longitude <= $22::float8 END)

--: define located_filter
@any AND ($16::text IS NULL OR m.tags @> ARRAY[$16::text])

-- $23: sees everything.
--: define at_place(key, comparison, type, direction, text)
SELECT @media_columns, @text FROM @branch(@located($23::boolean), @located_filter,
	@key, m.id, @comparison, @type, @direction)
@merged(@direction)

--: query list_at_newest read custom-plan
@at_place(m.created_at, <, timestamptz, @falling, NULL::text)
--: query list_at_oldest read custom-plan
@at_place(m.created_at, >, timestamptz, @rising, NULL::text)
--: query list_at_taken read custom-plan
@at_place(@taken, <, timestamptz, @falling, @us(m.k))
--: query list_at_taken_back read custom-plan
@at_place(@taken, >, timestamptz, @rising, @us(m.k))
--: query list_at_title read custom-plan
@at_place(@title, >, text, @rising, @title)
--: query list_at_title_back read custom-plan
@at_place(@title, <, text, @falling, @title)

-- The places of the items under the filters, those with the most items first. $2 sees everything,
-- $3 and $23 count and city of the position, $4 limit.
--: query places_counted read custom-plan
SELECT c.id, c.name, c.region, c.country, c.latitude, c.longitude, p.n FROM (
	SELECT m.place_id, count(*) AS n FROM @located($2::boolean) AND m.place_id IS NOT NULL
		@located_filter
	GROUP BY m.place_id) AS p JOIN cities c ON c.id = p.place_id
WHERE $3::bigint IS NULL OR (p.n, -c.id) < ($3::bigint, -$23::int)
ORDER BY p.n DESC, c.id LIMIT $4::int

-- What lies within squares of $3 degrees; $2 sees everything, $4 limit.
--: query places_clustered read custom-plan
SELECT k.latitude, k.longitude, k.west, k.south, k.east, k.north, k.n, c.id, c.name
FROM (SELECT avg(m.latitude) AS latitude, avg(m.longitude) AS longitude,
		min(m.longitude) AS west, min(m.latitude) AS south,
		max(m.longitude) AS east, max(m.latitude) AS north, count(*) AS n,
		CASE WHEN min(coalesce(m.place_id, 0)) = max(coalesce(m.place_id, 0))
			THEN min(m.place_id) END AS place_id
	FROM @located($2::boolean) @located_filter
	GROUP BY floor((m.longitude + 180) / $3::float8), floor((m.latitude + 90) / $3::float8)
	ORDER BY n DESC LIMIT $4::int) AS k LEFT JOIN cities c ON c.id = k.place_id
ORDER BY k.n DESC, k.latitude, k.longitude

-- How many items each day has, under the filters of the list, the newest month first: rows of a
-- month with all of its days, or of a day with its number.

-- Of the filters that are kept by day (sql/0031): $3 kind, $4 source, $5 owner, $6 and $7 days of
-- wall clock. The sums know one's own items and the house's; what others share with the caller is
-- counted, and what the caller archived is taken off. $1 caller, $2 sees all.

--: define day_filter
AND ($3::text IS NULL AND d.top OR d.kind = $3::text)
AND ($4::text IS NULL OR d.source = $4::text)
AND ($5::uuid IS NULL OR d.owner_id = $5::uuid)

--: define day_readable
($2::boolean OR d.house OR d.owner_id = $1::uuid)

--: query months_kept read custom-plan
SELECT month, days, NULL::int AS day, NULL::bigint AS n FROM day_sums d
WHERE @day_readable @day_filter
	AND ($6::timestamp IS NULL OR d.month >= date_trunc('month', $6::timestamp))
	AND ($7::timestamp IS NULL OR d.month <= $7::timestamp)
UNION ALL
SELECT date_trunc('month', day)::date, NULL, date_part('day', day)::int, sum(n)
FROM (
	SELECT d.day, d.n FROM day_changes d WHERE @day_readable @day_filter
	UNION ALL
	SELECT (sh.taken_at AT TIME ZONE 'UTC')::date, 1 FROM @shared AND @presentable
		AND NOT $2::boolean AND m.status <> 'pending'
		AND ($3::text IS NULL AND sh.top OR sh.kind = $3::text)
		AND ($4::text IS NULL OR m.source = $4::text)
		AND ($5::uuid IS NULL OR m.owner_id = $5::uuid)
	UNION ALL
	SELECT (@taken AT TIME ZONE 'UTC')::date, -1
	FROM media_archived k JOIN media m ON m.id = k.media_id
	WHERE k.user_id = $1::uuid AND m.status <> 'pending' AND @readable($1::uuid, $2::boolean)
		AND ($3::text IS NULL AND m.parent_id IS NULL OR m.kind = $3::text)
		AND ($4::text IS NULL OR m.source = $4::text)
		AND ($5::uuid IS NULL OR m.owner_id = $5::uuid)
) AS c
WHERE ($6::timestamp IS NULL OR day >= $6::timestamp)
	AND ($7::timestamp IS NULL OR day <= $7::timestamp)
GROUP BY day
ORDER BY 1 DESC

-- Of all filters: items are counted. $1 caller, $2 sees all, $3 by day instead of by month, $4 rows
-- at most; filters from $5 on, as in the list.

--: define days_of(from, filter, key)
SELECT CASE WHEN $3::boolean THEN (@key AT TIME ZONE 'UTC')::date
	ELSE date_trunc('month', @key AT TIME ZONE 'UTC')::date END AS day
FROM @from @any_place @between(@key)
	AND ($16::text IS NULL OR m.tags @> ARRAY[$16::text])
	AND ($5::text IS NOT NULL OR $16::text IS NOT NULL OR @filter)

--: query months_counted read custom-plan
SELECT date_trunc('month', day)::date AS month, NULL::int[], date_part('day', day)::int, count(*)
FROM (
	@days_of(media m WHERE m.trashed_at IS NULL AND $2::boolean, m.parent_id IS NULL, @taken)
	UNION ALL
	@days_of(@own AND NOT $2::boolean, m.parent_id IS NULL, @taken)
	UNION ALL
	@days_of(@house AND (m.owner_id = $1::uuid OR @presentable) AND NOT $2::boolean,
		m.parent_id IS NULL, @taken)
	UNION ALL
	@days_of(@shared AND @presentable AND NOT $2::boolean, sh.top, sh.taken_at)
) AS c
GROUP BY day ORDER BY day DESC LIMIT $4::int
-- The items of a collection ($17), as the caller sees it; $18: sees everything.

--: define in_collection(key, comparison, type, direction, text)
SELECT @media_columns, @text FROM @branch(
	collections c CROSS JOIN LATERAL @collected($1::uuid, $18::boolean) m
		WHERE c.id = $17::uuid AND @joined($1::uuid),
	@any_place @between(@taken) AND ($16::text IS NULL OR m.tags @> ARRAY[$16::text]),
	@key, m.id, @comparison, @type, @direction)
@merged(@direction)

--: query list_in_newest read custom-plan
@in_collection(m.created_at, <, timestamptz, @falling, NULL::text)
--: query list_in_oldest read custom-plan
@in_collection(m.created_at, >, timestamptz, @rising, NULL::text)
--: query list_in_taken read custom-plan
@in_collection(@taken, <, timestamptz, @falling, @us(m.k))
--: query list_in_taken_back read custom-plan
@in_collection(@taken, >, timestamptz, @rising, @us(m.k))
--: query list_in_title read custom-plan
@in_collection(@title, >, text, @rising, @title)
--: query list_in_title_back read custom-plan
@in_collection(@title, <, text, @falling, @title)
--: query list_in_manual read custom-plan
@in_collection(m.place, >, bigint, @rising, m.k::text)
--: query list_in_manual_back read custom-plan
@in_collection(m.place, <, bigint, @falling, m.k::text)

--: query months_in_collection read custom-plan
SELECT date_trunc('month', day)::date AS month, NULL::int[], date_part('day', day)::int, count(*)
FROM (@days_of(collections c CROSS JOIN LATERAL @collected($1::uuid, $2::boolean) m
	WHERE c.id = $17::uuid AND @joined($1::uuid), true, @taken)) AS c
GROUP BY day ORDER BY day DESC LIMIT $4::int

--: query months_at_place read custom-plan
SELECT date_trunc('month', day)::date AS month, NULL::int[], date_part('day', day)::int, count(*)
FROM (@days_of(@located($2::boolean), m.parent_id IS NULL, @taken)) AS c
GROUP BY day ORDER BY day DESC LIMIT $4::int

-- Photos and videos of the days from each of $3 up to the one of $4: $5 of each at most. A date
-- that is only that of the upload says nothing about the day.

--: define of_days(from, key)
(SELECT @branch_columns, @key AS k FROM @from
AND @key >= y.first AT TIME ZONE 'UTC' AND @key < y.past AT TIME ZONE 'UTC'
AND m.kind IN ('image', 'video') AND m.source = 'upload' AND m.taken_at IS NOT NULL
AND m.taken_source IS DISTINCT FROM 'uploaded'
AND m.status <> 'pending' AND m.parent_id IS NULL AND m.id NOT IN (@archived)
ORDER BY @key DESC LIMIT $5::int)

--: define on_days(branches)
SELECT @media_columns FROM unnest($3::timestamp[], $4::timestamp[]) AS y (first, past)
CROSS JOIN LATERAL (SELECT * FROM (@branches) AS b ORDER BY b.k DESC, b.id DESC LIMIT $5::int) AS m
ORDER BY m.k DESC, m.id DESC

--: query on_days read
@on_days(@of_days(@own AND NOT $2::boolean, @taken) UNION ALL
	@of_days(@house AND (m.owner_id = $1::uuid OR @presentable) AND NOT $2::boolean, @taken)
	UNION ALL @of_days(@shared AND @presentable AND NOT $2::boolean, sh.taken_at))
--: query on_days_all read
@on_days(@of_days(media m WHERE m.trashed_at IS NULL AND $2::boolean, @taken))

-- All items of a list one after the other, with what it takes to change many of them: large pages,
-- in the order of the date taken. $2 and $3 the position, $4 limit; filters as in the list.

--: define ids_branch(from, filter, key, id)
(SELECT m.id, m.kind, m.source, m.owner_id, @key AS k, @id AS kid
FROM @from @filter AND (@key, @id) < ($2::timestamptz, $3::uuid)
ORDER BY @key DESC, @id DESC LIMIT $4::int)

--: define ids_of(branches)
SELECT m.id, m.kind, m.source, m.owner_id, m.id IN (@favorites), m.id IN (@archived), @us(m.k)
FROM (@branches) m ORDER BY m.k DESC, m.kid DESC LIMIT $4::int

--: define ids_readable(filter, theirs)
@ids_of(@ids_branch(@own, @filter, @taken, m.id)
	UNION ALL
	@ids_branch(@house AND (m.owner_id = $1::uuid OR @presentable), @filter, @taken, m.id)
	UNION ALL
	@ids_branch(@shared AND @presentable, @theirs, sh.taken_at, sh.media_id))

--: define ids_everything(filter)
@ids_of(@ids_branch(media m WHERE m.trashed_at IS NULL, @filter, @taken, m.id))

--: query ids_any read custom-plan
@ids_readable(@any, @any_shared)
--: query ids_tag read custom-plan
@ids_readable(@of_tag, @of_tag_shared)
--: query ids_all_any read custom-plan
@ids_everything(@any)
--: query ids_all_tag read custom-plan
@ids_everything(@of_tag)
--: query ids_in_collection read custom-plan
@ids_of(@ids_branch(collections c CROSS JOIN LATERAL @collected($1::uuid, $18::boolean) m
		WHERE c.id = $17::uuid AND @joined($1::uuid),
	@any_place @between(@taken) AND ($16::text IS NULL OR m.tags @> ARRAY[$16::text]),
	@taken, m.id))
--: query ids_at_place read custom-plan
@ids_of(@ids_branch(@located($23::boolean), @located_filter, @taken, m.id))
