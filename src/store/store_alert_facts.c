#include "store/store_alert_facts.h"

#include "core/arena.h"
#include "core/error.h"

#include "core/banned.h"

enum { Q_SYNC_AGES, Q_QUEUE_LAG, Q_DEAD_JOBS, Q_MAIL_FAILING, Q_BATCH_FAILURES, Q_ONE_ADDRESS };

#define FAILED_MAIL "queue = 'mail' AND last_error IS NOT NULL"

const struct query store_alert_facts_queries[] = {
	[Q_SYNC_AGES] = { "sync_ages",
	    "SELECT s.id, s.name, extract(epoch FROM now() - greatest(s.updated_at,"
	    " (SELECT max(coalesce(r.finished_at, r.heartbeat_at)) FROM sync_runs r"
	    " WHERE r.server_id = s.id AND r.status IN ('ok', 'partial', 'running')"
	    " AND r.section IS NULL AND NOT r.dry_run)))"
	    " FROM media_servers s WHERE s.enabled AND s.removing IS NULL ORDER BY s.id",
	    QUERY_READ },
	/* From queue to queue along the index: fifty thousand posters may wait in one. */
	[Q_QUEUE_LAG] = { "queue_lag",
	    "WITH RECURSIVE q AS ((SELECT queue FROM jobs WHERE state = 'available'"
	    " ORDER BY queue LIMIT 1) UNION ALL SELECT (SELECT j.queue FROM jobs j"
	    " WHERE j.state = 'available' AND j.queue > q.queue ORDER BY j.queue LIMIT 1) FROM q"
	    " WHERE q.queue IS NOT NULL)"
	    " SELECT coalesce(max(extract(epoch FROM now() - d.due)), 0) FROM q,"
	    " LATERAL (SELECT min(run_at) AS due FROM jobs WHERE state = 'available'"
	    " AND queue = q.queue AND run_at <= now()) d"
	    " WHERE q.queue = ANY ($1::text[]) OR NOT EXISTS (SELECT FROM jobs r"
	    " WHERE r.state = 'running' AND r.queue = q.queue)",
	    QUERY_READ },
	[Q_DEAD_JOBS] = { "dead_jobs",
	    "SELECT count(*) FROM jobs WHERE state = 'dead' AND kind <> ALL ($1::text[])",
	    QUERY_READ },
	/* State by state, for the partial indexes: finished jobs are many. */
	[Q_MAIL_FAILING] = { "mail_failing",
	    "SELECT coalesce(max(extract(epoch FROM now() - f.created_at)), 0) FROM ("
	    "SELECT created_at FROM jobs WHERE state = 'available' AND " FAILED_MAIL
	    " UNION ALL SELECT created_at FROM jobs WHERE state = 'running' AND " FAILED_MAIL
	    " UNION ALL SELECT created_at FROM jobs WHERE state = 'dead'"
	    " AND finished_at > now() - interval '1 day' AND " FAILED_MAIL ") f"
	    " WHERE NOT EXISTS (SELECT FROM jobs d WHERE d.state = 'done'"
	    " AND d.finished_at > f.created_at AND d.queue = 'mail')",
	    QUERY_READ },
	[Q_BATCH_FAILURES] = { "batch_failures",
	    "SELECT 100.0 * count(*) FILTER (WHERE m.status = 'failed') / count(*) AS share"
	    " FROM uploads u JOIN media m ON m.id = u.media_id"
	    " WHERE u.created_at > now() - interval '1 day' AND u.status = 'completed'"
	    " AND u.completed_at > now() - interval '1 hour' AND m.status IN ('ready', 'failed')"
	    " GROUP BY u.user_id HAVING count(*) >= $1::integer ORDER BY share DESC LIMIT 1",
	    QUERY_READ },
	[Q_ONE_ADDRESS] = { "one_address",
	    "SELECT min(address), count(DISTINCT user_id), count(DISTINCT address) FROM sessions"
	    " WHERE last_used_at > now() - interval '1 day' AND address <> ''",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_alert_facts_queries[id])

bool
store_sync_ages(struct db *db, struct arena *arena, struct sync_age **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SYNC_AGES), DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct sync_age) { rows_str(rows, i, 0), rows_str(rows, i, 1),
			rows_num(rows, i, 2) };
	return true;
}

/* The one number that a query has. */
static bool
one_number(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    double *number, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*number = rows_num(rows, 0, 0);
	return true;
}

bool
store_queue_lag(struct db *db, struct arena *arena, struct strings prompt, double *seconds,
    struct error *err)
{
	return one_number(db, arena, Q(Q_QUEUE_LAG),
	    DB_PARAMS(db_array(arena, prompt.items, prompt.n)), seconds, err);
}

bool
store_dead_jobs(struct db *db, struct arena *arena, struct strings without, double *n,
    struct error *err)
{
	return one_number(db, arena, Q(Q_DEAD_JOBS),
	    DB_PARAMS(db_array(arena, without.items, without.n)), n, err);
}

bool
store_mail_failing(struct db *db, struct arena *arena, double *seconds, struct error *err)
{
	return one_number(db, arena, Q(Q_MAIL_FAILING), DB_NO_PARAMS, seconds, err);
}

bool
store_batch_failures(struct db *db, struct arena *arena, int least, bool *any, double *percent,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_BATCH_FAILURES), DB_PARAMS(db_int(arena, least)), &rows, err))
		return false;
	*any = rows_count(rows) > 0;
	*percent = *any ? rows_num(rows, 0, 0) : 0;
	return true;
}

bool
store_one_address(struct db *db, struct arena *arena, const char **address, double *people,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_ONE_ADDRESS), DB_NO_PARAMS, &rows, err))
		return false;
	*address = rows_int(rows, 0, 2) == 1 ? rows_str(rows, 0, 0) : NULL;
	*people = rows_num(rows, 0, 1);
	return true;
}
