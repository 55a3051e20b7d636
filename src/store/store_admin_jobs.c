#include "store/store_admin_jobs.h"

#include "core/arena.h"
#include "store/sql_admin_jobs.h"

#include "core/banned.h"

#define Q(id) (&store_admin_jobs_queries[id])

_Static_assert(JOBS_COUNTED_MAX == SQL_COUNTED_MAX, "the SQL counts no further");

#define COLUMNS 14 /* of @shown; then the moment, then the payload */

static struct job_shown
shown_of(const struct rows *rows, size_t i)
{
	return (struct job_shown) {
		.id = rows_str(rows, i, 0),
		.kind = rows_str(rows, i, 1),
		.queue = rows_str(rows, i, 2),
		.state = rows_str(rows, i, 3),
		.attempt = (int)rows_int(rows, i, 4),
		.max_attempts = (int)rows_int(rows, i, 5),
		.run_at = rows_int(rows, i, 6),
		.created_at = rows_int(rows, i, 7),
		.finished_at = rows_int(rows, i, 8),
		.last_error = rows_str(rows, i, 9),
		.request_id = rows_str(rows, i, 10),
		.periodic = rows_bool(rows, i, 11),
		.progress = !rows_null(rows, i, 12),
		.done = rows_int(rows, i, 12),
		.left = rows_int(rows, i, 13),
		.moment = rows_int(rows, i, COLUMNS),
	};
}

bool
store_admin_jobs_list(struct db *db, struct arena *arena, const struct store_jobs_ask *ask,
    struct job_shown **jobs, size_t *n, struct error *err)
{
	const struct job_filter *f = ask->filter;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_JOBS_LIST),
		DB_PARAMS(f->state, f->kind, f->queue,
		    ask->before_id == NULL ? NULL : db_time(arena, ask->before_moment),
		    ask->before_id, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*jobs = arena_array(arena, *n + 1, sizeof(**jobs));
	for (size_t i = 0; i < *n; i++)
		(*jobs)[i] = shown_of(rows, i);
	return true;
}

bool
store_admin_jobs_count(struct db *db, struct arena *arena, struct job_counts *counts,
    struct error *err)
{
	struct db_call calls[] = { { .query = Q(Q_ADMIN_JOBS_COUNT) },
		{ .query = Q(Q_ADMIN_JOBS_DEAD_KINDS) } };
	const struct rows *rows;

	if (!db_pipeline(db, arena, calls, sizeof(calls) / sizeof(calls[0]), err))
		return false;
	rows = calls[1].rows;
	*counts = (struct job_counts) {
		.available = rows_int(calls[0].rows, 0, 0),
		.running = rows_int(calls[0].rows, 0, 1),
		.done = rows_int(calls[0].rows, 0, 2),
		.dead = rows_int(calls[0].rows, 0, 3),
		.ndead_kinds = rows_count(rows),
	};
	counts->dead_kinds =
	    arena_array(arena, counts->ndead_kinds + 1, sizeof(*counts->dead_kinds));
	for (size_t i = 0; i < counts->ndead_kinds; i++)
		counts->dead_kinds[i] =
		    (struct kind_count) { rows_str(rows, i, 0), rows_int(rows, i, 1) };
	return true;
}

bool
store_admin_job_get(struct db *db, struct arena *arena, const char *id, struct job_shown *job,
    struct error *err)
{
	struct rows *rows;

	*job = (struct job_shown) { .id = NULL };
	if (!db_exec(db, arena, Q(Q_ADMIN_JOB_GET), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*job = shown_of(rows, 0);
	return true;
}

static struct job_locked
locked_of(const struct rows *rows, size_t i)
{
	return (struct job_locked) { shown_of(rows, i), rows_str(rows, i, COLUMNS + 1) };
}

bool
store_admin_job_lock(struct db *db, struct arena *arena, const char *id, struct job_locked *job,
    struct error *err)
{
	struct rows *rows;

	*job = (struct job_locked) { .payload = NULL };
	if (!db_exec(db, arena, Q(Q_ADMIN_JOB_LOCK), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		*job = locked_of(rows, 0);
	return true;
}

bool
store_admin_jobs_lock_dead(struct db *db, struct arena *arena, const struct store_dead_ask *ask,
    struct job_locked **jobs, size_t *n, struct error *err)
{
	const struct job_shown *after = ask->after;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_JOBS_LOCK_DEAD),
		DB_PARAMS(ask->kind, db_int(arena, ask->limit),
		    after != NULL ? db_time(arena, after->finished_at) : NULL,
		    after != NULL ? after->id : NULL),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*jobs = arena_array(arena, *n + 1, sizeof(**jobs));
	for (size_t i = 0; i < *n; i++)
		(*jobs)[i] = locked_of(rows, i);
	return true;
}

bool
store_admin_job_revive(struct db *db, struct arena *arena, const char *id, bool *revived,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ADMIN_JOB_REVIVE), DB_PARAMS(id), &rows, err))
		return false;
	*revived = rows_count(rows) > 0;
	return true;
}

bool
store_admin_job_discard(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_ADMIN_JOB_DISCARD), DB_PARAMS(id), NULL, err);
}
