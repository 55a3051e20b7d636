#include "store/store_jobs.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

enum { JOB_ADD, JOB_TAKE, JOB_HEARTBEAT, JOB_DONE, JOB_FAILED, JOB_RELEASE, JOBS_EXPIRE };

/* Mails hold single-use links: those do not outlive their job. */
#define SCRUBBED "CASE WHEN queue = 'mail' THEN payload - 'url' ELSE payload END"
#define MINE " WHERE id = $1 AND lease = $2 AND state = 'running'"

const struct query store_jobs_queries[] = {
	[JOB_ADD] = { "job_add",
	    "WITH added AS (INSERT INTO jobs (id, kind, queue, payload, unique_key, run_at,"
	    " max_attempts, request_id)"
	    " VALUES ($1, $2, $3, $4::jsonb, $5, coalesce($6::timestamptz, now()), $7, $8)"
	    " ON CONFLICT (unique_key) WHERE state IN ('available', 'running')"
	    " AND unique_key IS NOT NULL DO NOTHING RETURNING queue)"
	    " SELECT pg_notify('mn_jobs', queue) FROM added",
	    0 },
	/* Abandoned jobs come first, or a queue that is never empty would leave them for ever. */
	[JOB_TAKE] = { "job_take",
	    "WITH late AS (SELECT id FROM jobs WHERE state = 'running' AND lease_until < now()"
	    " AND queue = $1"
	    " ORDER BY lease_until LIMIT 1 FOR UPDATE SKIP LOCKED),"
	    " due AS (SELECT id FROM jobs WHERE state = 'available' AND queue = $1"
	    " AND run_at <= now() AND NOT EXISTS (SELECT FROM late)"
	    " ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),"
	    " chosen AS (SELECT j.id, j.state = 'running' AND j.attempt >= j.max_attempts AS"
	    " exhausted"
	    " FROM jobs j WHERE j.id IN (SELECT id FROM late UNION ALL SELECT id FROM due))"
	    " UPDATE jobs j SET state = 'running', attempt = least(j.attempt + 1, j.max_attempts),"
	    " lease = gen_random_uuid(),"
	    " lease_until = clock_timestamp() + make_interval(secs => $2::integer)"
	    " FROM chosen c WHERE j.id = c.id"
	    " RETURNING j.id, j.kind, j.queue, j.payload, j.lease, j.request_id, j.attempt,"
	    " j.max_attempts, c.exhausted",
	    0 },
	[JOB_HEARTBEAT] = { "job_heartbeat",
	    "UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs =>"
	    " $3::integer)" MINE,
	    0 },
	[JOB_DONE] = { "job_done",
	    "UPDATE jobs SET state = 'done', payload = " SCRUBBED
	    ", lease_until = NULL, last_error = NULL, finished_at = now()" MINE,
	    0 },
	[JOB_FAILED] = { "job_failed",
	    "UPDATE jobs SET state = CASE WHEN $4::boolean OR attempt >= max_attempts THEN 'dead'"
	    " ELSE 'available' END,"
	    " finished_at = CASE WHEN $4::boolean OR attempt >= max_attempts THEN now() END,"
	    " last_error = $3, lease_until = NULL,"
	    " run_at = now() + least($5::integer * 3 ^ (attempt - 1), $6::integer) * (0.75 +"
	    " random() / 2) * interval '1 second'" MINE " RETURNING state = 'dead'",
	    0 },
	[JOB_RELEASE] = { "job_release",
	    "WITH released AS (UPDATE jobs SET state = 'available', attempt = greatest(attempt - 1,"
	    " 0), lease = NULL, lease_until = NULL, run_at = now()" MINE
	    " RETURNING queue) SELECT pg_notify('mn_jobs', queue) FROM released",
	    0 },
	[JOBS_EXPIRE] = { "jobs_expire",
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
	    "Another worker has taken the job over.");
}

bool
store_job_add(struct db *db, struct arena *arena, const struct job_new *job, struct error *err)
{
	char id[UUID_TEXT];

	uuid_v7(id);
	return db_exec(db, arena, query(JOB_ADD),
	    DB_PARAMS(id, job->kind, job->queue, job->payload != NULL ? job->payload : "{}",
		job->unique_key, db_time(arena, job->run_at),
		db_int(arena, job->max_attempts > 0 ? job->max_attempts : JOB_ATTEMPTS_DEFAULT),
		job->request_id),
	    NULL, err);
}

bool
store_job_take(struct db *db, struct arena *arena, const char *queue, int lease_seconds,
    struct job *job, struct error *err)
{
	struct rows *rows;

	*job = (struct job) { 0 };
	if (!db_exec(db, arena, query(JOB_TAKE), DB_PARAMS(queue, db_int(arena, lease_seconds)),
		&rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*job = (struct job) { .id = rows_str(rows, 0, 0),
		.kind = rows_str(rows, 0, 1),
		.queue = rows_str(rows, 0, 2),
		.payload = rows_str(rows, 0, 3),
		.lease = rows_str(rows, 0, 4),
		.request_id = rows_str(rows, 0, 5),
		.attempt = (int)rows_int(rows, 0, 6),
		.max_attempts = (int)rows_int(rows, 0, 7),
		.exhausted = rows_bool(rows, 0, 8) };
	return true;
}

bool
store_job_heartbeat(struct db *db, struct arena *arena, const struct job *job, int lease_seconds,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(JOB_HEARTBEAT),
		DB_PARAMS(job->id, job->lease, db_int(arena, lease_seconds)), &rows, err))
		return false;
	return rows_affected(rows) == 1 || lease_lost(err);
}

bool
store_job_done(struct db *db, struct arena *arena, const struct job *job, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(JOB_DONE), DB_PARAMS(job->id, job->lease), &rows, err))
		return false;
	return rows_affected(rows) == 1 || lease_lost(err);
}

bool
store_job_failed(struct db *db, struct arena *arena, const struct job *job, const char *message,
    bool final, bool *dead, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(JOB_FAILED),
		DB_PARAMS(job->id, job->lease,
		    utf8_clean(arena, message, strlen(message), JOB_ERROR_MAX),
		    final ? "true" : "false", db_int(arena, JOB_BACKOFF_SECONDS),
		    db_int(arena, JOB_BACKOFF_MAX)),
		&rows, err))
		return false;
	if (rows_count(rows) != 1)
		return lease_lost(err);
	*dead = rows_bool(rows, 0, 0);
	return true;
}

bool
store_job_release(struct db *db, struct arena *arena, const struct job *job, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(JOB_RELEASE), DB_PARAMS(job->id, job->lease), &rows, err))
		return false;
	return rows_count(rows) == 1 || lease_lost(err);
}

bool
store_jobs_expire(struct db *db, struct arena *arena, int limit, struct error *err)
{
	return db_exec(db, arena, query(JOBS_EXPIRE),
	    DB_PARAMS(db_int(arena, JOB_KEEP_DAYS), db_int(arena, limit)), NULL, err);
}
