-- Notes of what is shared: what holds of a group when it is told.

-- A note that is told again is the same one.
--: define note_id(text)
encode(substring(sha256(convert_to(@text, 'UTF8')) FOR 16), 'hex')::uuid

-- What is told of shares is what holds now. The group of an album that $1 is shared by: its title,
-- the name of the person $2, and what the person $3 may do there; nothing if that is over.
--: query notify_share_album read
SELECT c.title, a.display_name, cp.may,
	@note_id('album ' || c.id || ' ' || a.id || ' ' || cp.user_id)
FROM collections c JOIN users a ON a.id = $2::uuid
JOIN collection_people cp ON cp.collection_id = c.id AND cp.user_id = $3::uuid
WHERE c.id = $1::uuid

-- Items of the group $1 that the person $3 has from the person $2 and can see: how many, of which
-- kind, the first $4 of them, and the title of a single one.
--: query notify_share_items read custom-plan
SELECT count(*), CASE WHEN min(m.kind) = max(m.kind) THEN min(m.kind) END,
	(array_agg(m.id ORDER BY m.created_at DESC, m.id DESC))[1:$4::int],
	min(m.title), min(a.display_name),
	@note_id('items ' || $2::uuid || ' ' || $3::uuid || ' '
		|| string_agg(m.id::text, ' ' ORDER BY m.id))
FROM media m JOIN users a ON a.id = $2::uuid
WHERE m.id IN (SELECT p.media_id FROM notification_parts p WHERE p.group_id = $1::uuid)
	AND @readable($3::uuid, false) AND m.owner_id IS DISTINCT FROM $3::uuid
HAVING count(*) > 0

-- Who learns what the person $2 put into the album $1: items of the group $3 that are still in it.
-- Not those who are told at this moment that the album is shared with them, or have not looked at
-- that note yet: it says it all. People who learn the same are one row.
--: query notify_share_added read custom-plan
SELECT c.title, a.display_name, r.n, r.kind, array_agg(r.user_id ORDER BY r.user_id)
FROM collections c JOIN users a ON a.id = $2::uuid CROSS JOIN LATERAL (
	SELECT w.user_id, count(*) AS n,
		CASE WHEN min(m.kind) = max(m.kind) THEN min(m.kind) END AS kind
	FROM (SELECT c.owner_id AS user_id UNION SELECT cp.user_id FROM collection_people cp
		WHERE cp.collection_id = c.id) w
	JOIN collection_items ci ON ci.collection_id = c.id AND ci.media_id IN (
		SELECT p.media_id FROM notification_parts p WHERE p.group_id = $3::uuid)
	JOIN media m ON m.id = ci.media_id AND m.status NOT IN ('trashed', 'pending')
		AND NOT @live_clip AND (ci.gives OR @open_to(w.user_id, false))
	WHERE w.user_id <> a.id AND NOT EXISTS (SELECT FROM notification_groups g
		WHERE g.topic = 'share.new' AND g.key = $4 AND g.user_id = w.user_id)
		AND NOT EXISTS (SELECT FROM notifications o WHERE o.user_id = w.user_id
		AND o.kind = 'share.new' AND o.read_at IS NULL
		AND o.data->>'collectionId' = c.id::text)
	GROUP BY w.user_id) r
WHERE c.id = $1::uuid GROUP BY c.title, a.display_name, r.n, r.kind

-- Is the archive $1 there, and has its person not seen that yet?
--: query notify_download read
SELECT cardinality(coalesce(d.held, d.media_ids)) FROM downloads d
WHERE d.id = $1::uuid AND d.status = 'ready' AND d.seen_at IS NULL AND d.expires_at > now()
