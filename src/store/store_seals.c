#include "store/store_seals.h"

#include "core/arena.h"

#include "core/banned.h"

#define OTHER(id, table, place, text, set) \
	[SEAL_##id] = { "seals_other_" #id, \
		"SELECT id::text, " text " FROM " table \
		" WHERE ($1::text IS NULL OR id::text > $1) AND " text " <> ''" \
		" AND NOT starts_with(" text ", $2) ORDER BY id::text LIMIT $3::int", \
		QUERY_READ },
#define REPLACE(id, table, place, text, set) \
	[SEAL_COLUMNS + SEAL_##id] = { "seals_replace_" #id, \
		"UPDATE " table " SET " set " WHERE id::text = $1 AND " text " = $2", 0 },
#define COUNT(id, table, place, text, set) \
	[2 * SEAL_COLUMNS + SEAL_##id] = { "seals_count_" #id, \
		"SELECT count(*) FROM " table " WHERE starts_with(" text ", $1)", QUERY_READ },
#define Q_JOBS (3 * SEAL_COLUMNS)
#define Q_NUMBERS (Q_JOBS + 1)
#define TEXTS(id, table, place, text, set) " UNION ALL SELECT " text " FROM " table

const struct query store_seals_queries[] = {
	/* A job holds a sealed text as a member of its payload, wherever in it. */
	[Q_JOBS] = { "seals_jobs",
	    "SELECT count(*) FROM jobs WHERE strpos(payload::text, '\"' || $1) > 0", QUERY_READ },
	/* v1:NUMBER:... (service/seal.h) */
	[Q_NUMBERS] = { "seals_numbers",
	    "SELECT coalesce(array_agg(DISTINCT split_part(t, ':', 2)), '{}')"
	    " FROM (SELECT ''" SEAL_COLUMN_LIST(TEXTS) ") s (t) WHERE starts_with(t, 'v1:')",
	    QUERY_READ },
	[Q_NUMBERS + 1] = { .name = NULL },
	SEAL_COLUMN_LIST(OTHER) SEAL_COLUMN_LIST(REPLACE) SEAL_COLUMN_LIST(COUNT)
};
#define Q_OTHER(column) (&store_seals_queries[column])
#define Q_REPLACE(column) (&store_seals_queries[SEAL_COLUMNS + (column)])
#define Q_COUNT(column) (&store_seals_queries[2 * SEAL_COLUMNS + (column)])

bool
store_seals_other(struct db *db, struct arena *arena, enum seal_column column, const char *after,
    const char *prefix, int limit, struct seal_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q_OTHER(column), DB_PARAMS(after, prefix, db_int(arena, limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct seal_row) { rows_str(rows, i, 0), rows_str(rows, i, 1) };
	return true;
}

bool
store_seals_replace(struct db *db, struct arena *arena, enum seal_column column, const char *id,
    const char *old, const char *new, bool *replaced, struct error *err)
{
	return db_change(db, arena, Q_REPLACE(column), DB_PARAMS(id, old, new), replaced, err);
}

static bool
count(struct db *db, struct arena *arena, const struct query *query, const char *prefix, int64_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(prefix), &rows, err))
		return false;
	*n += rows_int(rows, 0, 0);
	return true;
}

bool
store_seals_count(struct db *db, struct arena *arena, const char *prefix, int64_t *secrets,
    int64_t *jobs, struct error *err)
{
	*secrets = *jobs = 0;
	for (int column = 0; column < SEAL_COLUMNS; column++)
		if (!count(db, arena, Q_COUNT(column), prefix, secrets, err))
			return false;
	return count(db, arena, &store_seals_queries[Q_JOBS], prefix, jobs, err);
}

bool
store_seals_numbers(struct db *db, struct arena *arena, struct strings *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_seals_queries[Q_NUMBERS], DB_NO_PARAMS, &rows, err))
		return false;
	out->items = rows_array(arena, rows, 0, 0, &out->n);
	return true;
}
