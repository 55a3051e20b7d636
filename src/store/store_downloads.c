#include "store/store_downloads.h"

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "model/job.h"
#include "store/sql_downloads.h"

#include "core/banned.h"

#define Q(id) (&store_downloads_queries[id])

static void
from_row(const struct rows *rows, size_t i, struct download *d)
{
	*d = (struct download) {
		.id = rows_str(rows, i, 0),
		.user_id = rows_str(rows, i, 1),
		.status = rows_str(rows, i, 2),
		.title = rows_str(rows, i, 3),
		.collection_id = rows_str(rows, i, 4),
		.object_key = rows_str(rows, i, 5),
		.failure_code = rows_str(rows, i, 6),
		.failure_message = rows_str(rows, i, 7),
		.items = rows_int(rows, i, 8),
		.left_out = rows_int(rows, i, 9),
		.bytes = rows_int(rows, i, 10),
		.bytes_done = rows_int(rows, i, 11),
		.size = rows_null(rows, i, 12) ? -1 : rows_int(rows, i, 12),
		.created_at = rows_int(rows, i, 13),
		.finished_at = rows_int(rows, i, 14),
		.expires_at = rows_int(rows, i, 15),
	};
}

static bool
none(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such download.");
}

bool
store_download_pick(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct strings ids, struct download_pick *pick, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_PICK),
		DB_PARAMS(reader->user_id, db_bool(reader->all), db_array(arena, ids.items, ids.n)),
		&rows, err))
		return false;
	*pick = (struct download_pick) { .ids = rows_column(arena, rows, 0) };
	for (size_t i = 0; i < rows_count(rows); i++) {
		int64_t size = rows_int(rows, i, 1);

		pick->stored += size >= 0;
		pick->bytes += size > 0 ? size : 0;
	}
	return true;
}

bool
store_download_collected(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *collection_id, int limit, struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_COLLECTED),
		DB_PARAMS(reader->user_id, db_bool(reader->all), collection_id,
		    db_int(arena, limit)),
		&rows, err))
		return false;
	*ids = rows_column(arena, rows, 0);
	return true;
}

bool
store_download_lock(struct db *db, struct arena *arena, const char *user_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_DOWNLOAD_LOCK), DB_PARAMS(user_id), NULL, err);
}

bool
store_download_same(struct db *db, struct arena *arena, const char *user_id,
    const unsigned char *request, struct download *d, struct error *err)
{
	struct rows *rows;

	*d = (struct download) { .id = NULL };
	if (!db_exec(db, arena, Q(Q_DOWNLOAD_SAME),
		DB_PARAMS(user_id, db_bytea(arena, request, SHA256_SIZE)), &rows, err))
		return false;
	if (rows_count(rows) > 0)
		from_row(rows, 0, d);
	return true;
}

bool
store_download_used(struct db *db, struct arena *arena, const char *user_id, int64_t *n,
    int64_t *bytes, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_USED), DB_PARAMS(user_id), &rows, err))
		return false;
	*n = rows_int(rows, 0, 0);
	*bytes = rows_int(rows, 0, 1);
	return true;
}

bool
store_download_add(struct db *db, struct arena *arena, const struct download_new *new,
    struct download *d, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_ADD),
		DB_PARAMS(new->id, new->user_id, db_bytea(arena, new->request, SHA256_SIZE),
		    db_bool(new->manages), new->title, new->folder, new->collection_id,
		    db_array(arena, new->media_ids.items, new->media_ids.n),
		    db_int(arena, new->bytes)),
		&rows, err))
		return false;
	from_row(rows, 0, d);
	return true;
}

bool
store_download_get(struct db *db, struct arena *arena, const char *user_id, const char *id,
    struct download *d, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_GET), DB_PARAMS(user_id, id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	from_row(rows, 0, d);
	return true;
}

bool
store_download_list(struct db *db, struct arena *arena, const struct store_downloads_ask *ask,
    struct download **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_LIST),
		DB_PARAMS(ask->user_id, ask->before_id == NULL ? NULL : db_time(arena, ask->before),
		    ask->before_id, db_int(arena, ask->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		from_row(rows, i, &(*out)[i]);
	return true;
}

bool
store_download_remove(struct db *db, struct arena *arena, const char *user_id, const char *id,
    struct error *err)
{
	bool removed;

	return db_change(db, arena, Q(Q_DOWNLOAD_REMOVE), DB_PARAMS(user_id, id), &removed, err) &&
	    (removed || none(err));
}

bool
store_download_begin(struct db *db, struct arena *arena, const char *id, struct download_work *work,
    struct error *err)
{
	struct rows *rows;

	*work = (struct download_work) { .wanted = false };
	if (!db_exec(db, arena, Q(Q_DOWNLOAD_BEGIN), DB_PARAMS(id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	*work = (struct download_work) {
		.wanted = true,
		.user_id = rows_str(rows, 0, 0),
		.title = rows_str(rows, 0, 1),
		.folder = rows_str(rows, 0, 2),
		.items = rows_int(rows, 0, 3),
		.bytes = rows_int(rows, 0, 4),
		.reader = { .user_id = rows_str(rows, 0, 0), .all = rows_bool(rows, 0, 5) },
	};
	return true;
}

bool
store_download_items(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, int64_t from, int64_t n, struct download_item **out, size_t *found,
    struct error *err)
{
	struct download_item *items;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_ITEMS),
		DB_PARAMS(reader->user_id, db_bool(reader->all), id, db_int(arena, from),
		    db_int(arena, from + n - 1)),
		&rows, err))
		return false;
	*found = rows_count(rows);
	*out = items = arena_array(arena, *found + 1, sizeof(*items));
	for (size_t i = 0; i < *found; i++)
		items[i] = (struct download_item) {
			.place = rows_int(rows, i, 0),
			.id = rows_str(rows, i, 1),
			.name = rows_str(rows, i, 2),
			.folded = rows_str(rows, i, 3),
			.object_key = rows_str(rows, i, 4),
			.size = rows_int(rows, i, 5),
			.at = rows_int(rows, i, 6),
			.local = rows_int(rows, i, 7),
		};
	return true;
}

bool
store_download_progress(struct db *db, struct arena *arena, const char *id, const struct job *job,
    int64_t bytes_done, bool *wanted, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_PROGRESS),
		DB_PARAMS(id, db_int(arena, bytes_done), job->id, job->lease), &rows, err))
		return false;
	*wanted = rows_bool(rows, 0, 1);
	return rows_bool(rows, 0, 0) ||
	    error_slug(err, ERR_CONFLICT, "lease_lost", "Another worker has taken over the job.");
}

bool
store_download_ready(struct db *db, struct arena *arena, const char *id,
    const struct download_made *made, bool *wanted, struct error *err)
{
	return db_change(db, arena, Q(Q_DOWNLOAD_READY),
	    DB_PARAMS(id, made->object_key, db_int(arena, made->size),
		db_int(arena, made->left_out), db_int(arena, made->keep_seconds),
		db_array(arena, made->held.items, made->held.n)),
	    wanted, err);
}

bool
store_download_still(struct db *db, struct arena *arena, const struct media_reader *reader,
    struct strings held, bool *all, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_STILL),
		DB_PARAMS(reader->user_id, db_bool(reader->all),
		    db_array(arena, held.items, held.n)),
		&rows, err))
		return false;
	*all = rows_count(rows) == held.n;
	return true;
}

bool
store_downloads_settle(struct db *db, struct arena *arena, const struct media_reader *reader,
    const char *id, const struct download_failure *outdated, struct strings *ended,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOADS_SETTLE),
		DB_PARAMS(reader->user_id, db_bool(reader->all), id, outdated->code,
		    outdated->message),
		&rows, err))
		return false;
	*ended = rows_column(arena, rows, 0);
	return true;
}

bool
store_downloads_purge(struct db *db, struct arena *arena, const char *media_id,
    const struct download_failure *outdated, struct downloads_ended *ended, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOADS_PURGE),
		DB_PARAMS(media_id, outdated->code, outdated->message), &rows, err))
		return false;
	*ended = (struct downloads_ended) { rows_column(arena, rows, 0),
		rows_column(arena, rows, 1), rows_column(arena, rows, 2) };
	return true;
}

bool
store_download_wish(struct db *db, struct arena *arena, const char *user_id, const char *id,
    const char **collection_id, struct strings *ids, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_WISH), DB_PARAMS(user_id, id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return none(err);
	*collection_id = rows_str(rows, 0, 0);
	*ids = rows_strings(arena, rows, 0, 1);
	return true;
}

bool
store_download_fail(struct db *db, struct arena *arena, const char *id,
    const struct download_failure *failure, const char **user_id, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOAD_FAIL),
		DB_PARAMS(id, failure->code, failure->message,
		    db_int(arena, failure->keep_seconds)),
		&rows, err))
		return false;
	*user_id = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_download_again(struct db *db, struct arena *arena, const char *id, bool *again,
    struct error *err)
{
	return db_change(db, arena, Q(Q_DOWNLOAD_AGAIN), DB_PARAMS(id), again, err);
}

bool
store_download_drop(struct db *db, struct arena *arena, const char *id, struct error *err)
{
	return db_exec(db, arena, Q(Q_DOWNLOAD_DROP), DB_PARAMS(id), NULL, err);
}

bool
store_downloads_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_DOWNLOADS_EXPIRE), DB_NO_PARAMS, NULL, err);
}

bool
store_downloads_stray(struct db *db, struct arena *arena, struct strings keys,
    struct strings *stray, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_DOWNLOADS_STRAY),
		DB_PARAMS(db_array(arena, keys.items, keys.n)), &rows, err))
		return false;
	*stray = rows_column(arena, rows, 0);
	return true;
}
