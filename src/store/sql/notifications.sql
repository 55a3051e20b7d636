-- Rows of notifications and preferences. What a note says must still hold: @note_holds.

--: define note_columns
n.id, n.seq, n.kind, n.title, n.message, n.data, n.read_at IS NOT NULL, @us(n.created_at)

-- Kind $3, event, title, message, data. The time is read after locking, so that it increases with
-- seq. $8: a row and an event are wanted; $9: the default for mail of the kind, or NULL: no mail. A
-- row that is there is told again, with a seq of now: a batch of uploads that has grown.
--: query notification_add
WITH who AS MATERIALIZED (
	SELECT u.id AS user_id, n.id, $8::boolean AND coalesce(p.page, true) AS page,
		CASE WHEN $9::text IS NULL THEN 'off' ELSE coalesce(p.email, $9) END AS email
	FROM unnest($1::uuid[], $2::uuid[]) AS n (user_id, id)
	JOIN users u ON u.id = n.user_id
	LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = $3
	WHERE u.status = 'active' ORDER BY u.id FOR NO KEY UPDATE OF u),
bumped AS (
	UPDATE users u SET last_seq = u.last_seq + 1 FROM who
	WHERE u.id = who.user_id AND who.page
	RETURNING u.id AS user_id, u.last_seq AS seq, who.id),
added AS (
	INSERT INTO notifications (id, user_id, seq, kind, event, title, message, data, created_at)
	SELECT id, user_id, seq, $3, $4, $5, $6, $7::jsonb, clock_timestamp() FROM bumped
	ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, kind = excluded.kind,
		event = excluded.event, title = excluded.title, message = excluded.message,
		data = excluded.data, created_at = excluded.created_at, read_at = NULL
	RETURNING user_id, seq, created_at),
queued AS (
	INSERT INTO notification_mails (user_id, kind, email, title, message, data)
	SELECT user_id, $3, email, $5, $6, $7::jsonb FROM who WHERE email IN ('daily', 'weekly'))
SELECT who.user_id, who.id, coalesce(added.seq, 0),
	@us(coalesce(added.created_at, clock_timestamp())), who.email = 'now'
FROM who LEFT JOIN added USING (user_id)

-- $2 the position, $3 unread ones only, $4 limit, $5 kind or NULL.
--: query notifications_newest read
SELECT @note_columns FROM notifications n
WHERE n.user_id = $1::uuid AND ($2::bigint = 0 OR n.seq < $2)
	AND (NOT $3::boolean OR n.read_at IS NULL) AND ($5::text IS NULL OR n.kind = $5)
	AND @note_holds($1::uuid)
ORDER BY n.seq DESC LIMIT $4::bigint

--: query notifications_after read
SELECT @note_columns FROM notifications n
WHERE n.user_id = $1::uuid AND n.seq > $2::bigint AND (NOT $3::boolean OR n.read_at IS NULL)
	AND ($5::text IS NULL OR n.kind = $5) AND @note_holds($1::uuid)
ORDER BY n.seq LIMIT $4::bigint

-- As far as unread ones are counted: openapi.json says it.
--: query notifications_unread read
SELECT count(*) FROM (SELECT FROM notifications n WHERE n.user_id = $1::uuid
	AND n.read_at IS NULL AND @note_holds($1::uuid) LIMIT 10000) AS n

--: query notification_read
UPDATE notifications n SET read_at = coalesce(n.read_at, now())
WHERE n.id = $1 AND n.user_id = $2::uuid AND @note_holds($2::uuid) RETURNING @note_columns

--: query notifications_read_all
UPDATE notifications SET read_at = now() WHERE user_id = $1 AND read_at IS NULL

--: query notification_delete
DELETE FROM notifications WHERE id = $1 AND user_id = $2

-- Of the notes of the mail $2 to the person $1, the places of those that still hold, from 0.
--: query notification_holding read
SELECT n.place - 1 FROM (SELECT e.note->>'kind' AS kind, e.note->'data' AS data, e.place
	FROM jsonb_array_elements($2::jsonb->'notes') WITH ORDINALITY AS e (note, place)) n
WHERE @note_holds($1::uuid) ORDER BY n.place

--: query notification_preferences read
SELECT kind, page, email FROM notification_preferences WHERE user_id = $1

--: query notification_prefer
INSERT INTO notification_preferences (user_id, kind, page, email)
SELECT id, $2, $3, $4 FROM users WHERE id = $1
ON CONFLICT (user_id, kind) DO UPDATE SET page = excluded.page, email = excluded.email

--: query notification_audience read
SELECT id FROM users WHERE status = 'active' AND role = ANY ($1::text[]) ORDER BY id

--: query notification_keepers read
SELECT u.id, u.email FROM users u JOIN role_permissions p ON p.role = u.role
WHERE u.status = 'active' AND p.permission = $1 ORDER BY u.id

--: query notifications_expire
DELETE FROM notifications WHERE id IN (SELECT id FROM notifications
	WHERE created_at < now() - make_interval(days => $1::integer)
	ORDER BY created_at LIMIT $2::bigint)
