#include "core/arena.h"
#include "store/store_notify.h"
#include "store/sql_notify_share.h"

#include "core/banned.h"

#define Q(id) (&store_notify_share_queries[id])

bool
store_notify_share_album(struct db *db, struct arena *arena, struct notify_share *share,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_SHARE_ALBUM),
		DB_PARAMS(share->collection_id, share->from, share->user), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	share->title = rows_str(rows, 0, 0);
	share->from_name = rows_str(rows, 0, 1);
	share->may = rows_str(rows, 0, 2);
	share->note_id = rows_str(rows, 0, 3);
	return true;
}

bool
store_notify_share_items(struct db *db, struct arena *arena, struct notify_share *share,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_SHARE_ITEMS),
		DB_PARAMS(share->group, share->from, share->user, db_int(arena, share->listed)),
		&rows, err))
		return false;
	if (rows_count(rows) == 0)
		return true;
	share->count = rows_int(rows, 0, 0);
	share->kind = rows_str(rows, 0, 1);
	share->items = rows_strings(arena, rows, 0, 2);
	share->title = rows_str(rows, 0, 3);
	share->from_name = rows_str(rows, 0, 4);
	share->note_id = rows_str(rows, 0, 5);
	return true;
}

bool
store_notify_share_added(struct db *db, struct arena *arena, const struct notify_share *share,
    struct notify_filled **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_SHARE_ADDED),
		DB_PARAMS(share->collection_id, share->from, share->group, share->key), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct notify_filled) {
			.title = rows_str(rows, i, 0),
			.from_name = rows_str(rows, i, 1),
			.count = rows_int(rows, i, 2),
			.kind = rows_str(rows, i, 3),
			.users = rows_strings(arena, rows, i, 4),
		};
	return true;
}

bool
store_notify_download(struct db *db, struct arena *arena, const char *id, int64_t *items,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_NOTIFY_DOWNLOAD), DB_PARAMS(id), &rows, err))
		return false;
	*items = rows_count(rows) > 0 ? rows_int(rows, 0, 0) : 0;
	return true;
}
