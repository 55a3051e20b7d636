-- Versions of videos and songs that browsers play (sql/0043). $1 is the item, unless it says so.

-- How many people are told about one.
--: define askers_max
50

-- Those of @people who may see the item `media m` now.
--: define sees_all
EXISTS (SELECT FROM role_permissions rp WHERE rp.role = u.role
	AND rp.permission = 'media.manage_all')
--: define audience(people)
ARRAY(SELECT u.id FROM users u WHERE u.id = ANY (@people) AND u.status = 'active'
	AND (@readable(u.id, @sees_all) OR @in_trash_of(u.id, @sees_all) OR @given(u.id)))

--: query playback_get read
SELECT state, progress, key, size, content_type, @us(played_at), failure_code, failure_message
FROM media_playback WHERE media_id = $1::uuid

-- $2 who asks, or NULL. A failed one is begun again. No row: there is one already, or no item.
--: query playback_ask
INSERT INTO media_playback AS p (media_id, state, asked_by)
SELECT m.id, 'waiting', array_remove(ARRAY[$2::uuid], NULL) FROM media m WHERE m.id = $1::uuid
ON CONFLICT (media_id) DO UPDATE SET state = 'waiting', asked_at = now(),
	progress = CASE p.state WHEN 'waiting' THEN p.progress END,
	failure_code = NULL, failure_message = NULL,
	asked_by = CASE WHEN $2::uuid IS NULL OR $2::uuid = ANY (p.asked_by)
		OR cardinality(p.asked_by) >= @askers_max THEN p.asked_by
		ELSE p.asked_by || $2::uuid END
WHERE p.state <> 'ready'
RETURNING progress

-- How many wait for $1.
--: query playback_asked read
SELECT count(*) FROM media_playback WHERE state = 'waiting' AND $1::uuid = ANY (asked_by)

-- A job that waits among those that nobody waits for: $1 its unique key, $2 the queue.
--: query playback_hurry
WITH hurried AS (UPDATE jobs SET queue = $2, run_at = least(run_at, now())
	WHERE unique_key = $1 AND state = 'available' AND queue <> $2 RETURNING queue)
SELECT pg_notify('mn_jobs', queue) FROM hurried

-- Once an hour is enough for what goes first.
--: query playback_played
UPDATE media_playback SET played_at = now()
WHERE media_id = $1::uuid AND state = 'ready' AND played_at < now() - interval '1 hour'

--: query playback_load read
SELECT m.object_key, m.size, m.playable, p.state FROM media m
JOIN media_playback p ON p.media_id = m.id WHERE m.id = $1::uuid

-- $2 percent, $3 job, $4 lease.
--: query playback_progress
WITH held AS (SELECT FROM jobs WHERE id = $3::uuid AND lease = $4::uuid AND state = 'running'),
wanted AS (UPDATE media_playback p SET progress = $2::integer
	WHERE p.media_id = $1::uuid AND p.state = 'waiting' AND EXISTS (SELECT FROM held)
	RETURNING asked_by)
SELECT EXISTS (SELECT FROM held), m.id IS NOT NULL, @audience(w.asked_by)
FROM (VALUES ($1::uuid)) AS one (id) LEFT JOIN wanted w ON true
LEFT JOIN media m ON m.id = one.id AND w.asked_by IS NOT NULL

-- The object first: a purge locks the rows of objects before the item.
--: query playback_publish_object
UPDATE media_assets SET published = true WHERE key = $1

--: define ended
FROM media m, (SELECT media_id, asked_by FROM media_playback WHERE media_id = $1::uuid
	AND state = 'waiting' FOR UPDATE) was
WHERE p.media_id = was.media_id AND m.id = was.media_id RETURNING @audience(was.asked_by)

-- $2 key, $3 bytes, $4 type.
--: query playback_publish
UPDATE media_playback p SET state = 'ready', key = $2, size = $3::bigint, content_type = $4,
	progress = NULL, asked_by = '{}', played_at = now()
@ended

-- $2 code, $3 message.
--: query playback_fail
UPDATE media_playback p SET state = 'failed', failure_code = $2, failure_message = $3,
	progress = NULL, asked_by = '{}'
@ended

-- Housekeeping.

-- A request whose job is gone: discarded, or given up in the moment of the request. $1 code, $2
-- message.
--: query playback_heal
UPDATE media_playback p SET state = 'failed', failure_code = $1, failure_message = $2,
	progress = NULL, asked_by = '{}'
WHERE p.state = 'waiting' AND p.asked_at < now() - interval '5 minutes'
	AND NOT EXISTS (SELECT FROM jobs j WHERE j.unique_key = 'playback:' || p.media_id
		AND j.state IN ('available', 'running'))

-- What is beyond $1 bytes, the least recently played first, but nothing that is being watched: not
-- played for $2 seconds. $3 limit.
--: query playback_over read
SELECT o.key FROM (SELECT media_id, key, played_at,
		sum(size) OVER (ORDER BY played_at DESC, media_id DESC) AS kept
	FROM media_playback WHERE state = 'ready') o
WHERE o.kept > $1::bigint AND o.played_at < now() - make_interval(secs => $2::integer)
ORDER BY o.played_at, o.media_id LIMIT $3::integer

--: query playback_unpublish
UPDATE media_assets SET published = false, created_at = now() WHERE key = ANY ($1::text[])

-- $2 as above: one that was played meanwhile stays.
--: query playback_drop
DELETE FROM media_playback WHERE state = 'ready' AND key = ANY ($1::text[])
	AND played_at < now() - make_interval(secs => $2::integer) RETURNING media_id, key

--: query playback_keep
UPDATE media_assets a SET published = true WHERE a.key = ANY ($1::text[])
	AND EXISTS (SELECT FROM media_playback p WHERE p.media_id = a.media_id AND p.key = a.key)

--: query playback_used read
SELECT coalesce(sum(size), 0)::bigint FROM media_playback WHERE state = 'ready'

-- The newest of kind $1 older than $2 and $3, whose file nobody has looked at. $4 limit.
--: define walk
m.kind = $1 AND m.trashed_at IS NULL AND m.source = 'upload' AND m.object_key IS NOT NULL
AND (m.created_at, m.id) < ($2::timestamptz, $3::uuid)
--: query playback_unknown
SELECT m.id, m.content_type, m.metadata->>'videoCodec', m.metadata->>'videoProfile',
	m.metadata->>'audioCodec', m.created_at
FROM media m WHERE @walk AND m.playable IS NULL
ORDER BY m.created_at DESC, m.id DESC LIMIT $4::integer

-- $1 ids, $2 what is known of each.
--: query playback_known
UPDATE media m SET playable = n.playable
FROM unnest($1::uuid[], $2::boolean[]) AS n (id, playable)
WHERE m.id = n.id AND m.playable IS NULL

-- Those that could be made: as above.
--: query playback_lacking read
SELECT m.id, m.created_at FROM media m
WHERE @walk AND m.playable = false AND m.status = 'ready'
	AND NOT EXISTS (SELECT FROM media_playback p WHERE p.media_id = m.id)
ORDER BY m.created_at DESC, m.id DESC LIMIT $4::integer

-- How many of them wait.
--: query playback_ahead read
SELECT count(*) FROM jobs WHERE queue = $1 AND state IN ('available', 'running')
