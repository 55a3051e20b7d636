#include "store/store_servers.h"

#include "core/arena.h"

#include "core/banned.h"

#define CREATED SQL_US("s.created_at")
#define TIMES \
	SQL_US("s.last_seen_at") \
	"," SQL_US("s.first_synced_at") "," CREATED \
					"," SQL_US("s.updated_at") "," SQL_US("r.finished_at")
/* A server, how many sections it has, and its latest run. */
#define SERVERS \
	"SELECT s.id, s.kind, s.name, s.url, s.token, s.enabled, s.machine_id," \
	" s.adopt_machine_id, s.server_version, s.version, c.total, c.enabled, r.id, r.status," \
	" " TIMES \
	", s.owner_account FROM media_servers s CROSS JOIN LATERAL (SELECT count(*) AS total," \
	" count(*) FILTER (WHERE enabled) AS enabled FROM media_sections" \
	" WHERE server_id = s.id) c LEFT JOIN LATERAL (SELECT id, status, finished_at" \
	" FROM sync_runs WHERE server_id = s.id ORDER BY started_at DESC, id DESC LIMIT 1)" \
	" r ON true WHERE s.removing IS NULL"

enum {
	Q_GET,
	Q_LOCK,
	Q_LOCK_ALL,
	Q_OF_MACHINE,
	Q_LIST,
	Q_ADD,
	Q_CHANGE,
	Q_SEEN,
	Q_ADOPT,
	Q_OWNER_KEEP,
	Q_OWNER_MATTERS,
	Q_REMOVE,
	Q_REMOVING,
	Q_DELETE,
};

const struct query store_servers_queries[] = {
	[Q_GET] = { "server_get", SERVERS " AND s.id = $1", QUERY_READ },
	[Q_LOCK] = { "server_lock", SERVERS " AND s.id = $1 FOR NO KEY UPDATE OF s", 0 },
	[Q_LOCK_ALL] = { "server_lock_all", SERVERS " AND s.id = $1 FOR UPDATE OF s", 0 },
	[Q_OF_MACHINE] = { "server_of_machine", SERVERS " AND s.machine_id = $1", QUERY_READ },
	[Q_LIST] = { "servers_list",
	    SERVERS " AND ($2::uuid IS NULL OR (" CREATED ", s.id) > ($1::bigint, $2::uuid))"
		    " ORDER BY s.created_at, s.id LIMIT $3::int",
	    QUERY_READ },
	[Q_ADD] = { "server_add",
	    "INSERT INTO media_servers (id, kind, name, url, token, enabled, include, exclude)"
	    " VALUES ($1, $2, $3, $4, $5, $6::boolean, $7::text[], $8::text[])",
	    0 },
	[Q_CHANGE] = { "server_change",
	    "UPDATE media_servers SET name = coalesce($2, name), url = coalesce($3, url),"
	    " token = coalesce($4, token),"
	    " owner_account = CASE WHEN $4 IS NULL THEN owner_account END,"
	    " enabled = coalesce($5::boolean, enabled),"
	    " version = version + 1, updated_at = now() WHERE id = $1",
	    0 },
	[Q_SEEN] = { "server_seen",
	    "UPDATE media_servers SET machine_id = coalesce(machine_id, $2),"
	    " adopt_machine_id = CASE WHEN machine_id <> $2 THEN $2 END,"
	    " server_version = coalesce($3, server_version), last_seen_at = now()"
	    " WHERE id = $1 AND removing IS NULL RETURNING adopt_machine_id IS NULL",
	    0 },
	[Q_ADOPT] = { "server_adopt",
	    "UPDATE media_servers SET machine_id = adopt_machine_id, adopt_machine_id = NULL,"
	    " rekey = true, owner_account = NULL, version = version + 1, updated_at = now()"
	    " WHERE id = $1 AND adopt_machine_id = $2 AND removing IS NULL",
	    0 },
	[Q_OWNER_KEEP] = { "server_owner_keep",
	    "UPDATE media_servers SET owner_account = $3 WHERE id = $1 AND token = $2", 0 },
	[Q_OWNER_MATTERS] = { "server_owner_matters",
	    "SELECT EXISTS (SELECT FROM users WHERE plex_id IS NOT NULL)", QUERY_READ },
	[Q_REMOVE] = { "server_remove",
	    "UPDATE media_servers SET removing = $2, enabled = false, machine_id = NULL,"
	    " adopt_machine_id = NULL, token = '' WHERE id = $1",
	    0 },
	/* FOR UPDATE: nobody adds an item before the transaction ends. */
	[Q_REMOVING] = { "server_removing",
	    "SELECT removing FROM media_servers WHERE id = $1 AND removing IS NOT NULL"
	    " FOR UPDATE",
	    0 },
	[Q_DELETE] = { "server_delete",
	    "DELETE FROM media_servers s WHERE s.id = $1"
	    " AND NOT EXISTS (SELECT FROM server_items i WHERE i.server_id = s.id)",
	    0 },
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
		.version = rows_int(rows, i, 9),
		.libraries = rows_int(rows, i, 10),
		.libraries_enabled = rows_int(rows, i, 11),
		.last_sync = { rows_str(rows, i, 12), rows_str(rows, i, 13),
		    rows_int(rows, i, 18) },
		.last_seen_at = rows_int(rows, i, 14),
		.first_synced_at = rows_int(rows, i, 15),
		.created_at = rows_int(rows, i, 16),
		.updated_at = rows_int(rows, i, 17),
		.owner_account = rows_str(rows, i, 19),
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
store_server_lock(struct db *db, struct arena *arena, const char *id, struct server *server,
    struct error *err)
{
	return one(db, arena, Q(Q_LOCK), id, server, err);
}

bool
store_server_lock_all(struct db *db, struct arena *arena, const char *id, struct server *server,
    struct error *err)
{
	return one(db, arena, Q(Q_LOCK_ALL), id, server, err);
}

bool
store_server_of_machine(struct db *db, struct arena *arena, const char *machine_id,
    struct server *server, struct error *err)
{
	return one(db, arena, Q(Q_OF_MACHINE), machine_id, server, err);
}

bool
store_servers_list(struct db *db, struct arena *arena, int64_t after, const char *after_id,
    int limit, struct server **servers, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST),
		DB_PARAMS(db_int(arena, after), after_id, db_int(arena, limit)), &rows, err))
		return false;
	*n = rows_count(rows);
	*servers = arena_array(arena, *n, sizeof(**servers));
	for (size_t i = 0; i < *n; i++)
		server_from_row(rows, i, &(*servers)[i]);
	return true;
}

bool
store_server_add(struct db *db, struct arena *arena, const struct store_server_new *new,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_ADD),
	    DB_PARAMS(new->id, new->kind, new->name, new->url, new->token, db_bool(new->enabled),
		new->all ? NULL : db_array(arena, new->include.items, new->include.n),
		db_array(arena, new->exclude.items, new->exclude.n)),
	    NULL, err);
}

bool
store_server_change(struct db *db, struct arena *arena, const char *id,
    const struct store_server_change *change, struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGE),
	    DB_PARAMS(id, change->name, change->url, change->token, change->enabled), NULL, err);
}

bool
store_server_seen(struct db *db, struct arena *arena, const char *id,
    const struct store_server_contact *contact, bool *known, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_SEEN), DB_PARAMS(id, contact->machine_id, contact->version),
		&rows, err))
		return false;
	*known = rows_count(rows) > 0 && rows_bool(rows, 0, 0);
	return true;
}

bool
store_server_adopt(struct db *db, struct arena *arena, const char *id, const char *machine_id,
    bool *adopted, struct error *err)
{
	return db_change(db, arena, Q(Q_ADOPT), DB_PARAMS(id, machine_id), adopted, err);
}

bool
store_server_owner_keep(struct db *db, struct arena *arena, const struct server *server,
    const char *account, struct error *err)
{
	return db_exec(db, arena, Q(Q_OWNER_KEEP), DB_PARAMS(server->id, server->token, account),
	    NULL, err);
}

bool
store_server_owner_matters(struct db *db, struct arena *arena, bool *linked, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_OWNER_MATTERS), DB_NO_PARAMS, &rows, err))
		return false;
	*linked = rows_bool(rows, 0, 0);
	return true;
}

bool
store_server_remove(struct db *db, struct arena *arena, const char *id, const char *items,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_REMOVE), DB_PARAMS(id, items), NULL, err);
}

bool
store_server_removing(struct db *db, struct arena *arena, const char *id, const char **items,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_REMOVING), DB_PARAMS(id), &rows, err))
		return false;
	*items = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_server_delete(struct db *db, struct arena *arena, const char *id, bool *deleted,
    struct error *err)
{
	return db_change(db, arena, Q(Q_DELETE), DB_PARAMS(id), deleted, err);
}
