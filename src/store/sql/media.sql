-- Single items: $1 caller, $2 sees all, $3 id.

-- Only the owner, and callers who see everything, see where a photo was taken and with whom the
-- item is shared.
--: define mine
(m.owner_id = $1::uuid OR $2::boolean)

--: define item_columns
@media_columns,
CASE WHEN @mine THEN m.metadata ELSE m.metadata - 'gps' END,
m.trashed_by,
CASE WHEN @mine THEN ARRAY(
	SELECT sh.user_id FROM media_shares sh WHERE sh.media_id = m.id ORDER BY sh.user_id) END,
(SELECT count(*) FROM (VALUES (m.id)) above (id) JOIN media m ON m.parent_id = above.id
	WHERE @readable($1::uuid, $2::boolean)),
CASE WHEN @mine THEN m.place_id END, CASE WHEN @mine THEN m.place_name END,
CASE WHEN @mine THEN m.place_region END, CASE WHEN @mine THEN m.place_country END

--: define may_see
(@readable($1::uuid, $2::boolean) OR @in_trash_of($1::uuid, $2::boolean)
	OR @given($1::uuid))

--: define item
SELECT @item_columns FROM media m WHERE m.id = $3::uuid AND @may_see

--: query media_get read
@item

--: query media_lock
@item FOR UPDATE OF m

-- The children that the caller can read of an item that they can read: $4 and $5 the position, $6
-- limit.
--: query media_children read
SELECT @media_columns, mn_child_order(m.disc, m.position) FROM media m
WHERE m.parent_id = $3::uuid AND @readable($1::uuid, $2::boolean)
	AND (mn_child_order(m.disc, m.position), m.id) > ($4::bigint, $5::uuid)
	AND EXISTS (SELECT FROM media m WHERE m.id = $3::uuid AND @may_see)
ORDER BY mn_child_order(m.disc, m.position), m.id LIMIT $6::int

-- Titles by kind ($3) and their ids at TMDB ($4): of each that the caller can read here and that
-- has pictures, its place in the list and where they are.
--: query media_of_titles read
SELECT w.n, t.asset_prefix, t.assets FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS
	w (kind, tmdb_id, n) CROSS JOIN LATERAL (SELECT m.asset_prefix, m.assets FROM media m
	WHERE m.external_ids @> jsonb_build_object('tmdb', w.tmdb_id) AND m.kind = w.kind
		AND m.asset_prefix IS NOT NULL AND @readable($1::uuid, $2::boolean)
	ORDER BY m.id LIMIT 1) t

-- Where an item stands in each order of the list, and in the trash.
--: query media_position read
SELECT @us(m.created_at), @us(coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at)),
	lower(m.title), @us(m.trashed_at)
FROM media m WHERE m.id = $3::uuid AND @may_see

--: query media_lock_trashed
SELECT @item_columns FROM media m
WHERE m.id = $3::uuid AND m.status = 'trashed'
	AND (@open_to($1::uuid, $2::boolean) OR m.trashed_by = $1::uuid)
FOR UPDATE OF m

-- $3 limit. The sums of sql/0009 by scope, and what others share with the caller alone.
--: query media_tags read
SELECT tag, sum(n) AS n FROM (
	SELECT tag, n FROM tags_kept WHERE $2::boolean
	UNION ALL
	SELECT tag, n FROM tags_kept WHERE NOT $2::boolean AND scope IN ($1::text, 'house')
	UNION ALL
	SELECT unnest(m.tags), 1 FROM @shared AND @presentable AND NOT $2::boolean) AS used
GROUP BY tag HAVING sum(n) > 0 ORDER BY 2 DESC, tag LIMIT $3::int

-- A readable item without events gives one row without an event, an unreadable one gives none.
--: query media_timeline read
SELECT @us(e.at), e.step, e.state, e.message, e.attempt
FROM media m LEFT JOIN media_events e ON e.media_id = m.id
WHERE m.id = $3::uuid AND @may_see
ORDER BY e.id LIMIT 1000

--: query media_event_add
INSERT INTO media_events (media_id, step, state, message, attempt)
SELECT id, $2, $3, $4, coalesce($5::integer, 1) FROM media WHERE id = $1

--: query media_upload read
SELECT id FROM uploads WHERE media_id = $1 ORDER BY id DESC LIMIT 1

--: define people_of_collection
unnest(c.owner_id || ARRAY(SELECT cp.user_id FROM collection_people cp
	WHERE cp.collection_id = c.id))::text

--: query media_scopes
SELECT s.scope, pg_notify('mn_catalogue', s.scope) FROM (
	SELECT owner_id::text AS scope FROM media WHERE id = $1 AND owner_id IS NOT NULL
	UNION SELECT 'house' FROM media WHERE id = $1 AND visibility = 'house'
	UNION SELECT user_id::text FROM media_shares WHERE media_id = $1
	UNION SELECT @people_of_collection
	FROM collection_items ci JOIN collections c ON c.id = ci.collection_id
	WHERE ci.media_id = $1 AND ci.gives
	UNION SELECT @people_of_collection
	FROM media m JOIN collections c ON c.kind = 'rule' AND c.owner_id = m.owner_id
	WHERE m.id = $1 AND @rule_holds
	UNION SELECT u.id::text FROM users u JOIN role_permissions p ON p.role = u.role
	WHERE p.permission = 'media.manage_all' AND u.status = 'active'
) s

--: query media_scope_told
SELECT pg_notify('mn_catalogue', $1)
