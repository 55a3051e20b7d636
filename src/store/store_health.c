#include "store/store_health.h"

#include "core/arena.h"
#include "core/banned.h"

enum { Q_QUEUE_STATE };

#define LAG_US SQL_US("now() - min(run_at)")

const struct query store_health_queries[] = {
	/*
	 * Each count uses its partial index; 'dead' rows are few and are removed after some days.
	 */
	[Q_QUEUE_STATE] = { "queue_state",
	    "SELECT (SELECT count(*) FROM jobs WHERE state = 'available' AND run_at <= now()), "
	    "(SELECT count(*) FROM jobs WHERE state = 'running'), "
	    "(SELECT count(*) FROM jobs WHERE state = 'dead'), "
	    "coalesce((SELECT " LAG_US
	    " FROM jobs WHERE state = 'available' AND run_at <= now()), 0)",
	    QUERY_READ },
	{ .name = NULL },
};

bool
store_queue_state(struct db *db, struct arena *arena, struct queue_state *state, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_health_queries[Q_QUEUE_STATE], DB_NO_PARAMS, &rows, err))
		return false;
	state->waiting = rows_int(rows, 0, 0);
	state->running = rows_int(rows, 0, 1);
	state->dead = rows_int(rows, 0, 2);
	state->lag = rows_int(rows, 0, 3);
	return true;
}
