-- Who may read an item: the one definition, for lists, single items, search, suggestions and
-- counts. Conditions on `media m`; @user is the caller's id, @all tells whether the caller has
-- media.manage_all.
--
-- An item is readable if it is yours, in the house, or shared with you. Other people see it once it
-- has been ready, not while its first processing is running or has failed. in_trash_of is about the
-- trash.

--: define presentable
(m.status = 'ready' OR m.asset_prefix IS NOT NULL)

--: define shared_with(user)
(m.visibility = 'shared' AND EXISTS (
	SELECT 1 FROM media_shares sh WHERE sh.media_id = m.id AND sh.user_id = @user))

--: define open_to(user, all)
(@all OR m.owner_id = @user
	OR (@presentable AND (m.visibility = 'house' OR @shared_with(@user))))

-- Collections: conditions on `collections c`. Who sees one, and what a rule holds; only what its
-- owner sees can be in it.

--: define joined(user)
(c.owner_id = @user OR EXISTS (SELECT FROM collection_people cp
	WHERE cp.collection_id = c.id AND cp.user_id = @user))

--: define taken_day
coalesce(m.taken_local, m.taken_at AT TIME ZONE 'UTC',
	m.created_at AT TIME ZONE 'UTC')::date

--: define rule_holds
(m.tags @> c.rule_tags AND m.people @> c.rule_people
	AND (c.rule_kinds = '{}' OR m.kind = ANY (c.rule_kinds))
	AND (c.rule_from IS NULL OR @taken_day >= c.rule_from)
	AND (c.rule_to IS NULL OR @taken_day <= c.rule_to)
	AND (NOT c.rule_favorite OR EXISTS (SELECT FROM media_favorites mf
		WHERE mf.user_id = c.owner_id AND mf.media_id = m.id)))

-- What a shared collection gives: items that were put in by somebody who may share them, and what
-- of its owner's own items a rule holds. It opens single items and the collection itself, and
-- nothing else: lists, search, counts and suggestions go by @readable.
--: define given(user)
(m.status <> 'trashed' AND @presentable AND (EXISTS (
	SELECT FROM collection_items ci JOIN collections c ON c.id = ci.collection_id
	WHERE ci.media_id = m.id AND ci.gives AND @joined(@user))
	OR EXISTS (
	SELECT FROM collection_people cp JOIN collections c ON c.id = cp.collection_id
	WHERE cp.user_id = @user AND c.kind = 'rule' AND c.owner_id = m.owner_id AND @rule_holds)))

-- The video of a live photo, which is shown as a part of it (sql/0029).
--: define live_clip
(m.parent_id IS NOT NULL AND m.content_id IS NOT NULL)

-- The items of `collections c` that the caller sees there, as a FROM; `place`: in the order that
-- people made.
--: define collected(user, all)
(SELECT m.*, ci.position AS place FROM collection_items ci JOIN media m ON m.id = ci.media_id
WHERE c.kind = 'album' AND ci.collection_id = c.id AND m.status NOT IN ('trashed', 'pending')
	AND NOT @live_clip
	AND ((ci.gives AND @presentable) OR @open_to(@user, @all))
UNION ALL
SELECT m.*, 0::bigint FROM media m
WHERE c.kind = 'rule' AND m.status NOT IN ('trashed', 'pending') AND NOT @live_clip AND @rule_holds
	AND ((m.owner_id = c.owner_id AND (@presentable OR c.owner_id = @user))
		OR (@open_to(c.owner_id, false) AND @open_to(@user, @all))))

--: define readable(user, all)
(m.status <> 'trashed' AND @open_to(@user, @all))

-- All that @readable looks at besides the caller: items with the same text have the same readers.
--: define readers
(ROW(m.status <> 'trashed', @presentable, m.owner_id, m.visibility,
	CASE WHEN m.visibility = 'shared' THEN ARRAY(
		SELECT sh.user_id FROM media_shares sh WHERE sh.media_id = m.id
		ORDER BY sh.user_id) END)::text)

-- Whether a person may still be told what a note `n` (kind, data) says: what was shared with them
-- may have been taken back, or be gone, and so may an archive. Everything that shows or sends notes
-- asks here, so that none of the ways in which sharing ends has to know of notes.
--: define may_read(user)
EXISTS (SELECT FROM users nu JOIN role_permissions np ON np.role = nu.role
	WHERE nu.id = @user AND np.permission IN ('media.read', 'media.manage_all'))

--: define note_holds(user)
CASE WHEN n.kind IN ('share.new', 'share.added') THEN @may_read(@user)
	AND CASE WHEN n.data ? 'collectionId' THEN EXISTS (SELECT FROM collections c
		WHERE c.id = (n.data->>'collectionId')::uuid AND @joined(@user))
	ELSE EXISTS (SELECT FROM media m
		JOIN jsonb_array_elements_text(n.data->'mediaIds') AS ni (id) ON m.id = ni.id::uuid
		WHERE @readable(@user, false)) END
WHEN n.kind = 'download.ready' THEN EXISTS (SELECT FROM downloads nd
	WHERE nd.id = (n.data->>'downloadId')::uuid AND nd.user_id = @user
		AND nd.status = 'ready' AND nd.expires_at > now())
ELSE true END

--: define in_trash_of(user, all)
(m.status = 'trashed' AND (@all OR m.owner_id = @user OR m.trashed_by = @user))

-- The same as three disjoint branches for the caller $1: each uses its own index, while one
-- condition with OR would read everything. Statements add @presentable for the house's and the
-- shared items, but not for one's own.

--: define own
media m WHERE m.owner_id = $1::uuid AND m.visibility <> 'house' AND m.status <> 'trashed'

--: define house
media m WHERE m.visibility = 'house' AND m.status <> 'trashed'

--: define shared_in
media_shares sh JOIN media m ON m.id = sh.media_id
WHERE sh.user_id = $1::uuid AND m.visibility = 'shared'

-- In the order of an index of media_shares: the item of each share is looked up, nothing else. If
-- these conditions stood beside each other, the planner would expect the shares to be among the few
-- items that meet them all, and would rather read one of the tables.
--: define shared
media_shares sh CROSS JOIN LATERAL (
	SELECT m.* FROM media m WHERE m.id = sh.media_id AND m.visibility = 'shared'
		AND m.status <> 'trashed' AND m.owner_id IS DISTINCT FROM $1::uuid OFFSET 0
) m WHERE sh.user_id = $1::uuid
