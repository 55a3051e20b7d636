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
	NOTIFICATION_PREFERENCES,
	NOTIFICATION_PREFER,
	NOTIFICATION_AUDIENCE,
	NOTIFICATIONS_EXPIRE,
};

#define COLUMNS "id, seq, kind, title, message, data, read_at IS NOT NULL, " SQL_US("created_at")

const struct query store_notifications_queries[] = {
	/* The time is taken after the lock, so that it grows with seq. */
	[NOTIFICATION_ADD] = { "notification_add",
	    "WITH who AS MATERIALIZED ("
	    " SELECT u.id AS user_id, n.id, coalesce(p.page, true) AS page"
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
	    " RETURNING user_id, seq, created_at)"
	    " SELECT who.user_id, who.id, coalesce(added.seq, 0), " SQL_US(
		"coalesce(added.created_at, clock_timestamp())") " FROM who LEFT"
								 " JOIN added USING (user_id)",
	    0 },
	[NOTIFICATIONS_NEWEST] = { "notifications_newest",
	    "SELECT " COLUMNS
	    " FROM notifications WHERE user_id = $1 AND ($2::bigint = 0 OR seq < $2)"
	    " AND (NOT $3::boolean OR read_at IS NULL)"
	    " ORDER BY seq DESC LIMIT $4",
	    QUERY_READ },
	[NOTIFICATIONS_AFTER] = { "notifications_after",
	    "SELECT " COLUMNS
	    " FROM notifications WHERE user_id = $1 AND seq > $2 AND (NOT $3::boolean"
	    " OR read_at IS NULL)"
	    " ORDER BY seq LIMIT $4",
	    QUERY_READ },
	[NOTIFICATIONS_UNREAD] = { "notifications_unread",
	    "SELECT count(*) FROM notifications WHERE user_id = $1 AND read_at IS NULL",
	    QUERY_READ },
	[NOTIFICATION_READ] = { "notification_read",
	    "UPDATE notifications SET read_at = coalesce(read_at, now()) WHERE id = $1"
	    " AND user_id = $2 RETURNING " COLUMNS,
	    0 },
	[NOTIFICATIONS_READ_ALL] = { "notifications_read_all",
	    "UPDATE notifications SET read_at = now() WHERE user_id = $1 AND read_at IS NULL", 0 },
	[NOTIFICATION_PREFERENCES] = { "notification_preferences",
	    "SELECT kind, page, email FROM notification_preferences WHERE user_id = $1",
	    QUERY_READ },
	[NOTIFICATION_PREFER] = { "notification_prefer",
	    "INSERT INTO notification_preferences (user_id, kind, page, email)"
	    " VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (user_id, kind) DO UPDATE SET page = excluded.page, email ="
	    " excluded.email",
	    0 },
	[NOTIFICATION_AUDIENCE] = { "notification_audience",
	    "SELECT id FROM users WHERE status = 'active' AND role = ANY ($1::text[]) ORDER BY id",
	    QUERY_READ },
	[NOTIFICATIONS_EXPIRE] = { "notifications_expire",
	    "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications"
	    " WHERE created_at < now() - make_interval(days => $1) ORDER BY created_at LIMIT $2)",
	    0 },
	{ .name = NULL },
};

/*
 * What a socket is shown of a row: the caller's data with the words beside it, as notify.c makes it
 * for the live push.
 */
#define EVENT \
	"n.id, n.seq, n.event, " SQL_US( \
	    "n.created_at") "," \
			    " n.data || jsonb_build_object('notification'," \
			    " jsonb_build_object('kind', n.kind, 'title', n.title, 'message'," \
			    " n.message))"

const struct query store_replay_queries[] = {
	/*
	 * $1 user, $2 after or NULL (then: what was written since $3, when the socket opened), $4
	 * sid, $5 generation, $6 rows. One row at least for a known person: its first columns tell
	 * whether the session still holds and where the person's counter stands.
	 */
	[REPLAY_CLIENT] = { "replay_client",
	    "SELECT u.status = 'active' AND u.generation = $5::bigint AND EXISTS (SELECT"
	    " FROM sessions s WHERE s.id = $4::uuid AND s.user_id = u.id"
	    " AND s.revoked_at IS NULL AND s.expires_at > now()) AND NOT EXISTS (SELECT"
	    " FROM revoked_tokens r WHERE r.sid = $4::uuid),"
	    " u.last_seq, f.after, " EVENT
	    " FROM users u CROSS JOIN LATERAL (SELECT coalesce($2::bigint,"
	    " (SELECT b.seq FROM notifications b WHERE b.user_id = u.id"
	    " AND b.created_at < $3::timestamptz ORDER BY b.seq DESC LIMIT 1),"
	    " (SELECT b.seq - 1 FROM notifications b WHERE b.user_id = u.id ORDER BY b.seq"
	    " LIMIT 1), u.last_seq) AS after) f"
	    " LEFT JOIN LATERAL (SELECT * FROM notifications m WHERE m.user_id = u.id"
	    " AND m.seq > f.after ORDER BY m.seq LIMIT $6) n ON true"
	    " WHERE u.id = $1 ORDER BY n.seq",
	    QUERY_READ },
	/* $1 user, $2 after, $3 rows. */
	[REPLAY_PERSON] = { "replay_person",
	    "SELECT true, u.last_seq, $2::bigint, " EVENT
	    " FROM users u LEFT JOIN LATERAL (SELECT * FROM notifications m WHERE m.user_id = u.id"
	    " AND m.seq > $2::bigint ORDER BY m.seq LIMIT $3) n ON true"
	    " WHERE u.id = $1 ORDER BY n.seq",
	    QUERY_READ },
	/*
	 * Arrays of equal length: users, sids, generations, and the seq that each person's sockets
	 * have. Answers what differs: index, session still good, last_seq.
	 */
	[REPLAY_CHECK] = { "replay_check",
	    "SELECT c.i, g.ok, coalesce(u.last_seq, 0) FROM unnest($1::uuid[], $2::uuid[],"
	    " $3::bigint[], $4::bigint[]) WITH ORDINALITY AS c (user_id, sid, generation, seq, i)"
	    " LEFT JOIN users u ON u.id = c.user_id LEFT JOIN sessions s ON s.id = c.sid"
	    " AND s.user_id = c.user_id LEFT JOIN revoked_tokens r ON r.sid = c.sid"
	    " CROSS JOIN LATERAL (SELECT coalesce(u.status = 'active'"
	    " AND u.generation = c.generation AND s.revoked_at IS NULL AND s.expires_at > now()"
	    " AND r.sid IS NULL, false) AS ok) g"
	    " WHERE NOT g.ok OR u.last_seq <> c.seq",
	    QUERY_READ },
	[REPLAY_SETTINGS] = { "replay_settings", "SELECT key, value FROM settings", QUERY_READ },
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
store_notification_add(struct db *db, struct arena *arena, const char *const *users,
    const char *const *ids, size_t n, const struct notification_text *text,
    struct notification_sent **sent, size_t *nsent, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_ADD),
		DB_PARAMS(db_array(arena, users, n), db_array(arena, ids, n), text->kind,
		    text->event, text->title, text->message, text->data),
		&rows, err))
		return false;
	*nsent = rows_count(rows);
	*sent = arena_array(arena, *nsent, sizeof(**sent));
	for (size_t i = 0; i < *nsent; i++) {
		(*sent)[i].user = rows_str(rows, i, 0);
		(*sent)[i].id = rows_str(rows, i, 1);
		(*sent)[i].seq = rows_int(rows, i, 2);
		(*sent)[i].created_at = rows_int(rows, i, 3);
	}
	return true;
}

bool
store_notifications_list(struct db *db, struct arena *arena, const char *user, int64_t position,
    bool ascending, bool unread_only, int limit, struct notification **items, size_t *n,
    int64_t *unread, struct error *err)
{
	const char *const page[] = { user, db_int(arena, position), unread_only ? "t" : "f",
		db_int(arena, limit) };
	struct db_call calls[] = {
		{ .query = query(ascending ? NOTIFICATIONS_AFTER : NOTIFICATIONS_NEWEST),
		    .params = page,
		    .nparams = 4 },
		{ .query = query(NOTIFICATIONS_UNREAD), .params = page, .nparams = 1 },
	};

	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	*n = rows_count(calls[0].rows);
	*items = arena_array(arena, *n, sizeof(**items));
	for (size_t i = 0; i < *n; i++)
		notification_from_row(calls[0].rows, i, &(*items)[i]);
	*unread = rows_int(calls[1].rows, 0, 0);
	return true;
}

bool
store_notification_read(struct db *db, struct arena *arena, const char *user, const char *id,
    struct notification *out, bool *found, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_READ), DB_PARAMS(id, user), &rows, err))
		return false;
	*found = rows_count(rows) == 1;
	if (*found)
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
	    DB_PARAMS(user, p->kind, p->page ? "t" : "f", p->email), NULL, err);
}

bool
store_notification_audience(struct db *db, struct arena *arena, const char *const *roles,
    size_t nroles, const char ***users, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, query(NOTIFICATION_AUDIENCE),
		DB_PARAMS(db_array(arena, roles, nroles)), &rows, err))
		return false;
	*n = rows_count(rows);
	*users = arena_array(arena, *n, sizeof(**users));
	for (size_t i = 0; i < *n; i++)
		(*users)[i] = rows_str(rows, i, 0);
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
