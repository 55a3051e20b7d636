/* Uploads in parts: each part is a blob, and completing the upload joins them. */
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
	    "There is no such upload: it was completed, aborted or never started.");
}

bool
objects_upload_create(const struct call *call, const struct object_put *put, const char **id,
    struct error *err)
{
	unsigned char bytes[UPLOAD_ID_BYTES];
	struct upload_row row = {
		.key = put->key,
		.content_type = put->content_type,
		.headers = put->headers,
	};

	if (!object_key_valid(put->key))
		return error_slug(err, ERR_MALFORMED, "KeyTooLongError",
		    "A key must have 1 to %d bytes of UTF-8.", OBJECT_KEY_MAX);
	random_bytes(bytes, sizeof(bytes));
	row.id = *id = hex_encode(call->arena, bytes, sizeof(bytes));
	return objects_bucket_require(call, put->bucket, err) &&
	    store_object_upload_create(call->svc->db, call->arena, put->bucket, &row, err);
}

static bool
name_valid(const struct object_upload_name *name)
{
	return utf8_valid(name->id, strlen(name->id)) && object_key_valid(name->object.key);
}

bool
objects_upload_find(const struct call *call, const struct object_upload_name *name,
    struct upload_row *out, struct error *err)
{
	out->id = NULL;
	if (name_valid(name) &&
	    !store_object_upload_find(call->svc->db, call->arena, name, out, err))
		return false;
	return out->id != NULL || no_such_upload(err);
}

bool
objects_upload_abort(const struct call *call, const struct object_upload_name *name,
    struct error *err)
{
	bool deleted = false;

	if (name_valid(name) &&
	    !store_object_upload_delete(call->svc->db, call->arena, name, &deleted, err))
		return false;
	if (deleted)
		object_collect_now(call, name->object.key);
	return deleted || no_such_upload(err);
}

/* Nothing was published: because the upload is gone, or the blob had no name any longer. */
static bool
not_published(const struct call *call, const struct object_upload_name *name, const char *blob,
    struct error *err)
{
	struct upload_row upload;

	return objects_upload_find(call, name, &upload, err) && blob_unannounced(blob, err);
}

static bool
publish_part(const struct call *call, const struct object_upload_name *name,
    struct part_publication *part, struct error *err)
{
	bool published;

	if (!store_object_part_publish(call->svc->db, call->arena, part, &published, err))
		return false;
	if (published && part->replaced && part->client != NULL)
		object_collect_now(call, OBJECT_CLIENT_PREFIX);
	if (published)
		return true;
	if (!store_blobs_announce(call->svc->db, call->arena,
		(struct strings) { &part->row->blob, 1 }, err))
		return false;
	if (part->client != NULL) {
		blob_unlink(call, part->row->blob); /* the quota does not count it */
		if (!objects_client_check(call, part->client, part->upload_id, err))
			return false;
	}
	return not_published(call, name, part->row->blob, err);
}

bool
objects_part_put(const struct call *call, const struct object_upload_name *name, int number,
    const struct object_body *body, struct part_row *out, struct error *err)
{
	struct part_publication part = { name->id, out, body->upload, false };
	char *blob = arena_alloc(call->arena, BLOB_NAME);

	*out = (struct part_row) {
		.number = number,
		.blob = blob,
		.size = body->size,
		.etag = object_etag(call->arena, body),
	};
	return blob_check(call, body, err) &&
	    (body->upload == NULL || objects_client_check(call, body->upload, name->id, err)) &&
	    blob_name(call, blob, err) && blob_take(call, body, blob, err) &&
	    publish_part(call, name, &part, err);
}

bool
objects_part_copy(const struct call *call, const struct object_upload_name *name, int number,
    const struct object_slice *slice, struct part_row *out, struct error *err)
{
	const struct object_body unknown = { .size = slice->size };
	const struct blob_piece piece = { slice->source->blob, slice->first, slice->size };
	struct part_publication part = { name->id, out, NULL, false };
	char *blob = arena_alloc(call->arena, BLOB_NAME);
	bool whole = slice->first == 0 && slice->size == slice->source->size;

	*out = (struct part_row) {
		.number = number,
		.blob = blob,
		.size = slice->size,
		.etag = object_etag(call->arena, &unknown),
	};
	return objects_room(call->svc, call->arena, whole ? 0 : slice->size, err) &&
	    blob_name(call, blob, err) &&
	    (whole ? blob_link(call, slice->source->blob, blob, err) :
		     blob_join(call, &piece, 1, blob, err)) &&
	    publish_part(call, name, &part, err);
}

bool
objects_parts_list(const struct call *call, const struct part_range *range,
    struct object_parts *out, struct error *err)
{
	struct part_range one_more = *range;

	one_more.limit++;
	if (!store_object_parts_list(call->svc->db, call->arena, &one_more, &out->items, &out->n,
		err))
		return false;
	out->truncated = out->n > (size_t)range->limit;
	if (out->truncated)
		out->n = (size_t)range->limit;
	return true;
}

/*
 * Checks the client's list of parts: the numbers ascend, and each part exists with the same ETag.
 */
static bool
match_parts(const struct object_part_claims *list, const struct object_parts *parts,
    struct blob_piece *pieces, int64_t *size, struct error *err)
{
	const struct object_part_claim *claims = list->items;
	const struct part_row *rows = parts->items;
	size_t at = 0;

	*size = 0;
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0 && claims[i].number <= claims[i - 1].number)
			return error_slug(err, ERR_MALFORMED, "InvalidPartOrder",
			    "The parts must be listed in ascending order, each once.");
		while (at < parts->n && rows[at].number < claims[i].number)
			at++;
		if (at == parts->n || rows[at].number != claims[i].number ||
		    !str_eq(rows[at].etag, claims[i].etag))
			return error_slug(err, ERR_MALFORMED, "InvalidPart",
			    "Part %d was not uploaded, or its ETag does not match.",
			    claims[i].number);
		pieces[i] = (struct blob_piece) { rows[at].blob, 0, rows[at].size };
		*size += rows[at].size;
	}
	if (list->n == 0)
		return error_slug(err, ERR_MALFORMED, "MalformedXML",
		    "The request lists no parts.");
	if (*size > OBJECT_SIZE_MAX)
		return error_slug(err, ERR_MALFORMED, "EntityTooLarge",
		    "The parts together exceed the maximum size of an object.");
	return true;
}

/* As in S3 if every part has an MD5: the MD5 of the MD5s, and the number of parts. */
static const char *
joined_etag(struct arena *arena, const struct object_part_claims *claims)
{
	unsigned char sum[MD5_SIZE], part[MD5_SIZE];
	struct buf all;

	buf_init(&all, arena, 0);
	for (size_t i = 0; i < claims->n; i++) {
		if (hex_decode(claims->items[i].etag, part, sizeof(part)))
			buf_add(&all, part, sizeof(part));
		else
			buf_adds(&all, claims->items[i].etag);
	}
	md5(all.data, all.len, sum);
	return arena_printf(arena, "%s-%zu", hex_encode(arena, sum, sizeof(sum)), claims->n);
}

static const char *
part_sizes(struct arena *arena, const struct blob_piece *pieces, size_t n)
{
	const char **sizes = arena_array(arena, n + 1, sizeof(*sizes));

	for (size_t i = 0; i < n; i++)
		sizes[i] = db_int(arena, pieces[i].size);
	return db_array(arena, sizes, n);
}

bool
objects_upload_complete(const struct call *call, const struct object_upload_name *name,
    const struct object_part_claims *claims, struct object_row *out, struct error *err)
{
	const struct part_range all = { .upload_id = name->id, .limit = OBJECT_PARTS_MAX };
	struct object_publication publication = {
		.bucket = name->object.bucket,
		.upload_id = name->id,
	};
	struct blob_piece *pieces = arena_array(call->arena, claims->n + 1, sizeof(*pieces));
	char *blob = arena_alloc(call->arena, BLOB_NAME);
	struct object_row *row = &publication.row;
	struct object_parts parts;
	struct upload_row upload;
	bool published;

	if (!objects_upload_find(call, name, &upload, err) ||
	    !store_object_parts_list(call->svc->db, call->arena, &all, &parts.items, &parts.n, err))
		return false;
	*row = (struct object_row) { .key = name->object.key,
		.blob = blob,
		.content_type = upload.content_type,
		.headers = upload.headers };
	if (!match_parts(claims, &parts, pieces, &row->size, err) ||
	    !objects_room(call->svc, call->arena, claims->n > 1 ? row->size : 0, err))
		return false;
	row->etag = joined_etag(call->arena, claims);
	publication.part_sizes = part_sizes(call->arena, pieces, claims->n);
	if (!blob_name(call, blob, err) ||
	    !(claims->n == 1 ? blob_link(call, pieces[0].blob, blob, err) :
			       blob_join(call, pieces, claims->n, blob, err)) ||
	    !blob_check_object(call, blob, &claims->checksum, pieces, claims->n, err) ||
	    !store_object_publish(call->svc->db, call->arena, &publication, &published, err))
		return false;
	*out = publication.row;
	return published || not_published(call, name, blob, err);
}
