-- Public links.

-- Where an item stands in an album by date, rising.
--: define newest_first
-@us(coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at))

--: define to_show
m.status NOT IN ('trashed', 'pending') AND @presentable AND NOT @live_clip

-- The items of `links l` that a visitor sees, as a FROM; `k`: their order. Its owner must own them
-- or, with @all, see everything: who puts something into the album of another shows it to the
-- people of that album, and to nobody else.
--: define visited(all)
(SELECT m.*, li.position::bigint AS k FROM link_items li JOIN media m ON m.id = li.media_id
WHERE li.link_id = l.id AND @to_show AND (@all OR m.owner_id = l.owner_id)
UNION ALL
SELECT m.*, CASE c.sort WHEN 'manual' THEN ci.position ELSE @newest_first END
FROM collections c JOIN collection_items ci ON ci.collection_id = c.id
	JOIN media m ON m.id = ci.media_id
WHERE c.id = l.collection_id AND c.owner_id = l.owner_id AND c.kind = 'album' AND ci.gives
	AND @to_show AND (@all OR m.owner_id = l.owner_id)
UNION ALL
SELECT m.*, @newest_first FROM collections c JOIN media m ON m.owner_id = c.owner_id
WHERE c.id = l.collection_id AND c.owner_id = l.owner_id AND c.kind = 'rule' AND @to_show
	AND @rule_holds)

--: define seen(all)
(SELECT count(*) FROM @visited(@all) m)

-- The title of what it shows; NULL: of a selection without one.
--: define shown_title(all)
coalesce(l.title, CASE l.kind
	WHEN 'album' THEN (SELECT c.title FROM collections c WHERE c.id = l.collection_id)
	WHEN 'item' THEN (SELECT m.title FROM @visited(@all) m LIMIT 1) END)

-- In the order that link_from_row() reads.
--: define link_columns(all, counted)
l.id, l.kind, l.owner_id, l.collection_id, l.title, l.password_hash, l.download, @us(l.expires_at),
@us(l.last_viewed_at), l.version, @us(l.created_at), @us(l.updated_at), l.views, u.role,
CASE WHEN @counted THEN @seen(@all) END, @shown_title(@all),
CASE l.kind WHEN 'item' THEN (SELECT li.media_id FROM link_items li WHERE li.link_id = l.id) END

-- One that can be visited: $1 the hash of its token; $2 the roles that may share, $3 those that
-- see everything; $4 whether its items are counted, which takes as long as a page of them.
--: query link_visit read
SELECT @link_columns(u.role = ANY ($3::text[]), $4::boolean)
FROM links l JOIN users u ON u.id = l.owner_id
WHERE l.token_hash = $1::bytea AND (l.expires_at IS NULL OR l.expires_at > now())
	AND u.status = 'active' AND u.role = ANY ($2::text[])
	AND (l.collection_id IS NULL OR EXISTS (SELECT FROM collections c
		WHERE c.id = l.collection_id AND c.owner_id = l.owner_id))

-- Of a link $1 whose owner sees everything ($2), from the position $3, $4 on; $5 limit, $6 one
-- item. What a visitor is not told is not read.
--: query link_items read
SELECT m.id, m.kind, m.title, m.thumbhash, m.width, m.height, m.duration_ms,
	@us(coalesce(m.taken_local, m.taken_at AT TIME ZONE 'UTC')), m.asset_prefix, m.assets,
	m.sprite_times, m.incomplete, m.source, CASE WHEN l.download THEN m.object_key END,
	CASE WHEN l.download THEN m.content_type END, CASE WHEN l.download THEN m.filename END,
	CASE WHEN l.download THEN m.size END, m.rotation, m.made_rotation, m.k, m.playable,
	@rendition, CASE WHEN l.download AND $6::uuid IS NOT NULL
		THEN jsonb_strip_nulls(jsonb_build_object('codecs', m.metadata->'codecs',
			'videoCodec', m.metadata->'videoCodec', 'videoProfile',
			m.metadata->'videoProfile', 'audioCodec', m.metadata->'audioCodec')) END
FROM links l CROSS JOIN LATERAL @visited($2::boolean) m
WHERE l.id = $1::uuid AND ($3::bigint IS NULL OR (m.k, m.id) > ($3::bigint, $4::uuid))
	AND ($6::uuid IS NULL OR m.id = $6::uuid)
ORDER BY m.k, m.id LIMIT $5::int

--: query link_viewed
UPDATE links SET views = views + 1, last_viewed_at = now() WHERE id = $1

-- Its owner's. $1 caller, $2 whether they see everything.
--: query link_get read
SELECT @link_columns($2::boolean, true), ARRAY(SELECT li.media_id::text FROM link_items li
	WHERE li.link_id = l.id ORDER BY li.position), encode(l.token_hash, 'hex')
FROM links l JOIN users u ON u.id = l.owner_id WHERE l.owner_id = $1::uuid AND l.id = $3::uuid

-- $3 and $4 the position, $5 limit; $6 of this item alone, $7 of this album, or NULL.
--: query link_list read custom-plan
SELECT @link_columns($2::boolean, true) FROM (
	SELECT * FROM links l WHERE l.owner_id = $1::uuid AND ($4::uuid IS NULL
			OR (l.created_at, l.id) < ($3::timestamptz, $4::uuid))
		AND ($6::uuid IS NULL OR l.kind = 'item' AND EXISTS (SELECT FROM link_items li
			WHERE li.link_id = l.id AND li.media_id = $6::uuid))
		AND ($7::uuid IS NULL OR l.collection_id = $7::uuid)
	ORDER BY l.created_at DESC, l.id DESC LIMIT $5::int) l JOIN users u ON u.id = l.owner_id
ORDER BY l.created_at DESC, l.id DESC

--: query link_lock
SELECT version, kind FROM links WHERE owner_id = $1 AND id = $2 FOR UPDATE

--: query link_count read
SELECT count(*) FROM links WHERE owner_id = $1

-- Of the items $3 those that the caller may show to everybody, locked against deletion.
--: query link_showable
SELECT m.id FROM media m WHERE m.id = ANY ($3::uuid[]) AND m.status NOT IN ('trashed', 'pending')
	AND (m.owner_id = $1::uuid OR $2::boolean)
ORDER BY m.id FOR KEY SHARE OF m

--: query link_add
INSERT INTO links (id, owner_id, token_hash, kind, collection_id, title, password_hash, download,
	expires_at)
VALUES ($1, $2, $3::bytea, $4, $5, $6, $7, $8, $9)

--: query link_items_add
INSERT INTO link_items (link_id, media_id, position)
SELECT $1, i.id, i.n FROM unnest($2::uuid[]) WITH ORDINALITY i (id, n)

-- $2, $4, $6: whether title, password and expiry are changed; $8 NULL: stays.
--: query link_change
UPDATE links SET title = CASE WHEN $2::boolean THEN $3 ELSE title END,
	password_hash = CASE WHEN $4::boolean THEN $5 ELSE password_hash END,
	expires_at = CASE WHEN $6::boolean THEN $7::timestamptz ELSE expires_at END,
	download = coalesce($8::boolean, download), version = version + 1, updated_at = now()
WHERE id = $1

--: query link_delete
DELETE FROM links WHERE id = $1
