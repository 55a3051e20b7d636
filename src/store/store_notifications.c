#include "store/store_notifications.h"

#include "core/arena.h"
#include "store/sql_notifications.h"

#include "core/banned.h"

#define Q(id) (&store_notifications_queries[id])

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

	if (!db_exec(db, arena, Q(Q_NOTIFICATION_ADD),
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
		{ .query = Q(ask->ascending ? Q_NOTIFICATIONS_AFTER : Q_NOTIFICATIONS_NEWEST),
		    .params = page,
		    .nparams = 5 },
		{ .query = Q(Q_NOTIFICATIONS_UNREAD), .params = page, .nparams = 1 },
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
	if (!db_exec(db, arena, Q(Q_NOTIFICATION_READ), DB_PARAMS(id, user), &rows, err))
		return false;
	if (rows_count(rows) == 1)
		notification_from_row(rows, 0, out);
	return true;
}

bool
store_notifications_read_all(struct db *db, struct arena *arena, const char *user,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_NOTIFICATIONS_READ_ALL), DB_PARAMS(user), NULL, err);
}

bool
store_notification_delete(struct db *db, struct arena *arena, const char *user, const char *id,
    bool *found, struct error *err)
{
	return db_change(db, arena, Q(Q_NOTIFICATION_DELETE), DB_PARAMS(id, user), found, err);
}

bool
store_notification_holding(struct db *db, struct arena *arena, const char *user, const char *mail,
    bool *holds, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFICATION_HOLDING), DB_PARAMS(user, mail), &rows, err))
		return false;
	for (size_t i = 0; i < rows_count(rows); i++)
		holds[rows_int(rows, i, 0)] = true;
	return true;
}

bool
store_notification_preferences(struct db *db, struct arena *arena, const char *user,
    struct notification_preference **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFICATION_PREFERENCES), DB_PARAMS(user), &rows, err))
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
	return db_exec(db, arena, Q(Q_NOTIFICATION_PREFER),
	    DB_PARAMS(user, p->kind, db_bool(p->page), p->email), NULL, err);
}

bool
store_notification_audience(struct db *db, struct arena *arena, struct strings roles,
    struct strings *users, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFICATION_AUDIENCE),
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

	if (!db_exec(db, arena, Q(Q_NOTIFICATION_KEEPERS), DB_PARAMS(permission), &rows, err))
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

	if (!db_exec(db, arena, Q(Q_NOTIFICATIONS_EXPIRE),
		DB_PARAMS(db_int(arena, days), db_int(arena, max)), &rows, err))
		return false;
	*removed = rows_affected(rows);
	return true;
}
