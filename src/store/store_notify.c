#include "store/store_notify.h"

#include "core/arena.h"
#include "store/sql_notify.h"

#include "core/banned.h"

#define Q(id) (&store_notify_queries[id])

bool
store_notify_parts_add(struct db *db, struct arena *arena, const struct notify_parts *p, int wait_s,
    struct notify_opened **opened, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_PARTS_ADD),
		DB_PARAMS(db_array(arena, p->topics, p->n), db_array(arena, p->kinds, p->n),
		    db_array(arena, p->keys, p->n), db_array(arena, p->users, p->n),
		    db_array(arena, p->group_titles, p->n), db_array(arena, p->titles, p->n),
		    db_array(arena, p->media, p->n), db_array(arena, p->failed, p->n),
		    db_array(arena, p->items, p->n), db_int(arena, wait_s),
		    db_array(arena, p->wider, p->n), db_array(arena, p->wider_titles, p->n)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*opened = arena_array(arena, *n, sizeof(**opened));
	for (size_t i = 0; i < *n; i++)
		(*opened)[i] = (struct notify_opened) {
			.id = rows_str(rows, i, 0),
			.due_at = rows_int(rows, i, 1),
			.fresh = rows_bool(rows, i, 2),
		};
	return true;
}

bool
store_notify_group_hold(struct db *db, struct arena *arena, const char *id,
    struct notify_held *held, struct error *err)
{
	struct rows *rows;

	*held = (struct notify_held) { 0 };
	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUP_HOLD), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*held = (struct notify_held) {
		.topic = rows_str(rows, 0, 0),
		.key = rows_str(rows, 0, 1),
		.user = rows_str(rows, 0, 2),
		.title = rows_str(rows, 0, 3),
		.told = rows_int(rows, 0, 4),
		.wider = rows_str(rows, 0, 5),
		.wider_title = rows_str(rows, 0, 6),
	};
	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUP_PARTS), DB_PARAMS(id), &rows, err))
		return false;
	held->parts = rows_int(rows, 0, 0);
	return true;
}

bool
store_notify_wider_lock(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_NOTIFY_WIDER_LOCK), DB_PARAMS(id), NULL, err);
}

bool
store_notify_wider_join(struct db *db, struct arena *arena, const char *id, int apart, int most,
    bool *joined, struct error *err)
{
	struct strings others;
	struct rows *rows;
	const char *ids;

	*joined = false;
	if (!db_exec(db, arena, Q(Q_NOTIFY_WIDER_OTHERS), DB_PARAMS(id, db_int(arena, most)), &rows,
		err))
		return false;
	others = rows_column(arena, rows, 0);
	if (others.n < (size_t)apart)
		return true;
	*joined = true;
	ids = db_array(arena, others.items, others.n);
	return db_exec(db, arena, Q(Q_NOTIFY_WIDER_JOIN), DB_PARAMS(id, ids), NULL, err) &&
	    db_exec(db, arena, Q(Q_NOTIFY_WIDER_REMOVE), DB_PARAMS(ids), NULL, err);
}

bool
store_notify_group_told(struct db *db, struct arena *arena, const char *id, int64_t parts,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_NOTIFY_GROUP_TOLD), DB_PARAMS(id, db_int(arena, parts)), NULL,
	    err);
}

bool
store_notify_group_remove(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_NOTIFY_GROUP_REMOVE), DB_PARAMS(id), NULL, err);
}

bool
store_notify_groups_overdue(struct db *db, struct arena *arena, int late_s, int limit,
    struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUPS_OVERDUE),
		DB_PARAMS(db_int(arena, late_s), db_int(arena, limit)), &rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_notify_under_way(struct db *db, struct arena *arena, const char *owner, const char *media_id,
    bool *yes, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_UNDER_WAY), DB_PARAMS(owner, media_id), &rows, err))
		return false;
	*yes = rows_bool(rows, 0, 0);
	return true;
}

bool
store_notify_group_tell(struct db *db, struct arena *arena, const struct notify_telling *to,
    struct notify_learned **learned, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUP_TELL),
		DB_PARAMS(to->group, to->user, db_int(arena, to->limits.items),
		    db_int(arena, to->limits.names), to->channel),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*learned = arena_array(arena, *n, sizeof(**learned));
	for (size_t i = 0; i < *n; i++)
		(*learned)[i] = (struct notify_learned) {
			.good = rows_int(rows, i, 0),
			.bad = rows_int(rows, i, 1),
			.kind = rows_str(rows, i, 2),
			.items = rows_strings(arena, rows, i, 3),
			.names = rows_strings(arena, rows, i, 4),
			.failure = rows_str(rows, i, 5),
			.parts = rows_int(rows, i, 6),
			.users = rows_strings(arena, rows, i, 7),
		};
	return true;
}

bool
store_notify_group_all(struct db *db, struct arena *arena, const char *id,
    struct notify_limits limits, struct notify_learned *all, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUP_ALL), DB_PARAMS(id, db_int(arena, limits.items)),
		&rows, err))
		return false;
	*all = (struct notify_learned) {
		.good = rows_int(rows, 0, 0),
		.bad = rows_int(rows, 0, 1),
		.items = rows_strings(arena, rows, 0, 2),
	};
	return true;
}

bool
store_notify_group_season(struct db *db, struct arena *arena, const char *id,
    struct notify_season *season, struct error *err)
{
	struct rows *rows;

	*season = (struct notify_season) { .position = -1 };
	if (!db_exec(db, arena, Q(Q_NOTIFY_GROUP_SEASON), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	season->id = rows_str(rows, 0, 0);
	season->title = rows_str(rows, 0, 1);
	if (!rows_null(rows, 0, 2))
		season->position = rows_int(rows, 0, 2);
	return true;
}

bool
store_notify_addressee(struct db *db, struct arena *arena, const char *user,
    const struct notify_defaults *kinds, struct notify_addressee *who, struct error *err)
{
	struct rows *rows;

	*who = (struct notify_addressee) { 0 };
	if (!db_exec(db, arena, Q(Q_NOTIFY_ADDRESSEE),
		DB_PARAMS(user, db_array(arena, kinds->kinds, kinds->n),
		    db_array(arena, kinds->defaults, kinds->n)),
		&rows, err))
		return false;
	if (rows_count(rows) == 1)
		*who = (struct notify_addressee) {
			.email = rows_str(rows, 0, 0),
			.name = rows_str(rows, 0, 1),
			.wants = rows_strings(arena, rows, 0, 2),
		};
	return true;
}

bool
store_notify_digests_due(struct db *db, struct arena *arena, const struct notify_digest *digest,
    int limit, struct strings *users, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_DIGESTS_DUE),
		DB_PARAMS(digest->period, digest->day, db_time(arena, digest->at),
		    db_int(arena, limit)),
		&rows, err))
		return false;
	*users = rows_column(arena, rows, 0);
	return true;
}

bool
store_notify_digest_take(struct db *db, struct arena *arena, const struct notify_digest *digest,
    const char *user, struct notification_text **notes, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_DIGEST_TAKE),
		DB_PARAMS(digest->period, digest->day, db_time(arena, digest->at), user), &rows,
		err))
		return false;
	*n = rows_count(rows);
	*notes = arena_array(arena, *n, sizeof(**notes));
	for (size_t i = 0; i < *n; i++)
		(*notes)[i] = (struct notification_text) {
			.kind = rows_str(rows, i, 0),
			.title = rows_str(rows, i, 1),
			.message = rows_str(rows, i, 2),
			.data = rows_str(rows, i, 3),
		};
	return true;
}

bool
store_notify_expire(struct db *db, struct arena *arena, int limit, struct error *err)
{
	const char *max = db_int(arena, limit);

	return db_exec(db, arena, Q(Q_NOTIFY_MAILS_EXPIRE),
		   DB_PARAMS(db_int(arena, NOTIFY_MAILS_KEEP_DAYS), max), NULL, err) &&
	    db_exec(db, arena, Q(Q_NOTIFY_DIGESTS_EXPIRE),
		DB_PARAMS(db_int(arena, NOTIFY_DIGESTS_KEEP_DAYS), max), NULL, err);
}
