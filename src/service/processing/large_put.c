#include "service/processing/large_put.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/processing/patience.h"
#include "service/services.h"
#include "store/s3.h"

#include "core/banned.h"

/* An upload in parts that has begun. */
struct upload {
	const struct large_put *put;
	const char *id;
	struct s3_part *parts;
	size_t n;
};

static struct s3 *
store(const struct large_put *put)
{
	return put->call->svc->s3;
}

/* More than S3_PARTS_MAX of the usual size take larger ones. */
static int64_t
part_size(int64_t size)
{
	int64_t least = (size + S3_PARTS_MAX - 1) / S3_PARTS_MAX;

	return least > LARGE_PUT_PART ? least : LARGE_PUT_PART;
}

static bool
send_part(struct upload *up, int64_t from, int64_t size, struct error *err)
{
	const struct large_put *put = up->put;
	struct s3_part *part = &up->parts[up->n++];
	const struct s3_part_put piece = { .key = put->key,
		.upload_id = up->id,
		.number = (int)up->n,
		.fd = put->fd,
		.from = from,
		.size = (size_t)size };

	part->number = piece.number;
	for (int tries = 1; !s3_put_part(store(put), put->call->arena, &piece, &part->etag, err);
	    tries++)
		if (!patience(put->env, tries, LARGE_PUT_TRIES, err))
			return false;
	return true;
}

static bool
send_parts(struct upload *up, struct error *err)
{
	const struct large_put *put = up->put;
	const int64_t most = part_size(put->size);
	int64_t size;

	up->parts =
	    arena_array(put->call->arena, (size_t)(put->size / most) + 1, sizeof(*up->parts));
	for (int64_t from = 0; from < put->size; from += size) {
		size = put->size - from < most ? put->size - from : most;
		if (patience_ended(put->env, err) ||
		    (put->go_on != NULL && !put->go_on(put->context, err)) ||
		    !send_part(up, from, size, err))
			return false;
	}
	return s3_multipart_complete(store(put), put->key, up->id, up->parts, up->n, err);
}

bool
large_put(const struct large_put *put, struct error *err)
{
	struct upload up = { .put = put };
	struct error ignored;

	if (put->size <= LARGE_PUT_PART)
		return s3_put_fd(store(put), put->key, put->fd, put->size, put->content_type, err);
	if (!s3_multipart_create(store(put), put->call->arena, put->key, put->content_type, &up.id,
		err))
		return false;
	if (send_parts(&up, err))
		return true;
	if (!s3_multipart_abort(store(put), put->key, up.id, &ignored))
		log_warn(put->call->svc->log, "parts of %s stay in the store for now: %s %s",
		    put->key, ignored.message, ignored.detail);
	return false;
}
