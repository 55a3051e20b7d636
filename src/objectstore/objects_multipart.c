/* Uploads in parts: each part a blob of its own, joined when the upload is completed. */
#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "objectstore/objects_internal.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define UPLOAD_ID_BYTES 24

static bool
no_such_upload(struct error *err)
{
	return error_slug(err, ERR_NOT_FOUND, "NoSuchUpload",
	    "There is no such upload: it was completed or aborted, or never began.");
}

bool
objects_upload_create(const struct call *call, const char *bucket, const char *key,
    const char *content_type, const char *headers, const char **id, struct error *err)
{
	unsigned char bytes[UPLOAD_ID_BYTES];
	struct upload_row row = { .key = key, .content_type = content_type, .headers = headers };

	if (!object_key_valid(key))
		return error_slug(err, ERR_MALFORMED, "KeyTooLongError",
		    "Keys have 1 to %d bytes of UTF-8.", OBJECT_KEY_MAX);
	random_bytes(bytes, sizeof(bytes));
	row.id = *id = hex_encode(call->arena, bytes, sizeof(bytes));
	return objects_bucket_require(call, bucket, err) &&
	    store_object_upload_create(call->svc->db, call->arena, bucket, &row, err);
}

bool
objects_upload_find(const struct call *call, const char *bucket, const char *key, const char *id,
    struct upload_row *out, struct error *err)
{
	bool found = false;

	if (utf8_valid(id, strlen(id)) && object_key_valid(key) &&
	    !store_object_upload_find(call->svc->db, call->arena, bucket, key, id, out, &found,
		err))
		return false;
	return found || no_such_upload(err);
}

bool
objects_upload_abort(const struct call *call, const char *bucket, const char *key, const char *id,
    struct error *err)
{
	bool deleted = false;

	if (utf8_valid(id, strlen(id)) && object_key_valid(key) &&
	    !store_object_upload_delete(call->svc->db, call->arena, bucket, key, id, &deleted, err))
		return false;
	return deleted || no_such_upload(err);
}

static bool
publish_part(const struct call *call, const char *upload_id, const struct part_row *part,
    struct error *err)
{
	bool published;

	if (!store_object_part_publish(call->svc->db, call->arena, upload_id, part, &published,
		err))
		return false;
	return published ||
	    (store_blob_announce(call->svc->db, call->arena, part->blob, err) &&
		no_such_upload(err));
}

bool
objects_part_put(const struct call *call, const char *upload_id, int number,
    const struct object_body *body, struct part_row *out, struct error *err)
{
	char *blob = arena_alloc(call->arena, BLOB_NAME);

	blob_name(blob);
	*out = (struct part_row) {
		.number = number,
		.blob = blob,
		.size = body->size,
		.etag = object_etag(call->arena, body),
	};
	return blob_check(call, body, err) &&
	    store_blob_announce(call->svc->db, call->arena, blob, err) &&
	    blob_take(call, body, blob, err) && publish_part(call, upload_id, out, err);
}

bool
objects_part_copy(const struct call *call, const char *upload_id, int number,
    const struct object_row *source, int64_t first, int64_t size, struct part_row *out,
    struct error *err)
{
	const struct object_body unknown = { .size = size };
	const struct blob_piece piece = { source->blob, first, size };
	char *blob = arena_alloc(call->arena, BLOB_NAME);
	bool whole = first == 0 && size == source->size;

	blob_name(blob);
	*out = (struct part_row) {
		.number = number,
		.blob = blob,
		.size = size,
		.etag = object_etag(call->arena, &unknown),
	};
	return objects_room(call->svc, call->arena, whole ? 0 : size, err) &&
	    store_blob_announce(call->svc->db, call->arena, blob, err) &&
	    (whole ? blob_link(call, source->blob, blob, err) :
		     blob_join(call, &piece, 1, blob, err)) &&
	    publish_part(call, upload_id, out, err);
}

bool
objects_parts_list(const struct call *call, const char *upload_id, int after, int max,
    struct part_row **out, size_t *n, bool *truncated, struct error *err)
{
	if (!store_object_parts_list(call->svc->db, call->arena, upload_id, after, max + 1, out, n,
		err))
		return false;
	*truncated = *n > (size_t)max;
	if (*truncated)
		*n = (size_t)max;
	return true;
}

/*
 * Claims against what is there: numbers ascend, each part exists with the ETag that was answered.
 */
static bool
match_parts(const struct object_part_claim *claims, size_t n, const struct part_row *rows,
    size_t nrows, struct blob_piece *pieces, int64_t *size, struct error *err)
{
	size_t at = 0;

	*size = 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && claims[i].number <= claims[i - 1].number)
			return error_slug(err, ERR_MALFORMED, "InvalidPartOrder",
			    "The parts must be listed in ascending order, each once.");
		while (at < nrows && rows[at].number < claims[i].number)
			at++;
		if (at == nrows || rows[at].number != claims[i].number ||
		    !str_eq(rows[at].etag, claims[i].etag))
			return error_slug(err, ERR_MALFORMED, "InvalidPart",
			    "Part %d was not uploaded, or its ETag is another.", claims[i].number);
		pieces[i] = (struct blob_piece) { rows[at].blob, 0, rows[at].size };
		*size += rows[at].size;
	}
	if (n == 0)
		return error_slug(err, ERR_MALFORMED, "MalformedXML", "No part is listed.");
	if (*size > OBJECT_SIZE_MAX)
		return error_slug(err, ERR_MALFORMED, "EntityTooLarge",
		    "The parts together are larger than an object may be.");
	return true;
}

/* As S3 does it where every part has an MD5: the MD5 of these, and the number of parts. */
static const char *
joined_etag(struct arena *arena, const struct object_part_claim *claims, size_t n)
{
	unsigned char sum[MD5_SIZE], part[MD5_SIZE];
	struct buf all;

	buf_init(&all, arena, 0);
	for (size_t i = 0; i < n; i++) {
		if (hex_decode(claims[i].etag, part, sizeof(part)))
			buf_add(&all, part, sizeof(part));
		else
			buf_adds(&all, claims[i].etag);
	}
	md5(all.data, all.len, sum);
	return arena_printf(arena, "%s-%zu", hex_encode(arena, sum, sizeof(sum)), n);
}

bool
objects_upload_complete(const struct call *call, const char *bucket, const char *key,
    const char *id, const struct object_part_claim *claims, size_t n, struct object_row *out,
    struct error *err)
{
	struct blob_piece *pieces = arena_array(call->arena, n + 1, sizeof(*pieces));
	char *blob = arena_alloc(call->arena, BLOB_NAME);
	struct upload_row upload;
	struct part_row *rows;
	size_t nrows;
	bool published;

	blob_name(blob);
	if (!objects_upload_find(call, bucket, key, id, &upload, err) ||
	    !store_object_parts_list(call->svc->db, call->arena, id, 0, OBJECT_PARTS_MAX, &rows,
		&nrows, err))
		return false;
	*out = (struct object_row) { .key = key,
		.blob = blob,
		.content_type = upload.content_type,
		.headers = upload.headers };
	if (!match_parts(claims, n, rows, nrows, pieces, &out->size, err) ||
	    !objects_room(call->svc, call->arena, n > 1 ? out->size : 0, err))
		return false;
	out->etag = joined_etag(call->arena, claims, n);
	if (!store_blob_announce(call->svc->db, call->arena, blob, err) ||
	    !(n == 1 ? blob_link(call, pieces[0].blob, blob, err) :
		       blob_join(call, pieces, n, blob, err)) ||
	    !store_object_publish(call->svc->db, call->arena, bucket, out, false, NULL, id,
		&out->created_at, &published, err))
		return false;
	return published || no_such_upload(err);
}
