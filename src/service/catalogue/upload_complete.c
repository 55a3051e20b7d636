/* The end of an upload: complete hands it to the worker, abort discards it. */
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media_purge.h"
#include "service/services.h"
#include "service/catalogue/upload.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_media.h"
#include "store/store_uploads.h"

#include "core/banned.h"

static bool
refuse_ended(const struct upload *u, struct error *err)
{
	if (str_eq(u->status, "aborted"))
		return error_slug(err, ERR_CONFLICT, "upload_aborted",
		    "This upload was canceled. Start a new upload.");
	return error_slug(err, ERR_CONFLICT, "upload_expired",
	    "This upload has expired. Start a new upload.");
}

/* The parts that the store has, if they are all. ERR_NOT_FOUND: it does not know the upload. */
static bool
parts_there(const struct call *call, const struct upload *u, struct s3_part **list, size_t *n,
    struct error *err)
{
	struct upload_part_sent *sent;
	int count = upload_part_count(u);

	if (!s3_multipart_parts(call->svc->s3, call->arena, u->object_key, u->multipart_id, &sent,
		n, err))
		return false;
	if (*n < (size_t)count)
		return error_slug(err, ERR_CONFLICT, "upload_missing",
		    "%zu of %d parts have arrived. Send the others first.", *n, count);
	*list = arena_array(call->arena, *n, sizeof(**list));
	for (size_t i = 0; i < *n; i++)
		(*list)[i] = (struct s3_part) { sent[i].number, sent[i].etag };
	return true;
}

static bool
parts_claimed(const struct call *call, const struct upload *u, const struct upload_etags *parts,
    struct s3_part **list, struct error *err)
{
	if (u->multipart_id == NULL)
		return error_slug(err, ERR_CONFLICT, "not_multipart",
		    "This upload has no parts. Send the file in one request.");
	if (parts->n != (size_t)upload_part_count(u))
		return error_slug(err, ERR_CONFLICT, "parts_rejected",
		    "This upload has %d parts, but %zu were named.", upload_part_count(u),
		    parts->n);
	*list = arena_array(call->arena, parts->n, sizeof(**list));
	for (size_t i = 0; i < parts->n; i++)
		(*list)[i] = (struct s3_part) { parts->items[i].number, parts->items[i].etag };
	return true;
}

/*
 * Joins the parts. If an earlier call has joined them and failed afterwards, the store no longer
 * knows them: then only the object under the key counts, and the caller checks it.
 */
static bool
join_parts(const struct call *call, const struct upload *u, const struct upload_etags *parts,
    struct error *err)
{
	size_t n = parts->n;
	struct s3_part *list = NULL;

	if (n == 0 && u->multipart_id == NULL)
		return true;
	if (n == 0 ? !parts_there(call, u, &list, &n, err) :
		     !parts_claimed(call, u, parts, &list, err))
		return err->code == ERR_NOT_FOUND;
	if (s3_multipart_complete(call->svc->s3, u->object_key, u->multipart_id, list, n, err) ||
	    err->code == ERR_NOT_FOUND)
		return true;
	if (err->code == ERR_UPSTREAM)
		error_slug(err, ERR_CONFLICT, "parts_rejected",
		    "The object store rejected these parts. Check their ETags, or send them"
		    " again.");
	return false;
}

static bool
check_object(struct services *svc, const struct upload *u, struct error *err)
{
	struct s3_object object;

	if (!s3_head(svc->s3, u->object_key, &object, err)) {
		if (err->code != ERR_NOT_FOUND)
			return false;
		return error_slug(err, ERR_CONFLICT, "upload_missing",
		    "No file has arrived for this upload. Send the file first.");
	}
	if (object.size != u->size)
		return error_slug(err, ERR_CONFLICT, "size_mismatch",
		    "%lld bytes were announced, but %lld arrived. Send the file again.",
		    (long long)u->size, (long long)object.size);
	return true;
}

/* In the transaction. *moved false: there is nothing to commit. */
static bool
hand_over_in(const struct call *call, const struct upload *u, struct upload_completed *done,
    struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_upload_complete(call->svc->db, call->arena, u, &reader, done, err) &&
	    done->moved && media_job(call, u->media_id, u->id, u->content_type, err);
}

/*
 * One transaction: completes the upload, makes the item wait for the worker, and adds the job. Does
 * nothing if the upload was no longer completing: the caller checks.
 */
static bool
hand_over(const struct call *call, const struct upload *u, struct upload_completed *done,
    struct error *err)
{
	error_clear(err);
	if (!db_begin(call->svc->db, err))
		return false;
	return db_end(call->svc->db, hand_over_in(call, u, done, err), err) ||
	    (!done->moved && err->code == ERR_NONE);
}

/* Back to pending, so that the client may send the file again. */
static void
take_back(const struct call *call, const struct upload *u)
{
	const struct upload_move back = { u->id, "{completing}", "pending" };
	struct error ignored;
	bool moved;

	(void)store_upload_move(call->svc->db, call->arena, &back, &moved, &ignored);
}

bool
upload_complete(const struct call *call, const char *id, const struct upload_etags *parts,
    struct media *media, struct error *err)
{
	struct upload_completed done;
	struct upload u;

	if (!store_upload_begin_completing(call->svc->db, call->arena, id, call->by.who->user_id,
		&u, err))
		return false;
	if (str_eq(u.status, "completed"))
		return media_get(call, u.media_id, media, err);
	if (u.expired || str_eq(u.status, "aborted") || str_eq(u.status, "expired"))
		return refuse_ended(&u, err);
	if (!join_parts(call, &u, parts, err) || !check_object(call->svc, &u, err)) {
		take_back(call, &u);
		return false;
	}
	if (!hand_over(call, &u, &done, err))
		return false;
	if (done.moved) {
		media_announce(call, "media.created", u.media_id, done.scopes);
		*media = done.media;
		return true;
	}
	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u, err))
		return false;
	return str_eq(u.status, "completed") ? media_get(call, u.media_id, media, err) :
					       refuse_ended(&u, err);
}

/* In the transaction. */
static bool
abort_in(const struct call *call, const struct upload *u, struct error *err)
{
	const struct upload_move move = { u->id, "{pending}", "aborted" };
	bool moved;

	if (!store_upload_move(call->svc->db, call->arena, &move, &moved, err))
		return false;
	if (!moved)
		return error_slug(err, ERR_CONFLICT, "upload_completed",
		    "This upload is complete. Delete the item instead.");
	return store_media_delete(call->svc->db, call->arena, u->media_id, err) &&
	    media_purge_add(call, u->media_id, u->id, err);
}

/*
 * After the commit. What fails here, or is too early because a foreign store still takes the file,
 * is left to upkeep.uploads; the bytes count until then.
 */
static bool
remove_now(const struct call *call, const struct upload *u, struct error *err)
{
	error_clear(err);
	return (u->multipart_id == NULL ||
		   s3_multipart_abort(call->svc->s3, u->object_key, u->multipart_id, err)) &&
	    s3_delete(call->svc->s3, u->object_key, err) &&
	    store_uploads_release(call->svc->db, call->arena, (struct strings) { &u->id, 1 },
		config_bool(call->svc->config, CFG_STORAGE_EMBEDDED), err);
}

bool
upload_abort(const struct call *call, const char *id, struct error *err)
{
	struct error failed;
	struct upload u;

	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u, err))
		return false;
	if (str_eq(u.status, "aborted") || str_eq(u.status, "expired"))
		return true;
	if (!db_begin(call->svc->db, err) || !db_end(call->svc->db, abort_in(call, &u, err), err))
		return false;
	if (!remove_now(call, &u, &failed))
		log_warn(call->svc->log, "a canceled upload is removed later: %s", failed.detail);
	return true;
}
