#include "store/store_jobs.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/words.h"

#include "core/banned.h"

enum {
	Q_ADD,
	Q_ADD_EACH,
	Q_ENSURE_ROWS,
	Q_ENSURE_PERIODS,
	Q_ENSURE_CLOCK,
	Q_TAKE,
	Q_HELD,
	Q_HEARTBEAT,
	Q_DONE,
	Q_DONE_MANY,
	Q_REMEMBER,
	Q_LATER,
	Q_HAND_OVER,
	Q_KEY_FREE,
	Q_FORGET_DEAD,
	Q_FAILED,
	Q_RELEASE,
	Q_EXPIRE,
};

/*
 * Mails contain single-use links, which must not outlive their job, and requests for them the
 * addresses of strangers. `url` comes from an older program.
 */
#define SCRUBBED \
	"CASE WHEN queue = 'mail' THEN payload - '{url,link,email}'::text[] ELSE payload END"
#define MINE " WHERE id = $1 AND lease = $2 AND state = 'running'"
#define COLUMNS \
	" j.id, j.kind, j.queue, j.payload, j.lease, j.request_id, j.attempt, j.max_attempts"
/* The row of a periodic job; jobs of that kind added by other means do not match. */
#define PERIODIC "($3::integer > 0 AND unique_key = 'every:' || kind)"
#define PERIODS \
	" unnest($1::text[], $2::text[], $3::integer[], $4::integer[]) AS p(kind, queue," \
	" max_attempts, every_s)"
#define DUE " state = 'available' AND queue = $1 AND run_at <= now()"
#define LANE_FREE \
	" AND (lane IS NULL OR NOT EXISTS (SELECT FROM jobs r WHERE r.lane = jobs.lane" \
	" AND r.state = 'running'))"
#define BATCH TEXT(JOB_BATCH_MAX)
#define CLOCK_SLACK "interval '1 minute'" /* between what programs and the server call now */
#define OVER "($4::boolean OR attempt >= max_attempts)"

const struct query store_jobs_queries[] = {
	/* One that waits for a later time comes sooner; a retry keeps its time. */
	[Q_ADD] = { "job_add",
	    "WITH added AS (INSERT INTO jobs (id, kind, queue, payload, unique_key, run_at,"
	    " max_attempts, request_id)"
	    " VALUES ($1, $2, $3, $4::jsonb, $5, coalesce($6::timestamptz, now()), $7, $8)"
	    " ON CONFLICT (unique_key) WHERE state IN ('available', 'running')"
	    " AND unique_key IS NOT NULL DO NOTHING RETURNING queue),"
	    " sooner AS (UPDATE jobs SET run_at = coalesce($6::timestamptz, now())"
	    " WHERE unique_key = $5 AND state = 'available' AND attempt = 0"
	    " AND run_at > coalesce($6::timestamptz, now()) AND NOT EXISTS (SELECT FROM added)"
	    " RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM (TABLE added UNION ALL TABLE sooner) a",
	    0 },
	[Q_ADD_EACH] = { "jobs_add_each",
	    "WITH added AS (INSERT INTO jobs (id, kind, queue, max_attempts, request_id, payload,"
	    " unique_key) SELECT gen_random_uuid(), $1, $2, $3::integer, $4, n.payload::jsonb,"
	    " n.unique_key FROM unnest($5::text[], $6::text[]) AS n (payload, unique_key)"
	    " ON CONFLICT (unique_key) WHERE state IN ('available', 'running')"
	    " AND unique_key IS NOT NULL DO NOTHING RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', $2) WHERE EXISTS (SELECT FROM added)",
	    0 },
	[Q_ENSURE_ROWS] = { "jobs_ensure_rows",
	    "INSERT INTO jobs (id, kind, queue, unique_key, max_attempts)"
	    " SELECT gen_random_uuid(), p.kind, p.queue, 'every:' || p.kind, p.max_attempts"
	    " FROM" PERIODS " ON CONFLICT (unique_key) WHERE state IN ('available', 'running')"
	    " AND unique_key IS NOT NULL DO NOTHING",
	    0 },
	/* Changes made by a newer program apply at once, not after the older one's period. */
	[Q_ENSURE_PERIODS] = { "jobs_ensure_periods",
	    "UPDATE jobs j SET queue = p.queue, max_attempts = p.max_attempts,"
	    " run_at = least(j.run_at, now() + make_interval(secs => p.every_s)) FROM" PERIODS
	    " WHERE j.unique_key = 'every:' || p.kind AND j.state = 'available'"
	    " AND ((j.queue, j.max_attempts) IS DISTINCT FROM (p.queue, p.max_attempts)"
	    " OR j.run_at > now() + make_interval(secs => p.every_s))",
	    0 },
	/*
	 * The clock was set back: jobs that were added, or leased by a worker that is gone, in what
	 * is now the future would wait for it. A worker that lives renews its leases.
	 */
	[Q_ENSURE_CLOCK] = { "jobs_ensure_clock",
	    "WITH early AS (UPDATE jobs SET run_at = now(), created_at = now()"
	    " WHERE state = 'available' AND run_at > now() + " CLOCK_SLACK
	    " AND created_at > now() + " CLOCK_SLACK " RETURNING queue),"
	    " left_over AS (UPDATE jobs SET lease_until = now() WHERE state = 'running'"
	    " AND lease_until > now() + " CLOCK_SLACK " + 2 * make_interval(secs => $1::integer))"
	    " SELECT pg_notify('mn_jobs', queue) FROM (SELECT DISTINCT queue FROM early) e",
	    0 },
	/*
	 * Abandoned jobs come first; otherwise a queue that is never empty would never reach them.
	 */
	[Q_TAKE] = { "jobs_take",
	    "WITH late AS (SELECT id FROM jobs WHERE state = 'running' AND lease_until < now()"
	    " AND queue = $1"
	    " ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED),"
	    " first AS (SELECT id, kind = ANY ($4::text[]) AS batch FROM jobs WHERE" DUE
	    " AND NOT EXISTS (SELECT FROM late)" LANE_FREE
	    " ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),"
	    " more AS (SELECT id FROM jobs WHERE" DUE " AND (SELECT batch FROM first)"
	    " AND kind = ANY ($4::text[])"
	    " ORDER BY run_at, id LIMIT " BATCH " FOR UPDATE SKIP LOCKED),"
	    " chosen AS (SELECT j.id, j.state = 'running' AND j.attempt >= j.max_attempts AS"
	    " exhausted"
	    " FROM jobs j WHERE j.id = ANY (ARRAY(SELECT id FROM late UNION ALL"
	    " SELECT id FROM first UNION ALL SELECT id FROM more)))"
	    " UPDATE jobs j SET state = 'running', attempt = least(j.attempt + 1, j.max_attempts),"
	    " lease = $3,"
	    " lease_until = clock_timestamp() + make_interval(secs => $2::integer)"
	    " FROM chosen c WHERE j.id = c.id RETURNING" COLUMNS
	    ", c.exhausted, " SQL_US("j.run_at"),
	    0 },
	[Q_HELD] = { "job_held",
	    "SELECT" COLUMNS ", false, " SQL_US("j.run_at") " FROM jobs j" MINE, QUERY_READ },
	/* Locked rows are being completed now; waiting for them could only cause a deadlock. */
	[Q_HEARTBEAT] = { "jobs_heartbeat",
	    "WITH kept AS (UPDATE jobs"
	    " SET lease_until = clock_timestamp() + make_interval(secs => $2::integer)"
	    " WHERE id IN (SELECT id FROM jobs WHERE state = 'running'"
	    " AND lease = ANY ($1::uuid[]) FOR UPDATE SKIP LOCKED))"
	    " SELECT DISTINCT lease FROM jobs WHERE state = 'running'"
	    " AND lease = ANY ($1::uuid[])",
	    0 },
	[Q_DONE] = { "job_done",
	    "UPDATE jobs SET state = CASE WHEN " PERIODIC " THEN 'available' ELSE 'done' END,"
	    " run_at = CASE WHEN " PERIODIC " THEN now() + make_interval(secs => $3::integer)"
	    " ELSE run_at END,"
	    " attempt = CASE WHEN " PERIODIC " THEN 0 ELSE attempt END,"
	    " payload = " SCRUBBED ","
	    " lease_until = NULL, last_error = NULL, finished_at = now()" MINE,
	    0 },
	[Q_DONE_MANY] = { "jobs_done",
	    "UPDATE jobs SET state = 'done', lease_until = NULL, last_error = NULL,"
	    " finished_at = now()"
	    " WHERE id = ANY ($1::uuid[]) AND lease = $2 AND state = 'running'",
	    0 },
	[Q_REMEMBER] = { "job_remember", "UPDATE jobs SET payload = $3::jsonb" MINE, 0 },
	[Q_LATER] = { "job_later",
	    "WITH mine AS (UPDATE jobs SET state = 'available', attempt = greatest(attempt - 1, 0),"
	    " lease = NULL, lease_until = NULL, run_at = $3::timestamptz" MINE
	    " RETURNING queue, kind),"
	    " others AS (UPDATE jobs j SET run_at = $3::timestamptz FROM mine m"
	    " WHERE j.queue = m.queue AND j.kind = m.kind AND j.state = 'available'"
	    " AND j.run_at < $3::timestamptz)"
	    " SELECT count(*) FROM mine",
	    0 },
	[Q_HAND_OVER] = { "job_hand_over",
	    "WITH mine AS (UPDATE jobs SET state = 'available', attempt = greatest(attempt - 1, 0),"
	    " lease = NULL, lease_until = NULL, run_at = now(), queue = $3, lane = $4" MINE
	    " RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM mine",
	    0 },
	[Q_FORGET_DEAD] = { "jobs_forget_dead",
	    "DELETE FROM jobs WHERE state = 'dead' AND unique_key = $1", 0 },
	[Q_KEY_FREE] = { "job_key_free", "UPDATE jobs SET unique_key = NULL" MINE, 0 },
	[Q_FAILED] = { "job_failed",
	    "UPDATE jobs SET state = CASE WHEN NOT " OVER " OR " PERIODIC " THEN 'available'"
	    " ELSE 'dead' END,"
	    " finished_at = CASE WHEN " OVER " THEN now() END,"
	    " attempt = CASE WHEN " OVER " AND " PERIODIC " THEN 0 ELSE attempt END,"
	    " run_at = now() + CASE WHEN " OVER " AND " PERIODIC
	    " THEN make_interval(secs => $3::integer)"
	    " ELSE (0.75 + random() / 2) * interval '1 second'"
	    " * ($5::integer[])[least(attempt, cardinality($5::integer[]))] END,"
	    " payload = CASE WHEN NOT " OVER " OR " PERIODIC " THEN payload ELSE " SCRUBBED " END,"
	    " last_error = $6, lease_until = NULL" MINE " RETURNING state = 'dead' OR attempt = 0",
	    0 },
	[Q_RELEASE] = { "jobs_release",
	    "WITH released AS (UPDATE jobs SET state = 'available', attempt = greatest(attempt - 1,"
	    " 0), lease = NULL, lease_until = NULL, run_at = now()"
	    " WHERE lease = $1 AND state = 'running' RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM (SELECT DISTINCT queue FROM released) r",
	    0 },
	[Q_EXPIRE] = { "jobs_expire",
	    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dead')"
	    " AND finished_at < now() - make_interval(days => $1::integer)"
	    " ORDER BY finished_at LIMIT $2::integer)",
	    0 },
	{ .name = NULL },
};

static const struct query *
query(int which)
{
	return &store_jobs_queries[which];
}

static bool
lease_lost(struct error *err)
{
	return error_slug(err, ERR_CONFLICT, "lease_lost",
	    "Another worker has taken over the job.");
}

bool
store_job_add(struct db *db, struct arena *arena, const struct job_new *job, struct error *err)
{
	char id[UUID_TEXT];

	uuid_v7(id);
	return db_exec(db, arena, query(Q_ADD),
	    DB_PARAMS(job->id != NULL ? job->id : id, job->kind, job->queue,
		job->payload != NULL ? job->payload : "{}", job->unique_key,
		db_time(arena, job->run_at), db_int(arena, job->max_attempts), job->request_id),
	    NULL, err);
}

bool
store_jobs_add_each(struct db *db, struct arena *arena, const struct job_new *like,
    struct strings payloads, struct strings unique_keys, struct error *err)
{
	return db_exec(db, arena, query(Q_ADD_EACH),
	    DB_PARAMS(like->kind, like->queue, db_int(arena, like->max_attempts), like->request_id,
		db_array(arena, payloads.items, payloads.n),
		db_array(arena, unique_keys.items, unique_keys.n)),
	    NULL, err);
}

bool
store_jobs_ensure(struct db *db, struct arena *arena, const struct job_periodic *jobs, size_t n,
    int lease_seconds, struct error *err)
{
	const char **kinds = arena_array(arena, n + 1, sizeof(*kinds)),
		   **queues = arena_array(arena, n + 1, sizeof(*queues)),
		   **attempts = arena_array(arena, n + 1, sizeof(*attempts)),
		   **every = arena_array(arena, n + 1, sizeof(*every));
	const char *params[4], *lease[] = { db_int(arena, lease_seconds) };
	struct db_call calls[] = { { query(Q_ENSURE_ROWS), params, 4, NULL },
		{ query(Q_ENSURE_PERIODS), params, 4, NULL },
		{ query(Q_ENSURE_CLOCK), lease, 1, NULL } };

	for (size_t i = 0; i < n; i++) {
		kinds[i] = jobs[i].kind;
		queues[i] = jobs[i].queue;
		attempts[i] = db_int(arena, jobs[i].max_attempts);
		every[i] = db_int(arena, jobs[i].every_s);
	}
	params[0] = db_array(arena, kinds, n);
	params[1] = db_array(arena, queues, n);
	params[2] = db_array(arena, attempts, n);
	params[3] = db_array(arena, every, n);
	return db_pipeline(db, arena, calls, sizeof(calls) / sizeof(calls[0]), err);
}

static struct job
job_of(const struct rows *rows, size_t row)
{
	return (struct job) { .id = rows_str(rows, row, 0),
		.kind = rows_str(rows, row, 1),
		.queue = rows_str(rows, row, 2),
		.payload = rows_str(rows, row, 3),
		.lease = rows_str(rows, row, 4),
		.request_id = rows_str(rows, row, 5),
		.attempt = (int)rows_int(rows, row, 6),
		.max_attempts = (int)rows_int(rows, row, 7),
		.exhausted = rows_bool(rows, row, 8),
		.run_at = rows_int(rows, row, 9) };
}

bool
store_jobs_take(struct db *db, struct arena *arena, const struct job_claim *claim,
    struct job **jobs, size_t *n, size_t *completed, struct error *err)
{
	const char *done[] = { db_array(arena, claim->finished, claim->nfinished), claim->lease };
	const char *take[] = { claim->queue, db_int(arena, claim->lease_seconds), claim->lease,
		claim->batch_kinds };
	struct db_call calls[] = { { query(Q_DONE_MANY), done, 2, NULL },
		{ query(Q_TAKE), take, 4, NULL } };
	bool first = claim->nfinished == 0; /* nothing to complete */
	const struct rows *rows;

	if (!db_pipeline(db, arena, calls + first, 2 - (size_t)first, err))
		return false;
	if (completed != NULL)
		*completed = first ? 0 : (size_t)rows_affected(calls[0].rows);
	rows = calls[1].rows;
	*n = rows_count(rows);
	*jobs = arena_array(arena, *n + 1, sizeof(**jobs));
	for (size_t i = 0; i < *n; i++)
		(*jobs)[i] = job_of(rows, i);
	return true;
}

bool
store_jobs_done(struct db *db, struct arena *arena, const char *lease, const char *const *ids,
    size_t n, size_t *completed, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_DONE_MANY), DB_PARAMS(db_array(arena, ids, n), lease),
		&rows, err))
		return false;
	*completed = (size_t)rows_affected(rows);
	return true;
}

bool
store_job_held(struct db *db, struct arena *arena, const char *id, const char *lease,
    struct job *job, struct error *err)
{
	struct rows *rows;

	*job = (struct job) { 0 };
	if (!db_exec(db, arena, query(Q_HELD), DB_PARAMS(id, lease), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*job = job_of(rows, 0);
	return true;
}

bool
store_jobs_heartbeat(struct db *db, struct arena *arena, struct strings leases, int lease_seconds,
    struct strings *alive, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_HEARTBEAT),
		DB_PARAMS(db_array(arena, leases.items, leases.n), db_int(arena, lease_seconds)),
		&rows, err))
		return false;
	*alive = rows_column(arena, rows, 0);
	return true;
}

bool
store_job_done(struct db *db, struct arena *arena, const struct job *job, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_DONE),
		DB_PARAMS(job->id, job->lease, db_int(arena, job->every_s)), &rows, err))
		return false;
	return rows_affected(rows) == 1 || lease_lost(err);
}

bool
store_job_remember(struct db *db, struct arena *arena, const struct job *job, const char *payload,
    struct error *err)
{
	bool mine;

	return db_change(db, arena, query(Q_REMEMBER), DB_PARAMS(job->id, job->lease, payload),
		   &mine, err) &&
	    (mine || lease_lost(err));
}

bool
store_job_later(struct db *db, struct arena *arena, const struct job *job, int64_t until,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_LATER),
		DB_PARAMS(job->id, job->lease, db_time(arena, until)), &rows, err))
		return false;
	return rows_int(rows, 0, 0) == 1 || lease_lost(err);
}

bool
store_job_hand_over(struct db *db, struct arena *arena, const struct job *job, const char *queue,
    const char *lane, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_HAND_OVER), DB_PARAMS(job->id, job->lease, queue, lane),
		&rows, err))
		return false;
	return rows_count(rows) == 1 || lease_lost(err);
}

bool
store_job_key_free(struct db *db, struct arena *arena, const struct job *job, struct error *err)
{
	bool mine;

	return db_change(db, arena, query(Q_KEY_FREE), DB_PARAMS(job->id, job->lease), &mine,
		   err) &&
	    (mine || lease_lost(err));
}

bool
store_jobs_forget_dead(struct db *db, struct arena *arena, const char *unique_key,
    struct error *err)
{
	return db_exec(db, arena, query(Q_FORGET_DEAD), DB_PARAMS(unique_key), NULL, err);
}

bool
store_job_failed(struct db *db, struct arena *arena, const struct job *job, const char *message,
    bool final, const int *backoff_s, bool *dead, struct error *err)
{
	const char *pauses[JOB_BACKOFFS];
	struct rows *rows;
	size_t n = 0;

	for (; n < JOB_BACKOFFS && backoff_s[n] != 0; n++)
		pauses[n] = db_int(arena, backoff_s[n]);
	if (!db_exec(db, arena, query(Q_FAILED),
		DB_PARAMS(job->id, job->lease, db_int(arena, job->every_s), db_bool(final),
		    db_array(arena, pauses, n),
		    utf8_clean(arena, message, strlen(message), JOB_ERROR_MAX)),
		&rows, err))
		return false;
	if (rows_count(rows) != 1)
		return lease_lost(err);
	*dead = rows_bool(rows, 0, 0);
	return true;
}

bool
store_jobs_release(struct db *db, struct arena *arena, const char *lease, struct error *err)
{
	return db_exec(db, arena, query(Q_RELEASE), DB_PARAMS(lease), NULL, err);
}

bool
store_jobs_expire(struct db *db, struct arena *arena, int limit, int64_t *removed,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(Q_EXPIRE),
		DB_PARAMS(db_int(arena, JOB_KEEP_DAYS), db_int(arena, limit)), &rows, err))
		return false;
	*removed = rows_affected(rows);
	return true;
}
