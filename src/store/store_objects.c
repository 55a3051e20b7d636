#include "core/arena.h"
#include "core/error.h"
#include "store/store_objects.h"

#include "core/banned.h"

enum {
	Q_BUCKET_CREATE,
	Q_BUCKET_FIND,
	Q_BUCKET_DELETE,
	Q_BUCKETS,
	Q_FIND,
	Q_FIND_PART,
	Q_LIST_FROM,
	Q_LIST_AFTER,
	Q_ANNOUNCE,
	Q_PUBLISH,
	Q_COMPLETE,
	Q_DELETE,
	Q_CLIENT_OPEN,
};

#define OBJECT_COLUMNS "key, blob, size, etag, content_type, headers::text, " SQL_US("created_at")

#define REPLACED \
	"blob = excluded.blob, size = excluded.size, etag = excluded.etag," \
	" content_type = excluded.content_type, headers = excluded.headers," \
	" part_sizes = excluded.part_sizes, created_at = now()"

const struct query store_objects_queries[] = {
	[Q_BUCKET_CREATE] = { "object_bucket_create",
	    "INSERT INTO object_buckets (name) VALUES ($1) ON CONFLICT DO NOTHING", 0 },
	[Q_BUCKET_FIND] = { "object_bucket_find", "SELECT 1 FROM object_buckets WHERE name = $1",
	    QUERY_READ },
	[Q_BUCKET_DELETE] = { "object_bucket_delete",
	    "DELETE FROM object_buckets WHERE name = $1 AND NOT EXISTS (SELECT FROM objects"
	    " WHERE bucket = $1) "
	    "AND NOT EXISTS (SELECT FROM object_uploads WHERE bucket = $1)",
	    0 },
	[Q_BUCKETS] = { "object_buckets",
	    "SELECT name, " SQL_US("created_at") " FROM object_buckets ORDER BY name", QUERY_READ },
	[Q_FIND] = { "object_find",
	    "SELECT " OBJECT_COLUMNS " FROM objects WHERE bucket = $1 AND key = $2", QUERY_READ },
	[Q_FIND_PART] = { "object_find_part",
	    "SELECT " OBJECT_COLUMNS
	    ", coalesce(cardinality(part_sizes), 0), (SELECT coalesce(sum(s), 0)::bigint"
	    " FROM unnest(part_sizes[:$3::integer - 1]) s), part_sizes[$3::integer]"
	    " FROM objects WHERE bucket = $1 AND key = $2",
	    QUERY_READ },
	[Q_LIST_FROM] = { "object_list_from",
	    "SELECT " OBJECT_COLUMNS
	    " FROM objects WHERE bucket = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4",
	    QUERY_READ },
	[Q_LIST_AFTER] = { "object_list_after",
	    "SELECT " OBJECT_COLUMNS
	    " FROM objects WHERE bucket = $1 AND key > $2 AND key < $3 ORDER BY key LIMIT $4",
	    QUERY_READ },
	[Q_ANNOUNCE] = { "object_announce",
	    "INSERT INTO object_garbage (blob) SELECT unnest($1::text[]) ON CONFLICT (blob) DO"
	    " UPDATE SET since = now()",
	    0 },
	/*
	 * $8 only_new, $9 if_match, $10 client. If a condition fails, nothing leaves the garbage:
	 * RETURNING is empty, and so is `taken`. A row that was updated has an xmax.
	 */
	[Q_PUBLISH] = { "object_publish",
	    "WITH fit AS (SELECT 1 WHERE ($8::boolean IS FALSE OR NOT EXISTS (SELECT FROM objects"
	    " WHERE bucket = $1 AND key = $2)) "
	    "AND ($9::text IS NULL OR EXISTS (SELECT FROM objects WHERE bucket = $1 AND key = $2"
	    " AND etag = $9)) AND ($10::uuid IS NULL OR mn_upload_open($10::uuid, NULL, true))), "
	    "taken AS (DELETE FROM object_garbage WHERE blob = $3 AND EXISTS (SELECT FROM fit)"
	    " RETURNING blob) "
	    "INSERT INTO objects (bucket, key, blob, size, etag, content_type, headers) "
	    "SELECT $1, $2, blob, $4::bigint, $5, $6, $7::jsonb FROM taken "
	    "ON CONFLICT (bucket, key) DO UPDATE SET " REPLACED
	    " WHERE $8::boolean IS FALSE AND ($9::text IS NULL OR objects.etag = $9)"
	    " RETURNING " SQL_US("created_at") ", xmax <> 0",
	    0 },
	/*
	 * $8 upload: its parts become garbage by cascade. If two requests complete it at once, the
	 * second finds no upload and publishes nothing. Without its blob the upload stays.
	 */
	[Q_COMPLETE] = { "object_complete",
	    "WITH named AS (SELECT FROM object_garbage WHERE blob = $3 FOR UPDATE), "
	    "gone AS (DELETE FROM object_uploads WHERE id = $8 AND EXISTS (SELECT FROM named)"
	    " RETURNING id), "
	    "taken AS (DELETE FROM object_garbage WHERE blob = $3 AND EXISTS (SELECT FROM gone)"
	    " RETURNING blob) "
	    "INSERT INTO objects (bucket, key, blob, size, etag, content_type, headers,"
	    " part_sizes) "
	    "SELECT $1, $2, blob, $4::bigint, $5, $6, $7::jsonb, $9::bigint[] FROM taken "
	    "ON CONFLICT (bucket, key) DO UPDATE SET " REPLACED " RETURNING " SQL_US("created_at"),
	    0 },
	[Q_DELETE] = { "objects_delete",
	    "DELETE FROM objects WHERE bucket = $1 AND key = ANY ($2::text[])", 0 },
	[Q_CLIENT_OPEN] = { "object_client_open", "SELECT mn_upload_open($1::uuid, $2, false)",
	    QUERY_READ },
	{ .name = NULL },
};

bool
store_bucket_create(struct db *db, struct arena *arena, const char *name, bool *created,
    struct error *err)
{
	return db_change(db, arena, &store_objects_queries[Q_BUCKET_CREATE], DB_PARAMS(name),
	    created, err);
}

bool
store_bucket_find(struct db *db, struct arena *arena, const char *name, bool *found,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_objects_queries[Q_BUCKET_FIND], DB_PARAMS(name), &rows, err))
		return false;
	*found = rows_count(rows) > 0;
	return true;
}

bool
store_bucket_delete(struct db *db, struct arena *arena, const char *name, bool *deleted,
    struct error *err)
{
	if (db_change(db, arena, &store_objects_queries[Q_BUCKET_DELETE], DB_PARAMS(name), deleted,
		err))
		return true;
	if (err->code != ERR_CONFLICT) /* an object was added in between */
		return false;
	error_clear(err);
	*deleted = false;
	return true;
}

bool
store_buckets(struct db *db, struct arena *arena, struct bucket_row **out, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_objects_queries[Q_BUCKETS], DB_NO_PARAMS, &rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct bucket_row) { rows_str(rows, i, 0), rows_int(rows, i, 1) };
	return true;
}

static struct object_row
object_row(const struct rows *rows, size_t i)
{
	return (struct object_row) { .key = rows_str(rows, i, 0),
		.blob = rows_str(rows, i, 1),
		.size = rows_int(rows, i, 2),
		.etag = rows_str(rows, i, 3),
		.content_type = rows_str(rows, i, 4),
		.headers = rows_str(rows, i, 5),
		.created_at = rows_int(rows, i, 6) };
}

bool
store_object_find(struct db *db, struct arena *arena, struct object_name name,
    struct object_row *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_objects_queries[Q_FIND], DB_PARAMS(name.bucket, name.key),
		&rows, err))
		return false;
	*out = (struct object_row) { .key = NULL };
	if (rows_count(rows) > 0)
		*out = object_row(rows, 0);
	return true;
}

bool
store_object_find_part(struct db *db, struct arena *arena, struct object_name name, int number,
    struct object_row *out, struct object_part_place *place, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_objects_queries[Q_FIND_PART],
		DB_PARAMS(name.bucket, name.key, db_int(arena, number)), &rows, err))
		return false;
	*out = (struct object_row) { .key = NULL };
	if (rows_count(rows) == 0)
		return true;
	*out = object_row(rows, 0);
	*place = (struct object_part_place) { .parts = rows_int(rows, 0, 7),
		.first = rows_int(rows, 0, 8),
		.size = rows_int(rows, 0, 9) };
	return true;
}

bool
store_objects_list(struct db *db, struct arena *arena, const struct object_range *range,
    struct object_row **out, size_t *n, struct error *err)
{
	const struct query *query =
	    &store_objects_queries[range->inclusive ? Q_LIST_FROM : Q_LIST_AFTER];
	struct rows *rows;

	if (!db_exec(db, arena, query,
		DB_PARAMS(range->bucket, range->from, range->before, db_int(arena, range->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = object_row(rows, i);
	return true;
}

bool
store_blobs_announce(struct db *db, struct arena *arena, struct strings blobs, struct error *err)
{
	return db_exec(db, arena, &store_objects_queries[Q_ANNOUNCE],
	    DB_PARAMS(db_array(arena, blobs.items, blobs.n)), NULL, err);
}

bool
store_object_publish(struct db *db, struct arena *arena, struct object_publication *p,
    bool *published, struct error *err)
{
	const char *size = db_int(arena, p->row.size);
	const struct object_row *row = &p->row;
	struct rows *rows;
	bool done;

	if (p->upload_id != NULL)
		done = db_exec(db, arena, &store_objects_queries[Q_COMPLETE],
		    DB_PARAMS(p->bucket, row->key, row->blob, size, row->etag, row->content_type,
			row->headers, p->upload_id, p->part_sizes),
		    &rows, err);
	else
		done = db_exec(db, arena, &store_objects_queries[Q_PUBLISH],
		    DB_PARAMS(p->bucket, row->key, row->blob, size, row->etag, row->content_type,
			row->headers, db_bool(p->only_new), p->if_match, p->client),
		    &rows, err);
	if (!done)
		return false;
	*published = rows_count(rows) > 0;
	if (*published) {
		p->row.created_at = rows_int(rows, 0, 0);
		p->replaced = p->upload_id == NULL && rows_bool(rows, 0, 1);
	}
	/* taken, but another request wrote the key first */
	else if (!store_blobs_announce(db, arena, (struct strings) { &row->blob, 1 }, err))
		return false;
	return true;
}

bool
store_objects_delete(struct db *db, struct arena *arena, const char *bucket, struct strings keys,
    struct error *err)
{
	return db_exec(db, arena, &store_objects_queries[Q_DELETE],
	    DB_PARAMS(bucket, db_array(arena, keys.items, keys.n)), NULL, err);
}

bool
store_object_client_open(struct db *db, struct arena *arena, const char *client,
    const char *part_of, bool *open, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_objects_queries[Q_CLIENT_OPEN], DB_PARAMS(client, part_of),
		&rows, err))
		return false;
	*open = rows_bool(rows, 0, 0);
	return true;
}
