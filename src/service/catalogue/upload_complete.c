/* The end of an upload: completed and handed to the worker, or aborted. */
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "service/catalogue/upload.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_uploads.h"

#include "core/banned.h"

static bool
refuse_ended(const struct upload *u, struct error *err)
{
	if (str_eq(u->status, "aborted"))
		return error_slug(err, ERR_CONFLICT, "upload_aborted", "This upload was aborted.");
	return error_slug(err, ERR_CONFLICT, "upload_expired",
	    "The time for this upload is over: begin anew.");
}

/*
 * Joins the parts. Joined already by an earlier call that went no further, they are unknown to the
 * store: then only what lies under the key counts, and the caller looks at that.
 */
static bool
join_parts(const struct call *call, const struct upload *u, const struct upload_etag *parts,
    size_t n, struct error *err)
{
	struct s3_part *list;

	if (n == 0)
		return true;
	if (u->multipart_id == NULL)
		return error_slug(err, ERR_CONFLICT, "not_multipart",
		    "This upload is made in one piece.");
	list = arena_array(call->arena, n, sizeof(*list));
	for (size_t i = 0; i < n; i++)
		list[i] = (struct s3_part) { parts[i].number, parts[i].etag };
	if (s3_multipart_complete(call->svc->s3, call->arena, u->object_key, u->multipart_id, list,
		n, err) ||
	    err->code == ERR_NOT_FOUND)
		return true;
	if (err->code == ERR_UPSTREAM)
		error_slug(err, ERR_CONFLICT, "parts_rejected",
		    "The object store does not accept these parts.");
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
		    "Nothing has arrived for this upload.");
	}
	if (object.size != u->size)
		return error_slug(err, ERR_CONFLICT, "size_mismatch",
		    "%lld bytes were announced, %lld arrived.", (long long)u->size,
		    (long long)object.size);
	return true;
}

struct handed {
	const char **scopes;
	size_t nscopes;
	bool moved;
};

/* One transaction: the upload is completed, the item waits for the worker, and the job is there. */
static bool
hand_over(const struct call *call, const struct upload *u, struct handed *h, struct error *err)
{
	struct db *db = call->svc->db;
	bool started;

	if (!db_begin(db, err))
		return false;
	if (!store_upload_move(db, call->arena, u->id, "{pending,completing}", "completed",
		&h->moved, err))
		goto undo;
	/* another call was faster, or it was aborted or has expired: the caller looks */
	if (!h->moved) {
		db_rollback(db);
		return true;
	}
	if (!store_media_start(db, call->arena, u->media_id, "{pending}", &started, err) ||
	    !store_media_event_add(db, call->arena, u->media_id, "upload", "done", NULL, err) ||
	    !store_media_event_add(db, call->arena, u->media_id, "queue", "done", NULL, err) ||
	    !media_job(call, u->media_id, u->id, u->content_type, err) ||
	    !store_media_scopes(db, call->arena, u->media_id, &h->scopes, &h->nscopes, err) ||
	    !db_commit(db, err))
		goto undo;
	return true;
undo:
	db_rollback(db);
	return false;
}

bool
upload_complete(const struct call *call, const char *id, const struct upload_etag *parts,
    size_t nparts, struct media *media, struct error *err)
{
	struct handed h = { .moved = false };
	struct error ignored;
	struct upload u;
	bool moved;

	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u, err))
		return false;
	if (str_eq(u.status, "completed"))
		return media_get(call, u.media_id, media, err);
	if (u.expired || str_eq(u.status, "aborted") || str_eq(u.status, "expired"))
		return refuse_ended(&u, err);
	if (!store_upload_move(call->svc->db, call->arena, u.id, "{pending}", "completing", &moved,
		err))
		return false;
	if (!join_parts(call, &u, parts, nparts, err) || !check_object(call->svc, &u, err)) {
		/* The client may send it again. */
		(void)store_upload_move(call->svc->db, call->arena, u.id, "{completing}", "pending",
		    &moved, &ignored);
		return false;
	}
	if (!hand_over(call, &u, &h, err))
		return false;
	if (h.moved)
		media_announce(call, "media.created", u.media_id, h.scopes, h.nscopes);
	else if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u,
		     err) ||
	    (!str_eq(u.status, "completed") && !refuse_ended(&u, err)))
		return false;
	return media_get(call, u.media_id, media, err);
}

/* What the store still holds of it goes by a job that commits with the abort. */
static bool
add_cleanup(const struct call *call, const struct upload *u, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);
	struct job_new job = {
		.kind = JOB_MEDIA_PURGE_KIND,
		.queue = "quick",
		.request_id = call->by.request_id,
	};

	json_object(payload, NULL);
	json_put_str(payload, "mediaId", u->media_id);
	json_array(payload, "uploadIds");
	json_put_str(payload, NULL, u->id);
	json_array_end(payload);
	json_object_end(payload);
	job.payload = payload->buf.data;
	return store_job_add(call->svc->db, call->arena, &job, err);
}

bool
upload_abort(const struct call *call, const char *id, struct error *err)
{
	struct error ignored;
	struct upload u;
	bool moved;

	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u, err))
		return false;
	if (str_eq(u.status, "aborted") || str_eq(u.status, "expired"))
		return true;
	if (!db_begin(call->svc->db, err))
		return false;
	if (!store_upload_move(call->svc->db, call->arena, u.id, "{pending}", "aborted", &moved,
		err))
		goto undo;
	if (!moved) {
		error_slug(err, ERR_CONFLICT, "upload_completed",
		    "This upload is complete: delete the item instead.");
		goto undo;
	}
	if (!store_media_delete(call->svc->db, call->arena, u.media_id, err) ||
	    !add_cleanup(call, &u, err) || !db_commit(call->svc->db, err))
		goto undo;
	/* The store drops parts that nobody joins by itself, only later. */
	if (u.multipart_id != NULL &&
	    !s3_multipart_abort(call->svc->s3, u.object_key, u.multipart_id, &ignored))
		log_warn(call->svc->log, "parts of an aborted upload stay behind: %s",
		    ignored.detail);
	return true;
undo:
	db_rollback(call->svc->db);
	return false;
}
