#include "store/store_uploads.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"

#include "core/banned.h"

#define COLUMNS \
	"id, media_id, user_id, status, object_key, content_type, encode(sha256, 'hex')," \
	" multipart_id, size, part_size, " \
	"round(date_part('epoch', expires_at) * 1000000)::bigint, expires_at <= clock_timestamp()"

enum { Q_ADD, Q_GET, Q_MOVE };

const struct query store_uploads_queries[] = {
	[Q_ADD] = { "upload_add",
	    "INSERT INTO uploads (id, media_id, user_id, object_key, size, content_type, sha256,"
	    " multipart_id, part_size, expires_at) "
	    "VALUES ($1, $2, $3, $4, $5, $6, decode($7::text, 'hex'), $8, $9, $10)",
	    0 },
	[Q_GET] = { "upload_get", "SELECT " COLUMNS " FROM uploads WHERE id = $1 AND user_id = $2",
	    QUERY_READ },
	[Q_MOVE] = { "upload_move",
	    "UPDATE uploads SET status = $3, completed_at = CASE"
	    " WHEN $3::text = 'completed' THEN now() END WHERE id = $1"
	    " AND status = ANY ($2::text[])",
	    0 },
	{ .name = NULL },
};
#define Q(id) (&store_uploads_queries[id])

static void
upload_from_row(const struct rows *r, size_t row, struct upload *u)
{
	*u = (struct upload) {
		.id = rows_str(r, row, 0),
		.media_id = rows_str(r, row, 1),
		.user_id = rows_str(r, row, 2),
		.status = rows_str(r, row, 3),
		.object_key = rows_str(r, row, 4),
		.content_type = rows_str(r, row, 5),
		.sha256 = rows_str(r, row, 6),
		.multipart_id = rows_str(r, row, 7),
		.size = rows_int(r, row, 8),
		.part_size = rows_int(r, row, 9),
		.expires_at = rows_int(r, row, 10),
		.expired = rows_bool(r, row, 11),
	};
}

bool
store_upload_add(struct db *db, struct arena *arena, const struct upload *u, struct error *err)
{
	return db_exec(db, arena, Q(Q_ADD),
	    DB_PARAMS(u->id, u->media_id, u->user_id, u->object_key, db_int(arena, u->size),
		u->content_type, u->sha256, u->multipart_id,
		u->part_size == 0 ? NULL : db_int(arena, u->part_size),
		db_time(arena, u->expires_at)),
	    NULL, err);
}

bool
store_upload_get(struct db *db, struct arena *arena, const char *id, const char *user_id,
    struct upload *upload, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_GET), DB_PARAMS(id, user_id), &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such upload.");
	upload_from_row(rows, 0, upload);
	return true;
}

bool
store_upload_move(struct db *db, struct arena *arena, const char *id, const char *from,
    const char *to, bool *moved, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MOVE), DB_PARAMS(id, from, to), &rows, err))
		return false;
	*moved = rows_affected(rows) > 0;
	return true;
}
