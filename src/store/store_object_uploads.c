#include "core/arena.h"
#include "core/error.h"
#include "store/store_objects.h"

#include "core/banned.h"

enum {
	Q_CREATE,
	Q_FIND,
	Q_DELETE,
	Q_LIST,
	Q_PART_PUBLISH,
	Q_PARTS,
	Q_ABANDON,
	Q_GARBAGE,
	Q_DISCARDED
};

#define UPLOAD_COLUMNS "id, key, content_type, headers::text, " SQL_US("created_at")

#define CREATED_US SQL_US("created_at")

/*
 * What a backup's snapshot names became garbage after the backup had begun: a statement that sees
 * such a blob sees the hold as well.
 */
#define UNLESS_HELD " AND NOT EXISTS (SELECT FROM backups WHERE held_until > now())"

const struct query store_object_uploads_queries[] = {
	[Q_CREATE] = { "object_upload_create",
	    "INSERT INTO object_uploads (id, bucket, key, content_type, headers)"
	    " VALUES ($1, $2, $3, $4, $5::jsonb)",
	    0 },
	[Q_FIND] = { "object_upload_find",
	    "SELECT " UPLOAD_COLUMNS
	    " FROM object_uploads WHERE id = $1 AND bucket = $2 AND key = $3",
	    QUERY_READ },
	[Q_DELETE] = { "object_upload_delete",
	    "DELETE FROM object_uploads WHERE id = $1 AND bucket = $2 AND key = $3", 0 },
	[Q_LIST] = { "object_upload_list",
	    "SELECT " UPLOAD_COLUMNS
	    " FROM object_uploads WHERE bucket = $1 AND key >= $2 AND key < $3"
	    " AND (key, id) > ($4, $5) "
	    "ORDER BY key, id LIMIT $6",
	    QUERY_READ },
	[Q_PART_PUBLISH] = { "object_part_publish",
	    "WITH taken AS (DELETE FROM object_garbage WHERE blob = $3 AND ($6::uuid IS NULL"
	    " OR mn_upload_open($6::uuid, $1, true)) RETURNING blob) "
	    "INSERT INTO object_parts (upload_id, number, blob, size, etag)"
	    " SELECT $1, $2::integer, blob, $4::bigint, $5 FROM taken "
	    "ON CONFLICT (upload_id, number) DO UPDATE SET blob = excluded.blob, size ="
	    " excluded.size, etag = excluded.etag, created_at = now() RETURNING xmax <> 0",
	    0 },
	[Q_PARTS] = { "object_parts",
	    "SELECT number, blob, size, etag, " CREATED_US
	    " FROM object_parts WHERE upload_id = $1 AND number > $2::integer"
	    " ORDER BY number LIMIT $3",
	    QUERY_READ },
	[Q_ABANDON] = { "object_uploads_abandon",
	    "DELETE FROM object_uploads WHERE created_at < now() - $1::integer * interval '1 day'",
	    0 },
	[Q_GARBAGE] = { "object_garbage_take",
	    "DELETE FROM object_garbage WHERE blob IN (SELECT blob FROM object_garbage"
	    " WHERE since < now() - $1::integer * interval '1 second'" UNLESS_HELD
	    " ORDER BY since LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING blob",
	    0 },
	[Q_DISCARDED] = { "object_garbage_take_discarded",
	    "DELETE FROM object_garbage WHERE blob IN (SELECT blob FROM object_garbage"
	    " WHERE since = '-infinity'" UNLESS_HELD
	    " LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING blob",
	    0 },
	{ .name = NULL },
};

static struct upload_row
upload_row(const struct rows *rows, size_t i)
{
	return (struct upload_row) { .id = rows_str(rows, i, 0),
		.key = rows_str(rows, i, 1),
		.content_type = rows_str(rows, i, 2),
		.headers = rows_str(rows, i, 3),
		.created_at = rows_int(rows, i, 4) };
}

bool
store_object_upload_create(struct db *db, struct arena *arena, const char *bucket,
    const struct upload_row *row, struct error *err)
{
	return db_exec(db, arena, &store_object_uploads_queries[Q_CREATE],
	    DB_PARAMS(row->id, bucket, row->key, row->content_type, row->headers), NULL, err);
}

bool
store_object_upload_find(struct db *db, struct arena *arena, const struct object_upload_name *name,
    struct upload_row *out, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_object_uploads_queries[Q_FIND],
		DB_PARAMS(name->id, name->object.bucket, name->object.key), &rows, err))
		return false;
	*out = (struct upload_row) { .id = NULL };
	if (rows_count(rows) > 0)
		*out = upload_row(rows, 0);
	return true;
}

bool
store_object_upload_delete(struct db *db, struct arena *arena,
    const struct object_upload_name *name, bool *deleted, struct error *err)
{
	return db_change(db, arena, &store_object_uploads_queries[Q_DELETE],
	    DB_PARAMS(name->id, name->object.bucket, name->object.key), deleted, err);
}

bool
store_object_uploads_list(struct db *db, struct arena *arena,
    const struct object_upload_range *range, struct upload_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_object_uploads_queries[Q_LIST],
		DB_PARAMS(range->bucket, range->from, range->before, range->key_marker,
		    range->id_marker, db_int(arena, range->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = upload_row(rows, i);
	return true;
}

bool
store_object_part_publish(struct db *db, struct arena *arena, struct part_publication *p,
    bool *published, struct error *err)
{
	const struct part_row *row = p->row;
	struct rows *rows;

	if (db_exec(db, arena, &store_object_uploads_queries[Q_PART_PUBLISH],
		DB_PARAMS(p->upload_id, db_int(arena, row->number), row->blob,
		    db_int(arena, row->size), row->etag, p->client),
		&rows, err)) {
		*published = rows_count(rows) > 0;
		p->replaced = *published && rows_bool(rows, 0, 0);
		return true;
	}
	if (err->code != ERR_CONFLICT) /* the upload was completed or aborted in the meantime */
		return false;
	error_clear(err);
	*published = false;
	return true;
}

bool
store_object_parts_list(struct db *db, struct arena *arena, const struct part_range *range,
    struct part_row **out, size_t *n, struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_object_uploads_queries[Q_PARTS],
		DB_PARAMS(range->upload_id, db_int(arena, range->after),
		    db_int(arena, range->limit)),
		&rows, err))
		return false;
	*n = rows_count(rows);
	*out = arena_array(arena, *n + 1, sizeof(**out));
	for (size_t i = 0; i < *n; i++)
		(*out)[i] = (struct part_row) { .number = (int)rows_int(rows, i, 0),
			.blob = rows_str(rows, i, 1),
			.size = rows_int(rows, i, 2),
			.etag = rows_str(rows, i, 3),
			.created_at = rows_int(rows, i, 4) };
	return true;
}

bool
store_garbage_take(struct db *db, struct arena *arena, int limit, struct strings *blobs,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_object_uploads_queries[Q_ABANDON],
		DB_PARAMS(db_int(arena, OBJECT_UPLOAD_DAYS)), NULL, err) ||
	    !db_exec(db, arena, &store_object_uploads_queries[Q_GARBAGE],
		DB_PARAMS(db_int(arena, OBJECT_GARBAGE_SECONDS), db_int(arena, limit)), &rows, err))
		return false;
	*blobs = rows_column(arena, rows, 0);
	return true;
}

bool
store_garbage_take_discarded(struct db *db, struct arena *arena, int limit, struct strings *blobs,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, &store_object_uploads_queries[Q_DISCARDED],
		DB_PARAMS(db_int(arena, limit)), &rows, err))
		return false;
	*blobs = rows_column(arena, rows, 0);
	return true;
}
