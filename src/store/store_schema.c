/* The table of migrations: see store_schema.h. */
#include "store/store_schema.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/banned.h"

enum { Q_VERSION, Q_APPLIED, Q_RECORD, Q_LOCK };

const struct query store_schema_queries[] = {
	[Q_VERSION] = { "schema_version", "SELECT coalesce(max(version), 0) FROM schema_migrations",
	    QUERY_READ },
	[Q_APPLIED] = { "schema_applied",
	    "SELECT version, name, checksum FROM schema_migrations ORDER BY version", QUERY_READ },
	[Q_RECORD] = { "schema_record",
	    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", 0 },
	[Q_LOCK] = { "schema_lock", "SELECT pg_try_advisory_lock(hashtext('medianest-migrate'))",
	    0 },
	{ .name = NULL },
};

#define NO_SUCH_TABLE " 42P01 " /* as db_refused() writes it into the detail */

bool
store_schema_version(struct db *db, struct arena *arena, int64_t *version, struct error *err)
{
	struct rows *rows;

	*version = 0;
	if (!db_exec(db, arena, &store_schema_queries[Q_VERSION], DB_NO_PARAMS, &rows, err)) {
		if (err->code != ERR_QUERY || strstr(err->detail, NO_SUCH_TABLE) == NULL)
			return false;
		error_clear(err);
		return true;
	}
	*version = rows_int(rows, 0, 0);
	return true;
}

bool
store_schema_prepare(struct db *db, struct error *err)
{
	return db_script(db,
	    "CREATE TABLE IF NOT EXISTS schema_migrations ("
	    " version integer PRIMARY KEY,"
	    " name text NOT NULL,"
	    " checksum text NOT NULL,"
	    " applied_at timestamptz NOT NULL DEFAULT now())",
	    err);
}

bool
store_schema_applied(struct db *db, struct arena *arena, struct migration_row **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_schema_queries[Q_APPLIED], DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct migration_row) { rows_int(rows, i, 0), rows_str(rows, i, 1),
			rows_str(rows, i, 2) };
	return true;
}

bool
store_schema_record(struct db *db, struct arena *arena, const struct migration_row *row,
    struct error *err)
{
	return db_exec(db, arena, &store_schema_queries[Q_RECORD],
	    DB_PARAMS(db_int(arena, row->version), row->name, row->checksum), NULL, err);
}

bool
store_schema_lock(struct db *db, struct arena *arena, bool *got, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_schema_queries[Q_LOCK], DB_NO_PARAMS, &rows, err))
		return false;
	*got = rows_bool(rows, 0, 0);
	return true;
}
