-- Figures of the house. Each statement reads sums that are kept (sql/0009, sql/0022), or an index
-- of what is rare: their cost grows with people, months and kinds, not with items.

-- Names are looked up for the rows of a page only: they are in the list of what is selected.
--: define target(type)
a.target_type = @type AND a.target_id ~ '^[0-9a-f-]{36}$'
--: query audit_list read
SELECT a.id, @us(a.at), a.actor_id, a.actor, a.action, a.target_type, a.target_id, a.detail,
	a.address, a.request_id,
	(SELECT u.display_name FROM users u WHERE u.id = a.actor_id),
	CASE WHEN @target('user') THEN (
			SELECT u.display_name FROM users u WHERE u.id = a.target_id::uuid)
		WHEN @target('media_server') THEN (
			SELECT s.name FROM media_servers s WHERE s.id = a.target_id::uuid)
		WHEN @target('webhook_source') THEN (
			SELECT w.name FROM webhook_sources w WHERE w.id = a.target_id::uuid) END
FROM audit_log a
WHERE ($1::uuid IS NULL OR a.actor_id = $1) AND ($2::text IS NULL OR starts_with(a.action, $2))
	AND ($3::text IS NULL OR a.target_id = $3)
	AND ($4::timestamptz IS NULL OR a.at >= $4) AND ($5::timestamptz IS NULL OR a.at < $5)
	AND ($6::bigint IS NULL OR a.id < $6)
ORDER BY a.id DESC LIMIT $7::int

--: query admin_people read
SELECT role, count(*), count(*) FILTER (WHERE status = 'active') FROM users GROUP BY role

--: query admin_media_kinds read
SELECT kind, sum(items)::bigint, sum(bytes)::bigint FROM media_kept GROUP BY kind
HAVING sum(items) > 0 ORDER BY sum(bytes) DESC, sum(items) DESC, kind

--: query admin_media_states read
SELECT status, sum(items)::bigint, sum(bytes)::bigint FROM media_kept GROUP BY status
HAVING sum(items) > 0 ORDER BY status

-- $1 months. What was added in a month and is still there.
--: query admin_media_months read
SELECT to_char(month, 'YYYY-MM'), sum(items)::bigint, sum(bytes)::bigint FROM media_kept
WHERE month > mn_month(now()) - make_interval(months => $1::integer)
GROUP BY month HAVING sum(items) > 0 ORDER BY month

-- $1 limit: those who use most.
--: query admin_storage_people read
SELECT u.id, u.display_name, coalesce(k.bytes, 0), coalesce(k.items, 0), u.quota_bytes
FROM users u LEFT JOIN (
	SELECT user_id, sum(bytes)::bigint AS bytes, sum(uploads)::bigint AS items
	FROM storage_kept GROUP BY user_id) k ON k.user_id = u.id
ORDER BY coalesce(k.bytes, 0) DESC, u.display_name, u.id LIMIT $1::integer

-- What each of $1 uses, in that order, and their own quota.
--: query admin_storage_of read
SELECT coalesce((SELECT sum(k.bytes) FROM storage_kept k WHERE k.user_id = w.id), 0)::bigint,
	u.quota_bytes
FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, n) LEFT JOIN users u ON u.id = w.id ORDER BY w.n

-- What could not be read, by reason; the newest that the caller ($1, $2 sees all) can read.
--: query admin_failures read
SELECT f.code, f.n, (SELECT m.failure_message FROM media m
		WHERE m.status = 'failed' AND m.failure_code = f.code LIMIT 1), e.id, e.title
FROM (SELECT m.failure_code AS code, count(*) AS n FROM media m
	WHERE m.status = 'failed' AND m.failure_code IS NOT NULL GROUP BY m.failure_code) f
LEFT JOIN LATERAL (SELECT m.id, m.title FROM media m
	WHERE m.status = 'failed' AND m.failure_code = f.code AND @readable($1::uuid, $2::boolean)
	ORDER BY m.id DESC LIMIT 1) e ON true
ORDER BY f.n DESC, f.code

-- Failed uploads with a reason, or with any ($1); $2 limit.
--: query admin_failures_lock
SELECT m.id, m.content_type FROM media m
WHERE m.status = 'failed' AND m.source = 'upload'
	AND ($1::text IS NULL OR m.failure_code = $1::text)
ORDER BY m.failure_code, m.id LIMIT $2::integer FOR UPDATE SKIP LOCKED

--: query admin_database read
SELECT current_setting('server_version'),
	(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())

-- Open jobs of each queue, and for how long its oldest due job has waited.
--: query admin_queues read
SELECT queue, count(*) FILTER (WHERE state = 'running'),
	count(*) FILTER (WHERE state = 'available' AND run_at <= now()),
	coalesce(date_part('epoch', now() - min(run_at)
		FILTER (WHERE state = 'available' AND run_at <= now())), 0)::bigint
FROM jobs WHERE state = 'running' OR state = 'available' AND run_at <= now() GROUP BY queue
