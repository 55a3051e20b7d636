#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "objectstore/objects_internal.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define BUCKET_MIN 3
#define BUCKET_MAX 63
#define OBJECT_COLLECT_BATCH 500 /* blobs of one call */

/*
 * The bucket that this process has written to last: it need not ask again, because a row in a
 * bucket that is gone violates a foreign key.
 */
static char bucket_known[BUCKET_MAX + 1];

bool
object_bucket_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= BUCKET_MIN && len <= BUCKET_MAX &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len && name[0] != '.' &&
	    name[0] != '-' && name[len - 1] != '.' && name[len - 1] != '-' &&
	    strstr(name, "..") == NULL;
}

bool
object_key_valid(const char *key)
{
	size_t len = strlen(key);

	return len > 0 && len <= OBJECT_KEY_MAX && utf8_valid(key, len);
}

static bool
no_such_bucket(struct error *err)
{
	return error_slug(err, ERR_NOT_FOUND, "NoSuchBucket", "There is no such bucket.");
}

bool
objects_bucket_create(const struct call *call, const char *bucket, struct error *err)
{
	bool created;

	if (!object_bucket_valid(bucket))
		return error_slug(err, ERR_MALFORMED, "InvalidBucketName",
		    "A bucket name must have 3 to 63 characters: a-z, 0-9, '.' and '-'.");
	return store_bucket_create(call->svc->db, call->arena, bucket, &created, err);
}

bool
objects_bucket_require(const struct call *call, const char *bucket, struct error *err)
{
	bool found = false;

	if (object_bucket_valid(bucket) &&
	    !store_bucket_find(call->svc->db, call->arena, bucket, &found, err))
		return false;
	/* our own bucket always exists */
	if (!found && str_eq(bucket, config_str(call->svc->config, CFG_STORAGE_BUCKET)))
		return store_bucket_create(call->svc->db, call->arena, bucket, &found, err);
	return found || no_such_bucket(err);
}

bool
objects_bucket_delete(const struct call *call, const char *bucket, struct error *err)
{
	bool deleted;

	if (!objects_bucket_require(call, bucket, err) ||
	    !store_bucket_delete(call->svc->db, call->arena, bucket, &deleted, err))
		return false;
	return deleted ||
	    error_slug(err, ERR_CONFLICT, "BucketNotEmpty",
		"The bucket still has objects or unfinished uploads.");
}

bool
objects_buckets(const struct call *call, struct bucket_row **out, size_t *n, struct error *err)
{
	return objects_bucket_require(call, config_str(call->svc->config, CFG_STORAGE_BUCKET),
		   err) &&
	    store_buckets(call->svc->db, call->arena, out, n, err);
}

static bool
no_such_key(struct error *err)
{
	return error_slug(err, ERR_NOT_FOUND, "NoSuchKey", "There is no such object.");
}

static bool
name_valid(struct object_name name)
{
	return object_bucket_valid(name.bucket) && object_key_valid(name.key);
}

bool
objects_find(const struct call *call, struct object_name name, struct object_row *out,
    struct error *err)
{
	if (!name_valid(name))
		return no_such_key(err);
	if (!store_object_find(call->svc->db, call->arena, name, out, err))
		return false;
	return out->key != NULL ||
	    (objects_bucket_require(call, name.bucket, err) && no_such_key(err));
}

bool
objects_find_part(const struct call *call, struct object_name name, int number,
    struct object_row *out, struct object_part_place *place, struct error *err)
{
	if (!name_valid(name))
		return no_such_key(err);
	if (!store_object_find_part(call->svc->db, call->arena, name, number, out, place, err))
		return false;
	if (out->key == NULL)
		return objects_bucket_require(call, name.bucket, err) && no_such_key(err);
	if (number > (place->parts > 0 ? place->parts : 1))
		return error_slug(err, ERR_MALFORMED, "InvalidPartNumber",
		    "The object does not have that many parts.");
	if (place->parts == 0) /* the whole object is its first part */
		place->size = out->size;
	return true;
}

const char *
object_etag(struct arena *arena, const struct object_body *body)
{
	unsigned char opaque[MD5_SIZE];

	if (body->md5 != NULL)
		return hex_encode(arena, body->md5, MD5_SIZE);
	random_bytes(opaque, sizeof(opaque));
	return arena_printf(arena, "%s-1", hex_encode(arena, opaque, sizeof(opaque)));
}

bool
objects_client_check(const struct call *call, const char *client, const char *part_of,
    struct error *err)
{
	bool open;

	if (!store_object_client_open(call->svc->db, call->arena, client, part_of, &open, err))
		return false;
	return open ||
	    error_slug(err, ERR_FORBIDDEN, "AccessDenied",
		"This upload has ended, or the file is sent in another form.");
}

static bool
store_row(const struct call *call, const struct object_put *put,
    struct object_publication *publication, bool *published, struct error *err)
{
	if (store_object_publish(call->svc->db, call->arena, publication, published, err))
		return true;
	if (err->code != ERR_CONFLICT)
		return false;
	/* The bucket has been deleted, or is our own, which always exists. */
	error_clear(err);
	bucket_known[0] = '\0';
	return objects_bucket_require(call, put->bucket, err) &&
	    store_object_publish(call->svc->db, call->arena, publication, published, err);
}

/* The last step of every write: stores the row of a durable blob. */
static bool
publish(const struct call *call, const struct object_put *put, const struct object_row *row,
    struct object_row *out, struct error *err)
{
	struct object_publication publication = {
		.bucket = put->bucket,
		.row = *row,
		.only_new = put->only_new,
		.if_match = put->if_match,
		.client = put->body.upload,
	};
	bool published;

	if (!store_row(call, put, &publication, &published, err))
		return err->code == ERR_CONFLICT ? no_such_bucket(err) : false;
	*out = publication.row;
	if (published) {
		if (publication.replaced)
			object_collect_now(call, put->key);
		return true;
	}
	if (put->body.upload != NULL) {
		blob_unlink(call, row->blob); /* the quota does not count it */
		if (!objects_client_check(call, put->body.upload, NULL, err))
			return false;
	}
	if (put->if_match != NULL)
		return objects_find(call, (struct object_name) { put->bucket, put->key }, out,
			   err) &&
		    error_slug(err, ERR_PRECONDITION, "PreconditionFailed",
			"The object's ETag does not match.");
	if (put->only_new)
		return error_slug(err, ERR_PRECONDITION, "PreconditionFailed",
		    "The object already exists.");
	return blob_unannounced(row->blob, err);
}

static bool
check_target(const struct call *call, const struct object_put *put, struct error *err)
{
	if (!object_key_valid(put->key))
		return error_slug(err, ERR_MALFORMED, "KeyTooLongError",
		    "A key must have 1 to %d bytes of UTF-8.", OBJECT_KEY_MAX);
	if (str_eq(bucket_known, put->bucket))
		return true;
	if (!objects_bucket_require(call, put->bucket, err))
		return false;
	str_copy(bucket_known, sizeof(bucket_known), put->bucket);
	return true;
}

bool
objects_put(const struct call *call, const struct object_put *put, struct object_row *out,
    struct error *err)
{
	char blob[BLOB_NAME];
	struct object_row row = { .key = put->key,
		.blob = blob,
		.size = put->body.size,
		.content_type = put->content_type,
		.headers = put->headers };

	/* The client's upload may have ended while its body arrived. */
	if (!check_target(call, put, err) || !blob_check(call, &put->body, err) ||
	    (put->body.upload != NULL &&
		!objects_client_check(call, put->body.upload, NULL, err)) ||
	    !blob_name(call, blob, err) || !blob_take(call, &put->body, blob, err))
		return false;
	row.etag = object_etag(call->arena, &put->body);
	return publish(call, put, &row, out, err);
}

bool
objects_delete(const struct call *call, const char *bucket, struct strings keys, struct error *err)
{
	if (!objects_bucket_require(call, bucket, err) ||
	    !store_objects_delete(call->svc->db, call->arena, bucket, keys, err))
		return false;
	for (size_t i = 0; i < keys.n; i++)
		if (object_client_key(keys.items[i])) {
			object_collect_now(call, keys.items[i]);
			break;
		}
	return true;
}

bool
objects_copy(const struct call *call, const struct object_row *source,
    const struct object_put *target, struct object_row *out, struct error *err)
{
	char blob[BLOB_NAME];
	struct object_row row = *source;

	row.key = target->key;
	row.blob = blob;
	row.content_type = target->content_type;
	row.headers = target->headers;
	return check_target(call, target, err) && blob_name(call, blob, err) &&
	    blob_link(call, source->blob, blob, err) && publish(call, target, &row, out, err);
}

/*
 * Inside the transaction. The files are removed before the commit: if the commit fails, the rows
 * reappear, and unlinking again does no harm.
 */
static bool
collect_in(const struct call *call, store_garbage_fn *take, size_t *n, struct error *err)
{
	struct strings blobs;

	if (!take(call->svc->db, call->arena, OBJECT_COLLECT_BATCH, &blobs, err))
		return false;
	for (size_t i = 0; i < blobs.n; i++)
		blob_unlink(call, blobs.items[i]);
	*n = blobs.n;
	return true;
}

static bool
collect(const struct call *call, store_garbage_fn *take, size_t *n, struct error *err)
{
	*n = 0;
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, collect_in(call, take, n, err), err);
}

bool
object_client_key(const char *key)
{
	return str_starts(key, OBJECT_CLIENT_PREFIX);
}

void
object_collect_now(const struct call *call, const char *key)
{
	struct error failed;
	size_t n;

	if (!object_client_key(key))
		return;
	error_clear(&failed);
	/* The client waits: the rest is the tick's. */
	if (!collect(call, store_garbage_take_discarded, &n, &failed))
		log_warn(call->svc->log, "object store: garbage is removed later: %s",
		    failed.detail);
}

bool
objects_collect(const struct call *call, size_t *removed, struct error *err)
{
	size_t n;

	*removed = 0;
	if (!collect(call, store_garbage_take, &n, err))
		return false;
	*removed = n + blob_sweep_spool(call);
	return true;
}
