#include "store/store_libraries.h"

#include "core/arena.h"

#include "core/banned.h"

#define SYNCED SQL_US("c.synced_at")
#define LIBRARIES \
	"SELECT c.id, c.key, c.title, c.type, c.enabled, c.visibility, c.items, c.rules," \
	" " SYNCED ", ARRAY(SELECT u.user_id FROM media_section_users u" \
	" WHERE u.section_id = c.id ORDER BY u.user_id), c.server_id FROM media_sections c"
#define TOUCH "version = m.version + 1, updated_at = now()"
#define RESTORED \
	"status = coalesce(m.trashed_from, 'ready'), trashed_from = NULL, trashed_at = NULL," \
	" trashed_by = NULL, trash_reason = NULL, " TOUCH
/* Into the trash; what lies there already keeps its time, but for what never goes from there. */
#define TRASHED \
	"trashed_from = CASE WHEN m.status = 'trashed' THEN m.trashed_from ELSE m.status END," \
	" status = 'trashed', trashed_at = CASE WHEN m.trash_reason = 'excluded' THEN now()" \
	" ELSE coalesce(m.trashed_at, now()) END, " TOUCH
/* Locked one after the other, in the order of ids, before the first is changed. */
#define DUE(condition) \
	"WITH due AS MATERIALIZED (SELECT m.id FROM media m WHERE m.id = ANY ($1::uuid[])" \
	" AND (" condition ") ORDER BY m.id FOR NO KEY UPDATE)"
#define OTHERS_SEE_IT \
	"EXISTS (SELECT FROM media_shares h WHERE h.media_id = m.id" \
	" AND h.user_id <> ALL ($3::uuid[]))"
#define SOME_DO_NOT_SEE_IT \
	"(SELECT count(*) FROM media_shares h WHERE h.media_id = m.id" \
	" AND h.user_id = ANY ($3::uuid[])) < cardinality($3::uuid[])"

enum {
	Q_KEEP,
	Q_LIST,
	Q_READABLE,
	Q_GET,
	Q_HOLD,
	Q_PEOPLE_KEEP,
	Q_CHANGE,
	Q_USERS_CLEAR,
	Q_USERS_ADD,
	Q_USERS_COUNT,
	Q_ITEMS,
	Q_SERVER_ITEMS,
	Q_LEAVE_OUT,
	Q_TAKE_IN,
	Q_SHOW,
	Q_UNSHARE,
	Q_SHARE,
	Q_TRASH,
	Q_FORGET,
	Q_STORED,
	Q_RELEASE,
	Q_PURGE,
	Q_BUSY,
};

const struct query store_libraries_queries[] = {
	[Q_KEEP] = { "libraries_keep",
	    "INSERT INTO media_sections (id, server_id, key, title, type, agent)"
	    " SELECT gen_random_uuid(), $1, s.key, s.title, s.type, s.agent"
	    " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])"
	    " AS s(key, title, type, agent) ON CONFLICT (server_id, key) DO UPDATE"
	    " SET title = excluded.title, type = excluded.type, agent = excluded.agent"
	    " WHERE (media_sections.title, media_sections.type, media_sections.agent)"
	    " IS DISTINCT FROM (excluded.title, excluded.type, excluded.agent)",
	    0 },
	[Q_LIST] = { "libraries_list",
	    LIBRARIES " WHERE c.server_id = $1 ORDER BY lower(c.title), length(c.key), c.key",
	    QUERY_READ },
	[Q_READABLE] = { "libraries_readable",
	    "SELECT c.server_id || ':' || c.key FROM media_sections c WHERE c.enabled"
	    " AND (c.visibility = 'house' OR EXISTS (SELECT FROM media_section_users u"
	    " WHERE u.section_id = c.id AND u.user_id = $1))",
	    QUERY_READ },
	[Q_GET] = { "library_get", LIBRARIES " WHERE c.server_id = $1 AND c.key = $2", QUERY_READ },
	[Q_HOLD] = { "library_hold", LIBRARIES " WHERE c.id = $1 FOR SHARE OF c", 0 },
	[Q_PEOPLE_KEEP] = { "library_people_keep",
	    "SELECT FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE", 0 },
	[Q_CHANGE] = { "library_change",
	    "UPDATE media_sections SET enabled = coalesce($2::boolean, enabled),"
	    " visibility = coalesce($3, visibility), rules = rules + 1 WHERE id = $1",
	    0 },
	[Q_USERS_CLEAR] = { "library_users_clear",
	    "DELETE FROM media_section_users WHERE section_id = $1"
	    " AND user_id <> ALL ($2::uuid[])",
	    0 },
	[Q_USERS_ADD] = { "library_users_add",
	    "INSERT INTO media_section_users (section_id, user_id) SELECT $1, u.id FROM users u"
	    " WHERE u.id = ANY ($2::uuid[]) AND u.status = 'active' ON CONFLICT DO NOTHING",
	    0 },
	[Q_USERS_COUNT] = { "library_users_count",
	    "SELECT count(*) FROM media_section_users WHERE section_id = $1", 0 },
	[Q_ITEMS] = { "library_items",
	    "SELECT media_id FROM server_items WHERE section_id = $1"
	    " AND ($2::uuid IS NULL OR media_id > $2) ORDER BY media_id LIMIT $3::int",
	    0 },
	[Q_SERVER_ITEMS] = { "server_items",
	    "SELECT media_id FROM server_items WHERE server_id = $1 ORDER BY media_id"
	    " LIMIT $2::int",
	    0 },
	[Q_LEAVE_OUT] = { "library_leave_out",
	    DUE("m.status <> 'trashed'") " UPDATE media m SET " TRASHED
					 ", trash_reason = 'excluded' FROM due"
					 " WHERE m.id = due.id",
	    0 },
	[Q_TAKE_IN] = { "library_take_in",
	    DUE("m.status = 'trashed' AND m.trash_reason = 'excluded'") " UPDATE media m"
									" SET " RESTORED " FROM due"
									" WHERE m.id = due.id",
	    0 },
	[Q_SHOW] = { "library_show",
	    DUE("m.visibility <> $2 OR " OTHERS_SEE_IT
		" OR " SOME_DO_NOT_SEE_IT) " UPDATE media m"
					   " SET visibility = $2, " TOUCH
					   " FROM due WHERE m.id = due.id RETURNING m.id",
	    0 },
	[Q_UNSHARE] = { "library_unshare",
	    "DELETE FROM media_shares WHERE media_id = ANY ($1::uuid[])"
	    " AND user_id <> ALL ($2::uuid[])",
	    0 },
	[Q_SHARE] = { "library_share",
	    "INSERT INTO media_shares (media_id, user_id, created_at)"
	    " SELECT m.id, u.id, m.created_at FROM media m, users u WHERE m.id = ANY ($1::uuid[])"
	    " AND u.id = ANY ($2::uuid[]) ORDER BY m.id ON CONFLICT (media_id, user_id)"
	    " DO NOTHING",
	    0 },
	[Q_TRASH] = { "server_items_trash",
	    DUE("true") " UPDATE media m SET " TRASHED ", trash_reason = CASE WHEN"
			" m.status = 'trashed' AND m.trash_reason IS DISTINCT FROM 'excluded'"
			" THEN m.trash_reason ELSE 'server' END FROM due WHERE m.id = due.id",
	    0 },
	[Q_FORGET] = { "server_items_forget",
	    "DELETE FROM server_items WHERE media_id = ANY ($1::uuid[])", 0 },
	/* The items are locked before what is stored of them, as by those who process them. */
	[Q_STORED] = { "server_items_stored",
	    "WITH due AS MATERIALIZED (SELECT m.id FROM media m WHERE m.id = ANY ($1::uuid[])"
	    " ORDER BY m.id FOR UPDATE) SELECT due.id FROM due WHERE EXISTS"
	    " (SELECT FROM media_assets a WHERE a.media_id = due.id)",
	    0 },
	[Q_RELEASE] = { "server_items_release",
	    "UPDATE media_assets SET published = false WHERE media_id = ANY ($1::uuid[])", 0 },
	[Q_PURGE] = { "server_items_purge", "DELETE FROM media WHERE id = ANY ($1::uuid[])", 0 },
	[Q_BUSY] = { "server_busy",
	    "SELECT EXISTS (SELECT FROM sync_runs WHERE server_id = $1 AND status = 'running')",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_libraries_queries[id])

static void
library_from_row(struct arena *arena, const struct rows *rows, size_t i, struct library *library)
{
	*library = (struct library) {
		.id = rows_str(rows, i, 0),
		.key = rows_str(rows, i, 1),
		.title = rows_str(rows, i, 2),
		.type = rows_str(rows, i, 3),
		.enabled = rows_bool(rows, i, 4),
		.visibility = rows_str(rows, i, 5),
		.items = rows_int(rows, i, 6),
		.rules = rows_int(rows, i, 7),
		.synced_at = rows_int(rows, i, 8),
	};
	library->users = rows_strings(arena, rows, i, 9);
}

bool
store_libraries_keep(struct db *db, struct arena *arena, const char *server_id,
    const struct store_section *sections, size_t n, struct error *err)
{
	const char **texts[4];

	for (size_t column = 0; column < 4; column++)
		texts[column] = arena_array(arena, n, sizeof(*texts[column]));
	for (size_t i = 0; i < n; i++) {
		texts[0][i] = sections[i].key;
		texts[1][i] = sections[i].title;
		texts[2][i] = sections[i].type;
		texts[3][i] = sections[i].agent;
	}
	return db_exec(db, arena, Q(Q_KEEP),
	    DB_PARAMS(server_id, db_array(arena, texts[0], n), db_array(arena, texts[1], n),
		db_array(arena, texts[2], n), db_array(arena, texts[3], n)),
	    NULL, err);
}

bool
store_libraries_readable(struct db *db, struct arena *arena, const char *user,
    struct strings *readable, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_READABLE), DB_PARAMS(user), &rows, err))
		return false;
	*readable = rows_column(arena, rows, 0);
	return true;
}

bool
store_libraries_list(struct db *db, struct arena *arena, const char *server_id,
    struct library **libraries, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_LIST), DB_PARAMS(server_id), &rows, err))
		return false;
	*n = rows_count(rows);
	*libraries = arena_array(arena, *n, sizeof(**libraries));
	for (size_t i = 0; i < *n; i++)
		library_from_row(arena, rows, i, &(*libraries)[i]);
	return true;
}

static bool
one(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct library *library, struct rows **rows, struct error *err)
{
	if (!db_exec(db, arena, query, params, rows, err))
		return false;
	library->id = NULL;
	if (rows_count(*rows) > 0)
		library_from_row(arena, *rows, 0, library);
	return true;
}

bool
store_library_get(struct db *db, struct arena *arena, const char *server_id, const char *key,
    struct library *library, struct error *err)
{
	struct rows *rows;

	return one(db, arena, Q(Q_GET), DB_PARAMS(server_id, key), library, &rows, err);
}

bool
store_library_hold(struct db *db, struct arena *arena, const char *id, struct library *library,
    const char **server_id, struct error *err)
{
	struct rows *rows;

	if (!one(db, arena, Q(Q_HOLD), DB_PARAMS(id), library, &rows, err))
		return false;
	*server_id = library->id != NULL ? rows_str(rows, 0, 10) : NULL;
	return true;
}

static const char *
list_of(struct arena *arena, struct strings texts)
{
	return db_array(arena, texts.items, texts.n);
}

bool
store_library_people_keep(struct db *db, struct arena *arena, struct strings users,
    struct error *err)
{
	return users.n == 0 ||
	    db_exec(db, arena, Q(Q_PEOPLE_KEEP), DB_PARAMS(list_of(arena, users)), NULL, err);
}

bool
store_library_change(struct db *db, struct arena *arena, const struct store_library_change *change,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_CHANGE),
	    DB_PARAMS(change->id, change->enabled, change->visibility), NULL, err);
}

bool
store_library_users(struct db *db, struct arena *arena, const char *id, struct strings users,
    size_t *named, struct error *err)
{
	const char *list = list_of(arena, users);
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_USERS_CLEAR), DB_PARAMS(id, list), NULL, err) ||
	    !db_exec(db, arena, Q(Q_USERS_ADD), DB_PARAMS(id, list), NULL, err) ||
	    !db_exec(db, arena, Q(Q_USERS_COUNT), DB_PARAMS(id), &rows, err))
		return false;
	*named = (size_t)rows_int(rows, 0, 0);
	return true;
}

static bool
ids_of(struct db *db, struct arena *arena, const struct query *query, struct strings params,
    struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, params, &rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_library_items(struct db *db, struct arena *arena, const char *section_id, const char *after,
    int limit, struct strings *ids, struct error *err)
{
	return ids_of(db, arena, Q(Q_ITEMS), DB_PARAMS(section_id, after, db_int(arena, limit)),
	    ids, err);
}

bool
store_server_items(struct db *db, struct arena *arena, const char *server_id, int limit,
    struct strings *ids, struct error *err)
{
	return ids_of(db, arena, Q(Q_SERVER_ITEMS), DB_PARAMS(server_id, db_int(arena, limit)), ids,
	    err);
}

static bool
count_changed(struct db *db, struct arena *arena, const struct query *query, struct strings ids,
    size_t *changed, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query, DB_PARAMS(list_of(arena, ids)), &rows, err))
		return false;
	*changed = (size_t)rows_affected(rows);
	return true;
}

bool
store_library_leave_out(struct db *db, struct arena *arena, struct strings ids, size_t *changed,
    struct error *err)
{
	return count_changed(db, arena, Q(Q_LEAVE_OUT), ids, changed, err);
}

bool
store_library_take_in(struct db *db, struct arena *arena, struct strings ids, size_t *changed,
    struct error *err)
{
	return count_changed(db, arena, Q(Q_TAKE_IN), ids, changed, err);
}

bool
store_library_show(struct db *db, struct arena *arena, const struct library *library,
    struct strings ids, size_t *changed, struct error *err)
{
	const char *users = list_of(arena, library->users), *due;
	struct strings items;

	if (!ids_of(db, arena, Q(Q_SHOW),
		DB_PARAMS(list_of(arena, ids), library->visibility, users), &items, err))
		return false;
	*changed = items.n;
	due = list_of(arena, items);
	return items.n == 0 ||
	    (db_exec(db, arena, Q(Q_UNSHARE), DB_PARAMS(due, users), NULL, err) &&
		db_exec(db, arena, Q(Q_SHARE), DB_PARAMS(due, users), NULL, err));
}

bool
store_server_items_trash(struct db *db, struct arena *arena, struct strings ids, struct error *err)
{
	const char *list = list_of(arena, ids);

	return db_exec(db, arena, Q(Q_TRASH), DB_PARAMS(list), NULL, err) &&
	    db_exec(db, arena, Q(Q_FORGET), DB_PARAMS(list), NULL, err);
}

bool
store_server_items_purge(struct db *db, struct arena *arena, struct strings ids,
    struct strings *stored, struct error *err)
{
	const char *list = list_of(arena, ids);

	return ids_of(db, arena, Q(Q_STORED), DB_PARAMS(list), stored, err) &&
	    db_exec(db, arena, Q(Q_RELEASE), DB_PARAMS(list), NULL, err) &&
	    db_exec(db, arena, Q(Q_PURGE), DB_PARAMS(list), NULL, err);
}

bool
store_server_busy(struct db *db, struct arena *arena, const char *server_id, bool *busy,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_BUSY), DB_PARAMS(server_id), &rows, err))
		return false;
	*busy = rows_bool(rows, 0, 0);
	return true;
}
