-- Notes that wait for others of their group, and for a digest.

-- One statement for all parts: topics, kinds, keys, people, titles of groups, titles, items,
-- failed; $9 seconds until a new group is told. Groups are locked in the order of their keys.
--: query notify_parts_add
WITH part AS MATERIALIZED (
	SELECT p.* FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[],
		$6::text[], $7::uuid[], $8::boolean[]) WITH ORDINALITY
		AS p (topic, kind, key, user_id, group_title, title, media_id, failed, n)
	WHERE p.user_id IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = p.user_id)),
opened AS (
	INSERT INTO notification_groups AS g (id, topic, key, user_id, title, due_at)
	SELECT gen_random_uuid(), topic, key, user_id, (array_agg(group_title ORDER BY n DESC))[1],
		clock_timestamp() + make_interval(secs => $9::integer)
	FROM part GROUP BY topic, key, user_id ORDER BY topic, key, user_id
	ON CONFLICT (topic, key, user_id)
		DO UPDATE SET title = coalesce(excluded.title, g.title)
	RETURNING id, topic, key, user_id, due_at, xmax = 0 AS fresh),
added AS (
	INSERT INTO notification_parts (group_id, kind, title, media_id, failed)
	SELECT o.id, p.kind, p.title, p.media_id, p.failed FROM part p
	JOIN opened o ON o.topic = p.topic AND o.key = p.key
		AND o.user_id IS NOT DISTINCT FROM p.user_id
	ORDER BY p.n)
SELECT id, @us(due_at), fresh FROM opened ORDER BY topic, key, user_id

-- Locks the group: parts that are being added are waited for, and later ones open a group of their
-- own once this one is removed.
--: query notify_group_hold
SELECT topic, key, user_id, title, told FROM notification_groups WHERE id = $1 FOR UPDATE

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
		id, kind, title, media_id, failed
	FROM notification_parts WHERE group_id = $1
	ORDER BY media_id, CASE WHEN media_id IS NULL THEN id END, id DESC)

-- What each person learns of the group: items that they can read, of kinds that they want. People
-- who learn the same are one row. $2: the recipient, or NULL; $3 how many items are listed, $4 how
-- many are named, $5 where they want it: page, mail, or NULL for either. The defaults are those of
-- model/notification_kinds.def, which t/111-inputs.t compares.
--: query notify_group_tell read custom-plan
WITH @latest,
wants AS (
	SELECT u.id AS user_id, k.kind FROM users u CROSS JOIN (SELECT DISTINCT kind FROM latest) k
	LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = k.kind
	WHERE u.status = 'active' AND ($2::uuid IS NULL OR u.id = $2)
		AND CASE $5::text WHEN 'page' THEN coalesce(p.page, true)
			WHEN 'mail' THEN coalesce(p.email, 'off') <> 'off'
			ELSE coalesce(p.page, true) OR coalesce(p.email, 'off') <> 'off' END),
seen AS (
	SELECT w.user_id, l.id, l.failed, m.id AS media_id, m.kind, m.title, m.failure_message
	FROM latest l JOIN wants w USING (kind)
	JOIN media m ON m.id = l.media_id AND @readable(w.user_id, false)
	UNION ALL
	SELECT w.user_id, l.id, l.failed, NULL, NULL, l.title, NULL
	FROM latest l JOIN wants w USING (kind) WHERE l.media_id IS NULL AND $2 IS NOT NULL),
learned AS (
	SELECT user_id, count(*) FILTER (WHERE NOT failed) AS good,
		count(*) FILTER (WHERE failed) AS bad, min(kind) AS kind, max(kind) AS last_kind,
		(array_agg(media_id ORDER BY failed DESC, id)
			FILTER (WHERE media_id IS NOT NULL))[1:$3::integer] AS items,
		(array_agg(title ORDER BY failed DESC, id)
			FILTER (WHERE title IS NOT NULL))[1:$4::integer] AS names,
		(array_agg(failure_message ORDER BY failed DESC, id))[1] AS failure
	FROM seen GROUP BY user_id)
SELECT good, bad, CASE WHEN kind = last_kind THEN kind END, items, names, failure,
	array_agg(user_id ORDER BY user_id)
FROM learned GROUP BY good, bad, 3, items, names, failure

-- The same for endpoints of webhooks, which no person stands for: items that are there for others.
--: query notify_group_all read
WITH @latest
SELECT count(*) FILTER (WHERE NOT l.failed), count(*) FILTER (WHERE l.failed),
	CASE WHEN min(m.kind) = max(m.kind) THEN min(m.kind) END,
	(array_agg(m.id ORDER BY l.id))[1:$2::integer],
	(array_agg(m.title ORDER BY l.id))[1:$3::integer]
FROM latest l JOIN media m ON m.id = l.media_id AND m.status <> 'trashed' AND @presentable

-- Who gets a mail about a kind; $3 the default of the kind.
--: query notify_addressee read
SELECT u.email, u.display_name, coalesce(p.email, $3) FROM users u
LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = $2
WHERE u.id = $1 AND u.status = 'active'

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
