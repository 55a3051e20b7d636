/* See store_setup.h. */
#include "store/store_setup.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

enum { Q_FACTS, Q_RELOAD };

const char *const setup_roles[SETUP_ROLES] = { "medianest_migrate", "medianest_api",
	"medianest_worker", "medianest_store" };

/* Roles cannot be parameters. */
static const char *const role_statements[SETUP_ROLES] = {
	"CREATE ROLE medianest_migrate LOGIN",
	"CREATE ROLE medianest_api LOGIN",
	"CREATE ROLE medianest_worker LOGIN",
	"CREATE ROLE medianest_store LOGIN",
};

const struct query store_setup_queries[] = {
	[Q_FACTS] = { "cluster_facts",
	    "SELECT current_setting('server_version_num')::int, current_setting('hba_file'),"
	    " current_setting('ident_file'),"
	    " (SELECT 'line ' || line_number || ': ' || error FROM pg_hba_file_rules"
	    " WHERE error IS NOT NULL ORDER BY line_number LIMIT 1),"
	    " coalesce((SELECT database = '{medianest}' AND auth_method = 'peer'"
	    " AND user_name @> $1::text[] AND user_name <@ $1::text[]"
	    " AND 'map=medianest' = ANY(options)"
	    " FROM pg_hba_file_rules WHERE type = 'local' AND database && '{all,medianest}'"
	    " AND user_name && ('{all}'::text[] || $1::text[])"
	    " ORDER BY line_number LIMIT 1), false),"
	    " ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY($1::text[])),"
	    " EXISTS (SELECT FROM pg_database WHERE datname = 'medianest'),"
	    " coalesce((SELECT datdba::regrole::text FROM pg_database"
	    " WHERE datname = 'medianest'), 'medianest_migrate'),"
	    " greatest((pg_stat_file(current_setting('hba_file'))).modification,"
	    " (pg_stat_file(current_setting('ident_file'), true)).modification)"
	    " <= pg_conf_load_time(),"
	    " pg_size_bytes(current_setting('shared_buffers')) / 1048576,"
	    " EXISTS (SELECT FROM pg_database WHERE NOT datistemplate"
	    " AND datname NOT IN ('postgres', 'medianest'))",
	    QUERY_READ },
	[Q_RELOAD] = { "cluster_reload", "SELECT pg_reload_conf()", 0 },
	{ .name = NULL },
};

bool
store_cluster_facts(struct db *db, struct arena *arena, struct cluster_facts *out,
    struct error *err)
{
	struct rows *rows;
	const char **found;
	size_t n;

	if (!db_exec(db, arena, &store_setup_queries[Q_FACTS], DB_PARAMS("{" SETUP_ROLES_LIST "}"),
		&rows, err))
		return false;
	*out = (struct cluster_facts) {
		.version_num = rows_int(rows, 0, 0),
		.hba_file = rows_str(rows, 0, 1),
		.ident_file = rows_str(rows, 0, 2),
		.hba_error = rows_null(rows, 0, 3) ? NULL : rows_str(rows, 0, 3),
		.hba_first = rows_bool(rows, 0, 4),
		.database = rows_bool(rows, 0, 6),
		.database_owner = rows_str(rows, 0, 7),
		.loaded = rows_bool(rows, 0, 8),
		.buffers_mb = rows_int(rows, 0, 9),
		.others = rows_bool(rows, 0, 10),
	};
	found = rows_array(arena, rows, 0, 5, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t role = 0; role < SETUP_ROLES; role++)
			if (str_eq(found[i], setup_roles[role]))
				out->roles[role] = true;
	return true;
}

bool
store_role_create(struct db *db, int role, struct error *err)
{
	return db_script(db, role_statements[role], err);
}

bool
store_database_create(struct db *db, struct error *err)
{
	return db_script(db,
	    "CREATE DATABASE medianest OWNER medianest_migrate ENCODING 'UTF8'"
	    " LOCALE 'C.UTF-8' TEMPLATE template0",
	    err);
}

bool
store_cluster_reload(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, &store_setup_queries[Q_RELOAD], DB_NO_PARAMS, NULL, err);
}

/* A setting's value cannot be a parameter; a number is safe. */
bool
store_cluster_buffers(struct db *db, struct arena *arena, int64_t mb, struct error *err)
{
	return db_script(db,
	    mb == 0 ?
		"ALTER SYSTEM RESET shared_buffers" :
		arena_printf(arena, "ALTER SYSTEM SET shared_buffers = '%lldMB'", (long long)mb),
	    err);
}
