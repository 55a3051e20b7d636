-- The job queue as those who keep the house see it. Of the payload they see two numbers; the rest
-- is read only by what retries a job.

--: define shown
j.id, j.kind, j.queue, j.state, j.attempt, j.max_attempts, @us(j.run_at), @us(j.created_at),
@us(j.finished_at), j.last_error, j.request_id,
coalesce(j.unique_key, '') = 'every:' || j.kind,
(j.payload #>> '{progress,done}')::bigint, (j.payload #>> '{progress,left}')::bigint

-- Newest first: by the end of a job that has ended, by when it is due of the others. Each state has
-- an index of its own, so each branch reads the rows of one page: jobs_finished and jobs_dead in
-- their order; running and available ones are few or are sorted.
-- $1 state, $2 kind, $3 queue, $4 and $5 the position, $6 limit.
--: define branch(state, moment)
(SELECT j.*, @moment AS moment FROM jobs j
WHERE j.state = @state AND ($1::text IS NULL OR $1::text = @state)
	AND ($2::text IS NULL OR j.kind = $2::text) AND ($3::text IS NULL OR j.queue = $3::text)
	AND ($4::timestamptz IS NULL OR (@moment, j.id) < ($4::timestamptz, $5::uuid))
ORDER BY @moment DESC, j.id DESC LIMIT $6::integer)

--: query admin_jobs_list read custom-plan
SELECT @shown, @us(j.moment) FROM (
	@branch('available', j.run_at) UNION ALL @branch('running', j.run_at)
	UNION ALL @branch('done', j.finished_at) UNION ALL @branch('dead', j.finished_at)
) j ORDER BY j.moment DESC, j.id DESC LIMIT $6::integer

--: define counted_max
10000
--: define counted(state)
(SELECT count(*) FROM (SELECT FROM jobs WHERE state = @state LIMIT @counted_max) c)

--: query admin_jobs_count read
SELECT @counted('available'), @counted('running'), @counted('done'), @counted('dead')

--: query admin_jobs_dead_kinds read
SELECT kind, count(*) FROM (SELECT kind FROM jobs WHERE state = 'dead' LIMIT @counted_max) d
GROUP BY kind ORDER BY count(*) DESC, kind

--: query admin_job_lock
SELECT @shown, 0, j.payload FROM jobs j WHERE j.id = $1::uuid FOR UPDATE

--: query admin_job_get read
SELECT @shown, 0 FROM jobs j WHERE j.id = $1::uuid

-- Dead ones of a kind, or of all ($1), the oldest first; $2 limit, $3 and $4 the position.
--: query admin_jobs_lock_dead
SELECT @shown, 0, j.payload FROM jobs j
WHERE j.state = 'dead' AND ($1::text IS NULL OR j.kind = $1::text)
	AND ($3::timestamptz IS NULL OR (j.finished_at, j.id) > ($3::timestamptz, $4::uuid))
ORDER BY j.finished_at, j.id LIMIT $2::integer FOR UPDATE SKIP LOCKED

-- Due now, with all of its attempts if it was given up. No row: an open job does the same work.
--: query admin_job_revive
WITH revived AS (
	UPDATE jobs j SET state = 'available', run_at = now(), finished_at = NULL, lease = NULL,
		lease_until = NULL, attempt = CASE WHEN j.state = 'dead' THEN 0 ELSE j.attempt END
	WHERE j.id = $1::uuid AND j.state IN ('dead', 'available') AND NOT EXISTS (
		SELECT FROM jobs o WHERE o.unique_key = j.unique_key AND o.id <> j.id
			AND o.state IN ('available', 'running'))
	RETURNING j.queue)
SELECT pg_notify('mn_jobs', queue) FROM revived

--: query admin_job_discard
DELETE FROM jobs WHERE id = $1::uuid
