-- Archives that people make of items. $1 the caller, $2 whether they see everything.

--: define download_columns
d.id, d.user_id, d.status, d.title, d.collection_id, d.object_key, d.failure_code,
d.failure_message, cardinality(d.media_ids), d.left_out, d.bytes, d.bytes_done, d.size,
@us(d.created_at), @us(d.finished_at), @us(d.expires_at)

-- What can be packed of `media m`: all that the caller can read, also what a collection gives.
--: define packable
(m.status NOT IN ('trashed', 'pending')
	AND (@readable($1::uuid, $2::boolean) OR @given($1::uuid)))

-- Of the items $3 those that the caller can have, in this order, each with the clip of a live photo
-- behind it; and how much of them is here.
--: query download_pick read custom-plan
SELECT o.id, max(CASE WHEN o.object_key IS NOT NULL THEN coalesce(o.size, 0) ELSE -1 END)
FROM unnest($3::uuid[]) WITH ORDINALITY w (id, n) JOIN media m ON m.id = w.id
	CROSS JOIN LATERAL (SELECT 0 AS part, m.id, m.object_key, m.size
	UNION ALL SELECT 1, c.id, c.object_key, c.size FROM media c
	WHERE m.kind = 'image' AND c.parent_id = m.id AND c.content_id = m.content_id
		AND c.status NOT IN ('trashed', 'pending')) o
WHERE @packable GROUP BY o.id ORDER BY min(w.n), min(o.part), o.id

-- $4 limit.
--: query download_collected read custom-plan
SELECT m.id FROM collections c CROSS JOIN LATERAL @collected($1::uuid, $2::boolean) m
WHERE c.id = $3::uuid AND @joined($1::uuid)
ORDER BY CASE WHEN c.sort = 'manual' THEN m.place END,
	coalesce(m.taken_local AT TIME ZONE 'UTC', m.taken_at, m.created_at) DESC, m.id DESC
LIMIT $4::int

-- The time of an item: when it was taken, or of its file, or when it came.
--: define wall
CASE WHEN o.taken_at IS NULL THEN coalesce(o.file_modified_at, o.created_at)
	ELSE coalesce(o.taken_local AT TIME ZONE 'UTC', o.taken_at) END

-- What the caller can have of `media o` at this moment. The clip of a live photo can be had by
-- those who can have the photo.
--: define obtainable
(o.status NOT IN ('trashed', 'pending') AND EXISTS (
	SELECT FROM media m WHERE m.id = ANY (ARRAY[o.id, o.parent_id])
		AND (m.id = o.id OR (m.kind = 'image' AND m.content_id = o.content_id))
		AND @packable))

-- A page of an archive's items as they are now: those between the places $4 and $5 that the person
-- can have.
--: query download_items read custom-plan
SELECT w.n, o.id, normalize(coalesce(o.filename, o.title)),
	lower(normalize(coalesce(o.filename, o.title))), o.object_key, coalesce(o.size, 0),
	@us(coalesce(o.taken_at, o.file_modified_at, o.created_at)), @us(@wall)
FROM downloads d CROSS JOIN LATERAL unnest(d.media_ids[$4::int:$5::int])
	WITH ORDINALITY w (id, n) JOIN media o ON o.id = w.id
WHERE d.id = $3::uuid AND @obtainable
ORDER BY w.n

-- Of the items $3 that were packed those that the person can still have. Their purge waits for the
-- transaction, and then finds the archive that holds them.
--: query download_still custom-plan
SELECT o.id FROM media o WHERE o.id = ANY ($3::uuid[]) AND @obtainable
ORDER BY o.id FOR KEY SHARE OF o

--: define holding
coalesce(d.held, d.media_ids)

-- An archive that holds what its person may not have any more.
--: define ended(code, message)
status = 'failed', failure_code = @code, failure_message = @message, object_key = NULL, size = NULL

-- Of the caller's archives that are ready (all, or $3) those end that hold what the caller may not
-- have any more, with the code $4 and the message $5; the others have been seen now.
--: query downloads_settle custom-plan
WITH ready AS MATERIALIZED (
	SELECT d.id, EXISTS (SELECT FROM unnest(@holding) h (id) WHERE NOT EXISTS (
		SELECT FROM media o WHERE o.id = h.id AND @obtainable)) AS lacks
	FROM downloads d WHERE d.user_id = $1::uuid AND d.status = 'ready'
		AND ($3::uuid IS NULL OR d.id = $3::uuid)),
seen AS (
	UPDATE downloads d SET seen_at = now() FROM ready r
	WHERE d.id = r.id AND NOT r.lacks AND d.seen_at IS NULL)
UPDATE downloads d SET @ended($4, $5) FROM ready r
WHERE d.id = r.id AND r.lacks AND d.status = 'ready' RETURNING d.id

-- Archives that hold the purged item $1 end as above: whose they were, and their objects.
--: query downloads_purge
WITH gone AS (
	SELECT d.id, d.user_id, d.object_key FROM downloads d
	WHERE d.status = 'ready' AND @holding @> ARRAY[$1::uuid] ORDER BY d.id FOR UPDATE),
ended AS (UPDATE downloads d SET @ended($2, $3) FROM gone g WHERE d.id = g.id)
SELECT id, user_id, object_key FROM gone

-- What the caller's archive $2 was asked for.
--: query download_wish read
SELECT d.collection_id, d.media_ids FROM downloads d WHERE d.user_id = $1::uuid AND d.id = $2::uuid

-- Those who make archives at the same time wait for each other, each person's alone.
--: query download_lock
SELECT pg_advisory_xact_lock(hashtextextended('downloads ' || $1::text, 0))

--: query download_same
SELECT @download_columns FROM downloads d
WHERE d.user_id = $1::uuid AND d.request = $2::bytea AND d.status IN ('waiting', 'running')

-- How many archives a person has, or will have, and how large they are.
--: query download_used
SELECT count(*), coalesce(sum(coalesce(size, bytes)), 0)::bigint FROM downloads
WHERE user_id = $1::uuid AND status <> 'failed'

--: query download_add
INSERT INTO downloads AS d (id, user_id, request, manages, title, folder, collection_id, media_ids,
	bytes)
VALUES ($1::uuid, $2::uuid, $3::bytea, $4::boolean, $5, $6, $7::uuid, $8::uuid[], $9::bigint)
RETURNING @download_columns

--: query download_get read
SELECT @download_columns FROM downloads d WHERE d.user_id = $1::uuid AND d.id = $2::uuid

-- $2 and $3 the position, $4 limit.
--: query download_list read
SELECT @download_columns FROM downloads d
WHERE d.user_id = $1::uuid AND ($2::timestamptz IS NULL
	OR (d.created_at, d.id) < ($2::timestamptz, $3::uuid))
ORDER BY d.created_at DESC, d.id DESC LIMIT $4::int

--: query download_remove
DELETE FROM downloads WHERE user_id = $1::uuid AND id = $2::uuid

-- A run of the job begins. Whoever may not read any more gets nothing.
--: query download_begin
UPDATE downloads d SET status = 'running', bytes_done = 0, left_out = 0 FROM users u
WHERE d.id = $1::uuid AND d.status IN ('waiting', 'running') AND u.id = d.user_id
	AND u.status = 'active' AND EXISTS (SELECT FROM role_permissions p
	WHERE p.role = u.role AND p.permission IN ('media.read', 'media.manage_all'))
RETURNING d.user_id, d.title, d.folder, cardinality(d.media_ids), d.bytes,
	d.manages AND EXISTS (SELECT FROM role_permissions p
	WHERE p.role = u.role AND p.permission = 'media.manage_all')

-- Does the lease still hold the job, and is the archive still wanted?
--: query download_progress
WITH held AS (SELECT FROM jobs WHERE id = $3::uuid AND lease = $4::uuid AND state = 'running'
	FOR SHARE),
	told AS (UPDATE downloads d SET bytes_done = $2::bigint FROM held, users u
	WHERE d.id = $1::uuid AND d.status = 'running' AND u.id = d.user_id
		AND u.status = 'active' RETURNING d.id)
SELECT EXISTS (SELECT FROM held), EXISTS (SELECT FROM told)

-- $5 seconds until it is removed.
--: query download_ready
UPDATE downloads d SET status = 'ready', object_key = $2, size = $3::bigint,
	left_out = $4::integer, held = $6::uuid[], bytes_done = bytes, finished_at = now(),
	expires_at = now() + make_interval(secs => $5::integer)
FROM users u WHERE d.id = $1::uuid AND d.status = 'running' AND u.id = d.user_id
	AND u.status = 'active'

--: query download_fail
UPDATE downloads d SET status = 'failed', failure_code = $2, failure_message = $3,
	finished_at = now(), expires_at = now() + make_interval(secs => $4::integer)
WHERE d.id = $1::uuid AND d.status IN ('waiting', 'running') RETURNING d.user_id

-- One that failed is to be made after all, unless it was asked for again.
--: query download_again
UPDATE downloads d SET status = 'waiting', failure_code = NULL, failure_message = NULL,
	finished_at = NULL, expires_at = NULL
WHERE d.id = $1::uuid AND d.status = 'failed' AND NOT EXISTS (SELECT FROM downloads o
	WHERE o.user_id = d.user_id AND o.request = d.request
		AND o.status IN ('waiting', 'running'))

--: query download_drop
DELETE FROM downloads WHERE id = $1::uuid

-- Those past their time, and those of people who are disabled.
--: query downloads_expire
DELETE FROM downloads d USING users u WHERE u.id = d.user_id
	AND (d.expires_at < now() OR u.status <> 'active')

-- Of these keys of the store, those that no archive has and no run is writing.
--: query downloads_stray read
SELECT k FROM unnest($1::text[]) n (k) WHERE NOT EXISTS (SELECT FROM downloads d
	WHERE starts_with(k, 'download/' || d.id || '/')
		AND (d.status IN ('waiting', 'running') OR d.object_key = k))
