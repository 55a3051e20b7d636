#include "store/store_uploads.h"

#include "core/arena.h"
#include "core/error.h"
#include "store/pg.h"
#include "store/store_media.h"
#include "store/store_sums.h"

#include "core/banned.h"

#define COLUMNS \
	"id, media_id, user_id, status, object_key, content_type, encode(sha256, 'hex')," \
	" multipart_id, size, part_size, " \
	"round(date_part('epoch', expires_at) * 1000000)::bigint," \
	" expires_at <= clock_timestamp(), url_seconds, path"

/* Once an upload has ended, the store is to be watched only while one of its URLs is good. */
#define URLS_END "least(expires_at, now() + url_seconds * interval '1 second')"

#define IS_OPEN "status IN ('pending', 'completing') AND expires_at > clock_timestamp()"

enum {
	Q_TWIN,
	Q_TWIN_OPEN,
	Q_ADD_MEDIA,
	Q_ADD,
	Q_STARTED,
	Q_GET,
	Q_BEGIN_COMPLETING,
	Q_MOVE,
	Q_COMPLETE,
	Q_MULTIPART,
	Q_HOLD,
	Q_HELD,
	Q_RELEASE,
};

const struct query store_uploads_queries[] = {
	/*
	 * What has these bytes: an item, or one that the worker has not looked at yet. What lies in
	 * the trash comes last.
	 */
	[Q_TWIN] = { "upload_twin",
	    "SELECT id, trashed FROM (SELECT id, status = 'trashed' AS trashed, created_at"
	    " FROM media WHERE owner_id = $1::uuid AND sha256 = decode($2::text, 'hex')"
	    " AND source = 'upload' AND (status IN ('processing', 'ready')"
	    " OR status = 'trashed' AND trashed_from = 'ready')"
	    " UNION ALL SELECT m.id, false, m.created_at FROM uploads u"
	    " JOIN media m ON m.id = u.media_id WHERE u.user_id = $1::uuid"
	    " AND u.sha256 = decode($2::text, 'hex') AND u.status = 'completed'"
	    " AND m.owner_id = $1::uuid AND m.status = 'processing') AS twins"
	    " ORDER BY trashed, created_at LIMIT 1",
	    QUERY_READ },
	[Q_TWIN_OPEN] = { "upload_twin_open",
	    "SELECT " COLUMNS " FROM uploads WHERE user_id = $1::uuid"
	    " AND sha256 = decode($2::text, 'hex') AND size = $3::bigint AND " IS_OPEN
	    " ORDER BY created_at LIMIT 1",
	    QUERY_READ },
	/*
	 * $9 quota of people who have none of their own; 0: no limit. $10 sha256 of which there may
	 * be no other: the pipeline holds the person's lock, so of two at once the second one sees
	 * the first.
	 */
	[Q_ADD_MEDIA] = { "upload_add_media",
	    "INSERT INTO media (id, owner_id, kind, title, visibility, filename, content_type,"
	    " size, status, file_modified_at) SELECT $1::uuid, u.id, $3::text, $4::text, $5::text,"
	    " $6::text, $7::text, $8::bigint, 'pending', $11::timestamptz FROM users u,"
	    " LATERAL (SELECT coalesce(u.quota_bytes, $9::bigint) AS quota,"
	    " coalesce((SELECT sum(bytes) FROM storage_kept WHERE user_id = $2::uuid), 0) AS used)"
	    " AS room WHERE u.id = $2::uuid AND (quota = 0 OR $8::bigint <= quota - used)"
	    " AND NOT EXISTS (SELECT FROM uploads WHERE user_id = $2::uuid"
	    " AND sha256 = decode($10::text, 'hex') AND size = $8::bigint AND (" IS_OPEN
	    " OR status = 'completed' AND EXISTS (SELECT FROM media m WHERE m.id = media_id"
	    " AND m.owner_id = $2::uuid AND m.status IN ('processing', 'ready'))))",
	    0 },
	/* The upload and the event follow the item. */
	[Q_ADD] = { "upload_add",
	    "INSERT INTO uploads (id, media_id, user_id, object_key, size, content_type, sha256,"
	    " part_size, expires_at, url_seconds, path)"
	    " SELECT $1::uuid, m.id, $3::uuid, $4::text, $5::bigint, $6::text,"
	    " decode($7::text, 'hex'), $8::bigint, $9::timestamptz, $10::integer, $11::text"
	    " FROM media m WHERE m.id = $2::uuid",
	    0 },
	[Q_STARTED] = { "upload_started",
	    "INSERT INTO media_events (media_id, step, state) SELECT id, 'upload', 'started'"
	    " FROM media WHERE id = $1",
	    0 },
	[Q_GET] = { "upload_get", "SELECT " COLUMNS " FROM uploads WHERE id = $1 AND user_id = $2",
	    QUERY_READ },
	/* When repeated on a new connection, the statement finds the result of its first run. */
	[Q_BEGIN_COMPLETING] = { "upload_begin_completing",
	    "UPDATE uploads SET status = 'completing' WHERE id = $1 AND user_id = $2"
	    " AND status = 'pending' AND expires_at > clock_timestamp()",
	    QUERY_READ },
	[Q_MOVE] = { "upload_move",
	    "UPDATE uploads SET status = $3, completed_at = CASE"
	    " WHEN $3::text = 'completed' THEN now() END, held = $3::text = 'aborted',"
	    " expires_at = CASE WHEN $3::text = 'aborted' THEN " URLS_END
	    " ELSE expires_at END WHERE id = $1"
	    " AND status = ANY ($2::text[])",
	    0 },
	[Q_COMPLETE] = { "upload_complete",
	    "WITH moved AS (UPDATE uploads SET status = 'completed', completed_at = now(),"
	    " expires_at = " URLS_END
	    " WHERE id = $1 AND status IN ('pending', 'completing') RETURNING media_id),"
	    " started AS (UPDATE media SET status = 'processing', failure_code = NULL,"
	    " failure_message = NULL, version = version + 1, updated_at = now()"
	    " WHERE id = (SELECT media_id FROM moved) AND status = 'pending'),"
	    " told AS (INSERT INTO media_events (media_id, step, state)"
	    " SELECT m.id, s.step, 'done' FROM moved JOIN media m ON m.id = moved.media_id,"
	    " unnest('{upload,queue}'::text[]) WITH ORDINALITY AS s (step, i) ORDER BY s.i)"
	    " SELECT FROM moved",
	    0 },
	/*
	 * The first of several that start the parts of one upload wins. QUERY_READ: a second time
	 * it has no effect and returns the same.
	 */
	[Q_MULTIPART] = { "upload_multipart",
	    "UPDATE uploads SET multipart_id = coalesce(multipart_id, $2) WHERE id = $1"
	    " AND status = 'pending' AND expires_at > clock_timestamp() RETURNING multipart_id",
	    QUERY_READ },
	[Q_HOLD] = { "upload_hold",
	    "UPDATE uploads SET held = true WHERE media_id = $1 AND status = 'completed'"
	    " AND expires_at > now() AND NOT held",
	    0 },
	[Q_HELD] = { "uploads_held",
	    "SELECT id, object_key, coalesce(multipart_id, '') FROM uploads WHERE held"
	    " AND ($1::boolean OR expires_at <= now()) ORDER BY expires_at, id"
	    " OFFSET $3::bigint LIMIT $2::integer",
	    QUERY_READ },
	[Q_RELEASE] = { "uploads_release",
	    "UPDATE uploads SET held = false WHERE id = ANY ($1::uuid[]) AND held"
	    " AND ($2::boolean OR expires_at <= now())",
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
		.url_seconds = rows_int(r, row, 12),
		.path = rows_str(r, row, 13),
	};
}

bool
store_upload_twin(struct db *db, struct arena *arena, const struct upload_bytes *bytes,
    struct upload_twin *twin, struct error *err)
{
	const char *const params[] = { bytes->user_id, bytes->sha256, db_int(arena, bytes->size) };
	struct db_call calls[] = {
		{ .query = Q(Q_TWIN), .params = params, .nparams = 2 },
		{ .query = Q(Q_TWIN_OPEN), .params = params, .nparams = 3 },
	};

	*twin = (struct upload_twin) { .media_id = NULL };
	if (!db_pipeline(db, arena, calls, 2, err))
		return false;
	if (rows_count(calls[0].rows) > 0) {
		twin->media_id = rows_str(calls[0].rows, 0, 0);
		twin->trashed = rows_bool(calls[0].rows, 0, 1);
	}
	twin->open = rows_count(calls[1].rows) > 0;
	if (twin->open)
		upload_from_row(calls[1].rows, 0, &twin->upload);
	return true;
}

bool
store_upload_add(struct db *db, struct arena *arena, const struct upload *u,
    const struct media_new *m, struct upload_room *room, struct error *err)
{
	const char *size = db_int(arena, m->size);
	const struct strings media = DB_PARAMS(m->id, m->owner_id, m->kind, m->title, m->visibility,
				 m->filename, m->content_type, size, db_int(arena, room->quota),
				 room->alone ? u->sha256 : NULL, db_time(arena, m->modified_at)),
			     upload = DB_PARAMS(u->id, u->media_id, u->user_id, u->object_key, size,
				 u->content_type, u->sha256,
				 u->part_size == 0 ? NULL : db_int(arena, u->part_size),
				 db_time(arena, u->expires_at), db_int(arena, u->url_seconds),
				 u->path);
	struct db_call calls[STORAGE_CALLS + 3] = {
		[STORAGE_CALLS] = { .query = Q(Q_ADD_MEDIA),
		    .params = media.items,
		    .nparams = media.n },
		{ .query = Q(Q_ADD), .params = upload.items, .nparams = upload.n },
		{ .query = Q(Q_STARTED), .params = &u->media_id, .nparams = 1 },
	};
	int64_t quota;

	store_storage_calls(&m->owner_id, calls);
	if (!db_pipeline_apart(db, arena, calls, STORAGE_CALLS + 3, err) ||
	    !store_storage_read(calls, &room->used, &quota, err))
		return false;
	if (quota >= 0)
		room->quota = quota;
	room->added = rows_affected(calls[STORAGE_CALLS].rows) > 0;
	room->full = room->quota != 0 && m->size > room->quota - room->used;
	return true;
}

static bool
upload_read(const struct rows *rows, struct upload *upload, struct error *err)
{
	if (rows_count(rows) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such upload.");
	upload_from_row(rows, 0, upload);
	return true;
}

bool
store_upload_get(struct db *db, struct arena *arena, const char *id, const char *user_id,
    struct upload *upload, struct error *err)
{
	struct rows *rows;

	return db_exec(db, arena, Q(Q_GET), DB_PARAMS(id, user_id), &rows, err) &&
	    upload_read(rows, upload, err);
}

bool
store_upload_begin_completing(struct db *db, struct arena *arena, const char *id,
    const char *user_id, struct upload *upload, struct error *err)
{
	const char *const params[] = { id, user_id };
	struct db_call calls[] = {
		{ .query = Q(Q_GET), .params = params, .nparams = 2 },
		{ .query = Q(Q_BEGIN_COMPLETING), .params = params, .nparams = 2 },
	};

	return db_pipeline(db, arena, calls, 2, err) && upload_read(calls[0].rows, upload, err);
}

bool
store_upload_move(struct db *db, struct arena *arena, const struct upload_move *move, bool *moved,
    struct error *err)
{
	return db_change(db, arena, Q(Q_MOVE), DB_PARAMS(move->id, move->from, move->to), moved,
	    err);
}

bool
store_upload_complete(struct db *db, struct arena *arena, const struct upload *upload,
    const struct media_reader *reader, struct upload_completed *out, struct error *err)
{
	struct db_call calls[] = {
		{ .query = Q(Q_COMPLETE), .params = &upload->id, .nparams = 1 },
		store_media_scopes_call(arena, upload->media_id),
		store_media_get_call(arena, reader, upload->media_id),
	};

	*out = (struct upload_completed) { .moved = false };
	if (!db_pipeline(db, arena, calls, 3, err))
		return false;
	out->moved = rows_count(calls[0].rows) > 0;
	if (!out->moved)
		return true;
	out->scopes = rows_column(arena, calls[1].rows, 0);
	return store_media_read(arena, calls[2].rows, &out->media, err);
}

bool
store_upload_multipart(struct db *db, struct arena *arena, const char *id,
    const char **multipart_id, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_MULTIPART), DB_PARAMS(id, *multipart_id), &rows, err))
		return false;
	*multipart_id = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	return true;
}

bool
store_upload_hold(struct db *db, struct arena *arena, const char *media_id, struct error *err)
{
	return db_exec(db, arena, Q(Q_HOLD), DB_PARAMS(media_id), NULL, err);
}

bool
store_uploads_held(struct db *db, struct arena *arena, bool refused, size_t skip, int limit,
    struct held_uploads *held, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_HELD),
		DB_PARAMS(db_bool(refused), db_int(arena, limit), db_int(arena, (int64_t)skip)),
		&rows, err))
		return false;
	held->ids = rows_column(arena, rows, 0);
	held->keys = rows_column(arena, rows, 1);
	held->multipart = rows_column(arena, rows, 2);
	return true;
}

bool
store_uploads_release(struct db *db, struct arena *arena, struct strings ids, bool refused,
    struct error *err)
{
	return db_exec(db, arena, Q(Q_RELEASE),
	    DB_PARAMS(db_array(arena, ids.items, ids.n), db_bool(refused)), NULL, err);
}
