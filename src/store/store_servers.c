#include "store/store_servers.h"

#include "core/arena.h"

#include "core/banned.h"

#define COLUMNS \
	"id, kind, name, url, token, enabled, machine_id, adopt_machine_id, server_version," \
	" " SQL_US("last_seen_at") ", " SQL_US("first_synced_at") ", " SQL_US( \
	    "created_at") "," \
			  " " SQL_US("updated_at") ", version"

enum { Q_GET, Q_OF_MACHINE };

const struct query store_servers_queries[] = {
	[Q_GET] = { "server_get", "SELECT " COLUMNS " FROM media_servers WHERE id = $1",
	    QUERY_READ },
	[Q_OF_MACHINE] = { "server_of_machine",
	    "SELECT " COLUMNS " FROM media_servers WHERE machine_id = $1", QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_servers_queries[id])

static void
server_from_row(const struct rows *rows, size_t i, struct server *server)
{
	*server = (struct server) {
		.id = rows_str(rows, i, 0),
		.kind = rows_str(rows, i, 1),
		.name = rows_str(rows, i, 2),
		.url = rows_str(rows, i, 3),
		.token = rows_str(rows, i, 4),
		.enabled = rows_bool(rows, i, 5),
		.machine_id = rows_str(rows, i, 6),
		.adopt_machine_id = rows_str(rows, i, 7),
		.server_version = rows_str(rows, i, 8),
		.last_seen_at = rows_int(rows, i, 9),
		.first_synced_at = rows_int(rows, i, 10),
		.created_at = rows_int(rows, i, 11),
		.updated_at = rows_int(rows, i, 12),
		.version = rows_int(rows, i, 13),
	};
}

static bool
one(struct db *db, struct arena *arena, const struct query *query, const char *key,
    struct server *server, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(key), &rows, err))
		return false;
	server->id = NULL;
	if (rows_count(rows) > 0)
		server_from_row(rows, 0, server);
	return true;
}

bool
store_server_get(struct db *db, struct arena *arena, const char *id, struct server *server,
    struct error *err)
{
	return one(db, arena, Q(Q_GET), id, server, err);
}

bool
store_server_of_machine(struct db *db, struct arena *arena, const char *machine_id,
    struct server *server, struct error *err)
{
	return one(db, arena, Q(Q_OF_MACHINE), machine_id, server, err);
}
