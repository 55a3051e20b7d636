-- Collections. $1 the caller; $2 whether they see everything.

-- Count and cover are those of the caller: what they cannot see is not counted and no cover. The
-- cover is the chosen item if they see it, else the first one that has a picture.
--: define of_caller
c.id, c.kind, c.title, c.sort, c.owner_id,
CASE WHEN c.owner_id <> $1::uuid THEN (
	SELECT u.display_name FROM users u WHERE u.id = c.owner_id) END,
CASE WHEN c.owner_id = $1::uuid THEN 'own' ELSE (SELECT cp.may FROM collection_people cp
	WHERE cp.collection_id = c.id AND cp.user_id = $1::uuid) END,
c.rule_tags, c.rule_kinds, c.rule_from::text, c.rule_to::text, c.rule_favorite,
c.version, @us(c.created_at), @us(c.updated_at),
coalesce(f.n, 0), f.id, f.asset_prefix, f.assets, f.thumbhash,
CASE WHEN c.owner_id = $1::uuid THEN ARRAY(
	SELECT unnest(ARRAY[cp.user_id::text, u.display_name, cp.may])
	FROM collection_people cp JOIN users u ON u.id = cp.user_id
	WHERE cp.collection_id = c.id ORDER BY cp.created_at, cp.user_id) END,
c.rule_people

--: define with_cover
LEFT JOIN LATERAL (
	SELECT count(*) OVER () AS n, m.id, m.asset_prefix, m.assets, m.thumbhash
	FROM @collected($1::uuid, $2::boolean) m
	ORDER BY m.id = c.cover_id DESC NULLS LAST, m.asset_prefix IS NULL,
		CASE WHEN c.sort = 'manual' THEN m.place END,
		coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at) DESC,
		m.id DESC
	LIMIT 1) f ON true

--: query collection_get read custom-plan
SELECT @of_caller FROM collections c @with_cover WHERE c.id = $3::uuid AND @joined($1::uuid)

-- $3 and $4 the position, $5 limit, $6 whose (own, shared, NULL), $7 that hold this item, or NULL.
--: query collection_list read custom-plan
SELECT @of_caller FROM (
	SELECT * FROM collections c WHERE @joined($1::uuid) AND ($3::timestamptz IS NULL
			OR (c.created_at, c.id) < ($3::timestamptz, $4::uuid))
		AND ($6::text IS NULL OR ($6::text = 'own') = (c.owner_id = $1::uuid))
		AND ($7::uuid IS NULL OR EXISTS (SELECT FROM collection_items ci
			WHERE ci.collection_id = c.id AND ci.media_id = $7::uuid))
	ORDER BY c.created_at DESC, c.id DESC LIMIT $5::int) c @with_cover
ORDER BY c.created_at DESC, c.id DESC

-- The row alone, locked: changes of a collection follow each other.
--: query collection_lock
SELECT c.kind, c.owner_id, CASE WHEN c.owner_id = $1::uuid THEN 'own' ELSE (
	SELECT cp.may FROM collection_people cp
	WHERE cp.collection_id = c.id AND cp.user_id = $1::uuid) END, c.version, c.title
FROM collections c WHERE c.id = $2::uuid AND @joined($1::uuid) FOR UPDATE OF c

--: query collection_own_count
SELECT count(*) FROM collections WHERE owner_id = $1::uuid

-- The id of the album of a folder (RFC 9562, UUIDv8): there can be one only.
--: query collection_of_folder read
SELECT encode(set_byte(set_byte(h, 6, get_byte(h, 6) & 15 | 128), 8, get_byte(h, 8) & 63 | 128),
	'hex')::uuid
FROM substring(sha256(convert_to($1::uuid || E'\n' || btrim(regexp_replace(
	normalize($2::text, NFC), '/+', '/', 'g'), '/'), 'UTF8')) FOR 16) h

--: query collection_add
INSERT INTO collections (id, owner_id, kind, title, sort, rule_tags, rule_kinds, rule_from, rule_to,
	rule_favorite, rule_people)
VALUES ($1, $2, $3, $4, coalesce($5, 'taken'), $6::text[], $7::text[], $8::date, $9::date,
	$10::boolean, $11::text[])
ON CONFLICT (id) DO NOTHING

-- What is NULL stays; $5: a new rule comes with it, $4: a new cover, or none.
--: query collection_change
UPDATE collections c SET title = coalesce($2, title), sort = coalesce($3, sort),
	cover_id = CASE WHEN $4::boolean THEN $6::uuid ELSE cover_id END,
	rule_tags = CASE WHEN $5::boolean THEN $7::text[] ELSE rule_tags END,
	rule_kinds = CASE WHEN $5::boolean THEN $8::text[] ELSE rule_kinds END,
	rule_from = CASE WHEN $5::boolean THEN $9::date ELSE rule_from END,
	rule_to = CASE WHEN $5::boolean THEN $10::date ELSE rule_to END,
	rule_favorite = CASE WHEN $5::boolean THEN $11::boolean ELSE rule_favorite END,
	rule_people = CASE WHEN $5::boolean THEN $12::text[] ELSE rule_people END,
	version = version + 1, updated_at = now()
WHERE c.id = $1

--: query collection_touch
UPDATE collections SET version = version + 1, updated_at = now() WHERE id = $1

--: query collection_delete
DELETE FROM collections WHERE id = $1

-- Everybody who sees it.
--: query collection_audience read
SELECT owner_id FROM collections WHERE id = $1
UNION ALL SELECT user_id FROM collection_people WHERE collection_id = $1

-- People before collections, as the deletion of a person locks them.
--: query collection_people_keep
SELECT u.id FROM users u WHERE u.id = ANY ($1::uuid[]) AND u.status = 'active' ORDER BY u.id
FOR KEY SHARE

--: query collection_people_clear
DELETE FROM collection_people WHERE collection_id = $1 AND NOT user_id = ANY ($2::uuid[])
RETURNING user_id

--: query collection_people_add
INSERT INTO collection_people (collection_id, user_id, may)
SELECT $1, p.* FROM unnest($2::uuid[], $3::text[]) p
ON CONFLICT (collection_id, user_id) DO UPDATE SET may = excluded.may

-- What people who are gone from it own: nobody else may show it on.
--: query collection_items_of
DELETE FROM collection_items ci USING media m
WHERE ci.collection_id = $1 AND m.id = ci.media_id AND m.owner_id = ANY ($2::uuid[])

-- The items $3 that the caller may put into a collection, locked against deletion: all that they
-- can read, and whether they may share it.
--: query collection_addable
SELECT m.id, m.owner_id = $1::uuid OR $2::boolean FROM media m
WHERE m.id = ANY ($3::uuid[]) AND m.status <> 'pending'
	AND (@readable($1::uuid, $2::boolean) OR @given($1::uuid))
ORDER BY m.id FOR KEY SHARE OF m

-- At the end, in the order of the list; what is there stays where it is, and is given if the caller
-- may share it. Returns whether each is new there.
--: query collection_items_add
INSERT INTO collection_items AS ci (collection_id, media_id, position, added_by, gives)
SELECT $1::uuid, n.id, last.position + n.n * @step, $2::uuid, n.gives
FROM unnest($3::uuid[], $4::boolean[]) WITH ORDINALITY n (id, gives, n), (
	SELECT coalesce(max(position), 0) AS position FROM collection_items
	WHERE collection_id = $1::uuid) last
ON CONFLICT (collection_id, media_id) DO UPDATE SET gives = true
	WHERE excluded.gives AND NOT ci.gives
RETURNING media_id, xmax = 0

-- $3: also what other people put in or own.
--: query collection_items_remove
DELETE FROM collection_items ci USING media m
WHERE ci.collection_id = $1 AND ci.media_id = ANY ($4::uuid[]) AND m.id = ci.media_id
	AND ($3::boolean OR ci.added_by = $2::uuid OR m.owner_id = $2::uuid)

--: query collection_items_count
SELECT count(*) FROM collection_items WHERE collection_id = $1

-- The distance of places: a power of two, so that a place in between is found often.
--: define step
65536

-- Moves items in front of the item $3, or to the end: all of them get new places.
--: query collection_items_order
UPDATE collection_items ci SET position = r.n * @step FROM (
	SELECT i.media_id, row_number() OVER (ORDER BY
		CASE WHEN o.n IS NULL THEN i.position
			ELSE coalesce(b.position, 9223372036854775807) END,
		o.n NULLS LAST, i.media_id) AS n
	FROM collection_items i LEFT JOIN unnest($2::uuid[]) WITH ORDINALITY o (id, n)
		ON o.id = i.media_id
	LEFT JOIN collection_items b ON b.collection_id = $1 AND b.media_id = $3::uuid
	WHERE i.collection_id = $1) r
WHERE ci.collection_id = $1 AND ci.media_id = r.media_id AND ci.position <> r.n * @step

--: query collection_place read
SELECT position FROM collection_items WHERE collection_id = $1 AND media_id = $2

-- Whom things can be shared with: $2 a part of the name; $3 and $4 the position, $5 limit.
--: query sharers read
SELECT u.id, u.display_name, lower(u.display_name) FROM users u
WHERE u.status = 'active' AND u.id <> $1::uuid
	AND ($2::text IS NULL OR strpos(lower(u.display_name), lower($2::text)) > 0)
	AND ($4::uuid IS NULL OR (lower(u.display_name), u.id) > ($3::text, $4::uuid))
ORDER BY lower(u.display_name), u.id LIMIT $5::int

-- Marks of the caller $1 on those of the items $2 that they can read; $3 whether they see
-- everything. What cannot be read is left out. Items are locked in the order of their ids.
--: define marked_seen
seen AS (SELECT m.id FROM media m WHERE m.id = ANY ($2::uuid[]) AND m.status <> 'pending'
	AND (@readable($1::uuid, $3::boolean) OR @given($1::uuid)) ORDER BY m.id
	FOR KEY SHARE OF m)
--: define marking(table)
WITH @marked_seen,
	made AS (INSERT INTO @table (user_id, media_id) SELECT $1::uuid, id FROM seen
		ORDER BY id ON CONFLICT DO NOTHING)
SELECT id FROM seen
-- A mark goes from items that cannot be read any more too.
--: define unmarking(table)
WITH @marked_seen,
	gone AS (DELETE FROM @table WHERE user_id = $1::uuid AND media_id = ANY ($2::uuid[]))
SELECT id FROM seen

--: query favorite_add
@marking(media_favorites)
--: query archived_add
@marking(media_archived)
--: query favorite_remove
@unmarking(media_favorites)
--: query archived_remove
@unmarking(media_archived)
