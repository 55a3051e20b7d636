-- Notes that wait for others of their group, and for a digest.

-- One statement for all parts: topics, kinds, keys, people, titles of groups, titles, items,
-- failed, how many items each stands for; $10 seconds until a new group is told; wider groups and
-- their titles. Groups are locked in the order of their keys.
--: query notify_parts_add
WITH part AS MATERIALIZED (
	SELECT p.* FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[],
		$6::text[], $7::uuid[], $8::boolean[], $9::bigint[], $11::text[], $12::text[])
		WITH ORDINALITY AS p (topic, kind, key, user_id, group_title, title, media_id,
			failed, items, wider, wider_title, n)
	WHERE p.user_id IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = p.user_id)),
opened AS (
	INSERT INTO notification_groups AS g (id, topic, key, user_id, title, due_at, wider,
		wider_title)
	SELECT gen_random_uuid(), topic, key, user_id, (array_agg(group_title ORDER BY n DESC))[1],
		clock_timestamp() + make_interval(secs => $10::integer),
		(array_agg(wider ORDER BY n DESC))[1], (array_agg(wider_title ORDER BY n DESC))[1]
	FROM part GROUP BY topic, key, user_id ORDER BY topic, key, user_id
	ON CONFLICT (topic, key, user_id)
		DO UPDATE SET title = coalesce(excluded.title, g.title)
	RETURNING id, topic, key, user_id, due_at, xmax = 0 AS fresh),
added AS (
	INSERT INTO notification_parts (group_id, kind, title, media_id, failed, items)
	SELECT o.id, p.kind, p.title, p.media_id, p.failed, p.items FROM part p
	JOIN opened o ON o.topic = p.topic AND o.key = p.key
		AND o.user_id IS NOT DISTINCT FROM p.user_id
	ORDER BY p.n)
SELECT id, @us(due_at), fresh FROM opened ORDER BY topic, key, user_id

-- Locks the group: parts that are being added are waited for, and later ones open a group of their
-- own once this one is removed.
--: query notify_group_hold
SELECT topic, key, user_id, title, told, wider, wider_title FROM notification_groups
WHERE id = $1 FOR UPDATE

-- Groups of one wider group are joined by one job at a time.
--: query notify_wider_lock
SELECT pg_advisory_xact_lock(7236116, hashtext(topic || ' ' || wider)) FROM notification_groups
WHERE id = $1 AND wider IS NOT NULL

-- A writer may hold one of them and wait for another, so none is waited for.
--: query notify_wider_others
SELECT o.id FROM notification_groups g
JOIN notification_groups o ON o.topic = g.topic AND o.wider = g.wider AND o.id <> g.id
	AND o.user_id IS NOT DISTINCT FROM g.user_id
WHERE g.id = $1 ORDER BY o.id LIMIT $2::integer FOR UPDATE OF o SKIP LOCKED

-- After they were locked, which is another statement: each part was seen then. It is named with
-- its group.
--: query notify_wider_join
UPDATE notification_parts p SET group_id = $1::uuid, title = concat_ws(': ', g.title, p.title)
FROM notification_groups g WHERE g.id = p.group_id AND (g.id = $1::uuid OR g.id = ANY ($2::uuid[]))

--: query notify_wider_remove
DELETE FROM notification_groups WHERE id = ANY ($1::uuid[])

-- The number of parts is counted after the group was locked, which is another statement.
--: query notify_group_parts read
SELECT count(*) FROM notification_parts WHERE group_id = $1

--: query notify_group_told
UPDATE notification_groups SET told = $2::integer WHERE id = $1

--: query notify_group_remove
DELETE FROM notification_groups WHERE id = $1

-- Groups whose job was lost or given up.
--: query notify_groups_overdue read
SELECT id FROM notification_groups WHERE due_at < now() - make_interval(secs => $1::integer)
ORDER BY due_at LIMIT $2::integer

-- $1 owner, $2 an item that does not count: is another upload of the owner on its way?
--: query notify_under_way read
SELECT EXISTS (SELECT FROM media m WHERE m.owner_id = $1::uuid AND m.id <> $2::uuid
	AND m.status IN ('pending', 'processing'))

-- The last part of each item.
--: define latest
latest AS MATERIALIZED (
	SELECT DISTINCT ON (media_id, CASE WHEN media_id IS NULL THEN id END)
		id, kind, title, media_id, failed, items
	FROM notification_parts WHERE group_id = $1
	ORDER BY media_id, CASE WHEN media_id IS NULL THEN id END, id DESC)

-- What each person learns of the group: items that they can read, of kinds that they want. People
-- who learn the same are one row. $2: the recipient, or NULL; $3 how many items are listed, $4 how
-- many of them are named, $5 where they want it: page, mail, or NULL for either. The defaults are
-- those of model/notification_kinds.def, which t/111-inputs.t compares. Whether a person can read
-- is asked once for all items with the same readers: a first sync brings very many.
--: query notify_group_tell read custom-plan
WITH @latest,
item AS (
	SELECT l.id, l.kind AS about, l.failed, l.items, m.id AS media_id,
		CASE WHEN l.items = 1 THEN m.kind ELSE 'other' END AS kind,
		coalesce(l.title, m.title) AS title, m.failure_message,
		CASE WHEN m.id IS NULL THEN '' ELSE @readers END AS readers
	FROM latest l LEFT JOIN media m ON m.id = l.media_id
	WHERE l.media_id IS NULL OR m.id IS NOT NULL),
numbered AS MATERIALIZED (
	SELECT *, row_number() OVER (PARTITION BY readers, about ORDER BY failed DESC, id) AS n
	FROM item),
class AS MATERIALIZED (
	SELECT readers, about, coalesce(sum(items) FILTER (WHERE NOT failed), 0) AS good,
		coalesce(sum(items) FILTER (WHERE failed), 0) AS bad, count(*) AS parts,
		min(kind) AS kind, max(kind) AS last_kind,
		min(media_id::text) FILTER (WHERE n = 1)::uuid AS sample
	FROM numbered GROUP BY readers, about),
wants AS (
	SELECT u.id AS user_id, k.about FROM users u CROSS JOIN (SELECT DISTINCT about FROM class) k
	LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = k.about
	WHERE u.status = 'active' AND ($2::uuid IS NULL OR u.id = $2)
		AND CASE $5::text WHEN 'page' THEN coalesce(p.page, true)
			WHEN 'mail' THEN coalesce(p.email, 'off') <> 'off'
			ELSE coalesce(p.page, true) OR coalesce(p.email, 'off') <> 'off' END),
readable AS MATERIALIZED (
	SELECT w.user_id, c.* FROM class c JOIN wants w USING (about)
	LEFT JOIN media m ON m.id = c.sample
	WHERE CASE WHEN c.sample IS NULL THEN $2::uuid IS NOT NULL
		ELSE m.id IS NOT NULL AND @readable(w.user_id, false) END),
first AS (
	SELECT r.user_id, f.media_id, f.title, f.failure_message,
		row_number() OVER (PARTITION BY r.user_id ORDER BY f.failed DESC, f.id) AS n
	FROM readable r JOIN numbered f USING (readers, about) WHERE f.n <= $3::integer),
listed AS (
	SELECT user_id,
		array_agg(media_id ORDER BY n)
			FILTER (WHERE n <= $3 AND media_id IS NOT NULL) AS items,
		array_agg(title ORDER BY n)
			FILTER (WHERE n <= $4::integer AND title IS NOT NULL) AS names,
		min(failure_message) FILTER (WHERE n = 1) AS failure
	FROM first GROUP BY user_id),
counted AS (
	SELECT user_id, sum(good)::bigint AS good, sum(bad)::bigint AS bad,
		sum(parts)::bigint AS parts,
		CASE WHEN min(kind) = max(last_kind) THEN min(kind) END AS kind
	FROM readable GROUP BY user_id)
SELECT good, bad, kind, items, names, failure, parts, array_agg(user_id ORDER BY user_id)
FROM counted JOIN listed USING (user_id) GROUP BY good, bad, kind, items, names, failure, parts

-- The same for endpoints of webhooks, which no person stands for: items that are there for others.
--: query notify_group_all read
WITH @latest
SELECT coalesce(sum(l.items) FILTER (WHERE NOT l.failed), 0),
	coalesce(sum(l.items) FILTER (WHERE l.failed), 0),
	array_agg(m.id ORDER BY l.n) FILTER (WHERE l.n <= $2::integer)
FROM (SELECT *, row_number() OVER (ORDER BY failed DESC, id) AS n FROM latest) l
JOIN media m ON m.id = l.media_id AND m.status <> 'trashed' AND @presentable

-- The season of all that the group is about, if there is one and its episodes are among it.
--: query notify_group_season read
WITH @latest,
part AS (
	SELECT m.kind, CASE m.kind WHEN 'episode' THEN m.parent_id WHEN 'season' THEN m.id END
		AS season_id
	FROM latest l JOIN media m ON m.id = l.media_id AND m.status <> 'trashed')
SELECT s.id, s.title, s.position FROM media s
WHERE s.kind = 'season' AND s.id = (SELECT min(season_id::text)::uuid FROM part
	HAVING count(DISTINCT coalesce(season_id::text, '')) = 1 AND bool_or(kind = 'episode'))

-- Who gets a mail, and of which of these kinds: $2 kinds, $3 their defaults.
--: query notify_addressee read
SELECT u.email, u.display_name, ARRAY(
	SELECT k.kind FROM unnest($2::text[], $3::text[]) AS k (kind, otherwise)
	LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = k.kind
	WHERE coalesce(p.email, k.otherwise) <> 'off')
FROM users u WHERE u.id = $1 AND u.status = 'active'

-- What a waiting note is for now. Turned to 'now', it goes with the next daily digest.
--: define wanted
CASE coalesce(p.email, q.email) WHEN 'now' THEN 'daily' ELSE coalesce(p.email, q.email) END

--: define waiting
notification_mails q
LEFT JOIN notification_preferences p ON p.user_id = q.user_id AND p.kind = q.kind

-- People whose digest is due: $1 daily or weekly, $2 its day, $3 its time, $4 limit.
--: query notify_digests_due read
SELECT DISTINCT q.user_id FROM @waiting JOIN users u ON u.id = q.user_id
WHERE u.status = 'active' AND q.created_at < $3::timestamptz AND @wanted = $1
	AND NOT EXISTS (SELECT FROM notification_digests d
		WHERE d.user_id = q.user_id AND d.period = $1 AND d.day = $2::date)
ORDER BY q.user_id LIMIT $4::integer

-- Takes the notes of one digest; none if it has been sent. $1 period, $2 day, $3 time, $4 person.
--: query notify_digest_take
WITH mark AS (
	INSERT INTO notification_digests (user_id, period, day)
	SELECT u.id, $1, $2::date FROM users u WHERE u.id = $4 AND u.status = 'active'
	ON CONFLICT DO NOTHING RETURNING user_id),
taken AS (
	DELETE FROM notification_mails WHERE id IN (
		SELECT q.id FROM @waiting JOIN mark ON mark.user_id = q.user_id
		WHERE q.created_at < $3::timestamptz AND @wanted = $1)
	RETURNING id, kind, title, message, data)
SELECT kind, title, message, data FROM taken ORDER BY id

-- Notes that nobody wants mailed any more, or that waited too long: their person is disabled.
--: query notify_mails_expire
DELETE FROM notification_mails WHERE id IN (
	SELECT q.id FROM @waiting
	WHERE @wanted = 'off' OR q.created_at < now() - make_interval(days => $1::integer)
	LIMIT $2::integer)

--: query notify_digests_expire
DELETE FROM notification_digests WHERE (user_id, period, day) IN (
	SELECT user_id, period, day FROM notification_digests
	WHERE created_at < now() - make_interval(days => $1::integer) LIMIT $2::integer)
