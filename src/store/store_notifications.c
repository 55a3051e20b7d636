#include "store/store_notifications.h"

#include "core/arena.h"

#include "core/banned.h"

enum {
	NOTIFICATION_ADD,
	NOTIFICATIONS_NEWEST,
	NOTIFICATIONS_AFTER,
	NOTIFICATIONS_UNREAD,
	NOTIFICATION_READ,
	NOTIFICATIONS_READ_ALL,
	NOTIFICATION_DELETE,
	NOTIFICATION_PREFERENCES,
	NOTIFICATION_PREFER,
	NOTIFICATION_AUDIENCE,
	NOTIFICATION_KEEPERS,
	NOTIFICATIONS_EXPIRE,
};

#define COLUMNS "id, seq, kind, title, message, data, read_at IS NOT NULL, " SQL_US("created_at")

/* as far as unread ones are counted: openapi.json says it */
#define UNREAD_MAX "10000"

#define ADDED_US SQL_US("coalesce(added.created_at, clock_timestamp())")

const struct query store_notifications_queries[] = {
	/*
	 * The time is read after locking, so that it increases with seq. $8: a row and an event are
	 * wanted; $9: the default for mail of the kind, or NULL: no mail. A row that is there is
	 * told again, with a seq of now: a batch of uploads that has grown.
	 */
	[NOTIFICATION_ADD] = { "notification_add",
	    "WITH who AS MATERIALIZED ("
	    " SELECT u.id AS user_id, n.id, $8::boolean AND coalesce(p.page, true) AS page,"
	    " CASE WHEN $9::text IS NULL THEN 'off' ELSE coalesce(p.email, $9) END AS email"
	    " FROM unnest($1::uuid[], $2::uuid[]) AS n (user_id, id)"
	    " JOIN users u ON u.id = n.user_id"
	    " LEFT JOIN notification_preferences p ON p.user_id = u.id AND p.kind = $3"
	    " WHERE u.status = 'active' ORDER BY u.id FOR NO KEY UPDATE OF u),"
	    " bumped AS (UPDATE users u SET last_seq = u.last_seq + 1 FROM who"
	    " WHERE u.id = who.user_id AND who.page"
	    " RETURNING u.id AS user_id, u.last_seq AS seq, who.id),"
	    " added AS (INSERT INTO notifications (id, user_id, seq, kind, event, title, message,"
	    " data, created_at)"
	    " SELECT id, user_id, seq, $3, $4, $5, $6, $7::jsonb, clock_timestamp() FROM bumped"
	    " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, kind = excluded.kind,"
	    " event = excluded.event, title = excluded.title, message = excluded.message,"
	    " data = excluded.data, created_at = excluded.created_at, read_at = NULL"
	    " RETURNING user_id, seq, created_at),"
	    " queued AS (INSERT INTO notification_mails (user_id, kind, email, title, message,"
	    " data) SELECT user_id, $3, email, $5, $6, $7::jsonb FROM who"
	    " WHERE email IN ('daily', 'weekly'))"
	    " SELECT who.user_id, who.id, coalesce(added.seq, 0), " ADDED_US ","
	    " who.email = 'now'"
	    " FROM who LEFT JOIN added USING (user_id)",
	    0 },
	[NOTIFICATIONS_NEWEST] = { "notifications_newest",
	    "SELECT " COLUMNS
	    " FROM notifications WHERE user_id = $1 AND ($2::bigint = 0 OR seq < $2)"
	    " AND (NOT $3::boolean OR read_at IS NULL) AND ($5::text IS NULL OR kind = $5)"
	    " ORDER BY seq DESC LIMIT $4",
	    QUERY_READ },
	[NOTIFICATIONS_AFTER] = { "notifications_after",
	    "SELECT " COLUMNS
	    " FROM notifications WHERE user_id = $1 AND seq > $2 AND (NOT $3::boolean"
	    " OR read_at IS NULL) AND ($5::text IS NULL OR kind = $5)"
	    " ORDER BY seq LIMIT $4",
	    QUERY_READ },
	[NOTIFICATIONS_UNREAD] = { "notifications_unread",
	    "SELECT count(*) FROM (SELECT FROM notifications WHERE user_id = $1"
	    " AND read_at IS NULL LIMIT " UNREAD_MAX ") AS n",
	    QUERY_READ },
	[NOTIFICATION_READ] = { "notification_read",
	    "UPDATE notifications SET read_at = coalesce(read_at, now()) WHERE id = $1"
	    " AND user_id = $2 RETURNING " COLUMNS,
	    0 },
	[NOTIFICATIONS_READ_ALL] = { "notifications_read_all",
	    "UPDATE notifications SET read_at = now() WHERE user_id = $1 AND read_at IS NULL", 0 },
	[NOTIFICATION_DELETE] = { "notification_delete",
	    "DELETE FROM notifications WHERE id = $1 AND user_id = $2", 0 },
	[NOTIFICATION_PREFERENCES] = { "notification_preferences",
	    "SELECT kind, page, email FROM notification_preferences WHERE user_id = $1",
	    QUERY_READ },
	[NOTIFICATION_PREFER] = { "notification_prefer",
	    "INSERT INTO notification_preferences (user_id, kind, page, email)"
	    " SELECT id, $2, $3, $4 FROM users WHERE id = $1"
	    " ON CONFLICT (user_id, kind) DO UPDATE SET page = excluded.page, email ="
	    " excluded.email",
	    0 },
	[NOTIFICATION_AUDIENCE] = { "notification_audience",
	    "SELECT id FROM users WHERE status = 'active' AND role = ANY ($1::text[]) ORDER BY id",
	    QUERY_READ },
	[NOTIFICATION_KEEPERS] = { "notification_keepers",
	    "SELECT u.id, u.email FROM users u JOIN role_permissions p ON p.role = u.role"
	    " WHERE u.status = 'active' AND p.permission = $1 ORDER BY u.id",
	    QUERY_READ },
	[NOTIFICATIONS_EXPIRE] = { "notifications_expire",
	    "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications"
	    " WHERE created_at < now() - make_interval(days => $1) ORDER BY created_at LIMIT $2)",
	    0 },
	{ .name = NULL },
};

static const struct query *
query(int which)
{
	return &store_notifications_queries[which];
}

static void
notification_from_row(const struct rows *rows, size_t i, struct notification *n)
{
	n->id = rows_str(rows, i, 0);
	n->seq = rows_int(rows, i, 1);
	n->kind = rows_str(rows, i, 2);
	n->title = rows_str(rows, i, 3);
	n->message = rows_str(rows, i, 4);
	n->data = rows_str(rows, i, 5);
	n->read = rows_bool(rows, i, 6);
	n->created_at = rows_int(rows, i, 7);
}

bool
store_notification_add(struct db *db, struct arena *arena, const struct notification_new *new,
    struct notification_sent **sent, size_t *nsent, struct error *err)
{
	const struct notification_text *text = &new->text;
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_ADD),
		DB_PARAMS(db_array(arena, new->users.items, new->users.n),
		    db_array(arena, new->ids.items, new->ids.n), text->kind, text->event,
		    text->title, text->message, text->data, db_bool(new->page), new->email),
		&rows, err))
		return false;
	*nsent = rows_count(rows);
	*sent = arena_array(arena, *nsent, sizeof(**sent));
	for (size_t i = 0; i < *nsent; i++) {
		(*sent)[i].user = rows_str(rows, i, 0);
		(*sent)[i].id = rows_str(rows, i, 1);
		(*sent)[i].seq = rows_int(rows, i, 2);
		(*sent)[i].created_at = rows_int(rows, i, 3);
		(*sent)[i].mail_now = rows_bool(rows, i, 4);
	}
	return true;
}

bool
store_notifications_list(struct db *db, struct arena *arena, const struct notification_ask *ask,
    struct notification_list *list, struct error *err)
{
	const char *const page[] = { ask->user, db_int(arena, ask->position),
		db_bool(ask->unread_only), db_int(arena, ask->limit), ask->kind };
	struct db_call calls[] = {
		{ .query = query(ask->ascending ? NOTIFICATIONS_AFTER : NOTIFICATIONS_NEWEST),
		    .params = page,
		    .nparams = 5 },
		{ .query = query(NOTIFICATIONS_UNREAD), .params = page, .nparams = 1 },
	};

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	list->n = rows_count(calls[0].rows);
	list->items = arena_array(arena, list->n, sizeof(*list->items));
	for (size_t i = 0; i < list->n; i++)
		notification_from_row(calls[0].rows, i, &list->items[i]);
	list->unread = rows_int(calls[1].rows, 0, 0);
	return true;
}

bool
store_notification_read(struct db *db, struct arena *arena, const char *user, const char *id,
    struct notification *out, struct error *err)
{
	struct rows *rows;

	out->id = NULL;
	if (!db_exec(db, arena, query(NOTIFICATION_READ), DB_PARAMS(id, user), &rows, err))
		return false;
	if (rows_count(rows) == 1)
		notification_from_row(rows, 0, out);
	return true;
}

bool
store_notifications_read_all(struct db *db, struct arena *arena, const char *user,
    struct error *err)
{
	return db_exec(db, arena, query(NOTIFICATIONS_READ_ALL), DB_PARAMS(user), NULL, err);
}

bool
store_notification_delete(struct db *db, struct arena *arena, const char *user, const char *id,
    bool *found, struct error *err)
{
	return db_change(db, arena, query(NOTIFICATION_DELETE), DB_PARAMS(id, user), found, err);
}

bool
store_notification_preferences(struct db *db, struct arena *arena, const char *user,
    struct notification_preference **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_PREFERENCES), DB_PARAMS(user), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n, sizeof(**out));
	for (size_t i = 0; i < *n; i++) {
		(*out)[i].kind = rows_str(rows, i, 0);
		(*out)[i].page = rows_bool(rows, i, 1);
		(*out)[i].email = rows_str(rows, i, 2);
	}
	return true;
}

bool
store_notification_prefer(struct db *db, struct arena *arena, const char *user,
    const struct notification_preference *p, struct error *err)
{
	return db_exec(db, arena, query(NOTIFICATION_PREFER),
	    DB_PARAMS(user, p->kind, db_bool(p->page), p->email), NULL, err);
}

bool
store_notification_audience(struct db *db, struct arena *arena, struct strings roles,
    struct strings *users, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_AUDIENCE),
		DB_PARAMS(db_array(arena, roles.items, roles.n)), &rows, err))
		return false;
	*users = rows_column(arena, rows, 0);
	return true;
}

bool
store_notification_keepers(struct db *db, struct arena *arena, const char *permission,
    struct strings *users, struct strings *emails, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_KEEPERS), DB_PARAMS(permission), &rows, err))
		return false;
	*users = rows_column(arena, rows, 0);
	if (emails != NULL)
		*emails = rows_column(arena, rows, 1);
	return true;
}

bool
store_notifications_expire(struct db *db, struct arena *arena, int days, int max, int64_t *removed,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATIONS_EXPIRE),
		DB_PARAMS(db_int(arena, days), db_int(arena, max)), &rows, err))
		return false;
	*removed = rows_affected(rows);
	return true;
}
