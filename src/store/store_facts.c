#include "store/store_facts.h"

#include "core/arena.h"
#include "core/words.h"

#include "core/banned.h"

enum { Q_FACTS };

#define DUE " FROM jobs WHERE state = 'available' AND queue = q.name AND run_at <= now()"

const struct query store_facts_queries[] = {
	/* Each part reads few rows of an index: a monitor asks several times a minute. */
	[Q_FACTS] = { "facts",
	    "SELECT 0, q.name,"
	    " (SELECT count(*) FROM (SELECT" DUE " LIMIT " TEXT(
		FACTS_WAITING_MAX) ") AS w),"
				   " (SELECT count(*) FROM jobs WHERE state = 'running' AND queue = q.name),"
				   " (SELECT " SQL_US("min(run_at)") DUE
	    ")"
	    " FROM unnest($1::text[]) AS q (name)"
	    " UNION ALL SELECT 1, '', count(*), 0, 0 FROM jobs WHERE state = 'dead'"
	    " UNION ALL SELECT 2, s.kind, 0, 0,"
	    " min(" SQL_US(
		"coalesce(last.finished_at, s.created_at)") ")"
							    " FROM media_servers s LEFT JOIN LATERAL (SELECT finished_at FROM sync_runs r"
							    " WHERE r.server_id = s.id AND r.status IN ('ok', 'partial') AND NOT r.dry_run"
							    " ORDER BY r.started_at DESC, r.id DESC LIMIT 1) AS last ON true"
							    " WHERE s.enabled AND s.removing IS NULL GROUP BY s.kind"
							    " UNION ALL SELECT 3, '', coalesce(sum(bytes), 0)::bigint, 0, 0 FROM storage_kept",
	    QUERY_READ },
	{ .name = NULL },
};
_Static_assert(STORE_FACT_QUEUE == 0 && STORE_FACT_DEAD == 1 && STORE_FACT_SYNC == 2 &&
	STORE_FACT_STORED == 3,
    "the numbers of the statement");

bool
store_facts(struct db *db, struct arena *arena, struct strings queues, struct store_fact **out,
    size_t *n, struct error *err)
{
	struct store_fact *facts;
	struct rows *rows;

	if (!db_exec(db, arena, &store_facts_queries[Q_FACTS],
		DB_PARAMS(db_array(arena, queues.items, queues.n)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = facts = arena_array(arena, *n + 1, sizeof(*facts));
	for (size_t i = 0; i < *n; i++)
		facts[i] = (struct store_fact) {
			.kind = (enum store_fact_kind)rows_int(rows, i, 0),
			.name = rows_str(rows, i, 1),
			.value = rows_int(rows, i, 2),
			.running = rows_int(rows, i, 3),
			.since = rows_int(rows, i, 4),
		};
	return true;
}
