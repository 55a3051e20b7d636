#include "service/catalogue/media_trash.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_purge.h"
#include "service/job.h"
#include "service/notify/hook_out.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_uploads.h"

#include "core/banned.h"

#define PURGE_BATCH 100 /* items of one transaction */
#define DAY_US (86400 * US_PER_SEC)

/* Removes the row and, by a job that commits with it, every object of the item. */
static bool
purge_one(const struct call *call, const char *id, struct error *err)
{
	const char *upload_id;

	if (!store_media_upload(call->svc->db, call->arena, id, &upload_id, err))
		return false;
	/* A foreign store still takes the file under the presigned URL that the client has. */
	return (config_bool(call->svc->config, CFG_STORAGE_EMBEDDED) ||
		   store_upload_hold(call->svc->db, call->arena, id, err)) &&
	    store_media_delete(call->svc->db, call->arena, id, err) &&
	    media_purge_add(call, id, upload_id, err);
}

/* The video of a live photo goes with it. */
bool
media_purge_item(const struct call *call, const char *id, struct error *err)
{
	struct strings clips;

	if (!store_media_clips(call->svc->db, call->arena, id, &clips, err))
		return false;
	for (size_t i = 0; i < clips.n; i++)
		if (!purge_one(call, clips.items[i], err))
			return false;
	return purge_one(call, id, err);
}

/* To other servers, in the transaction. */
bool
media_deletion_told(const struct call *call, const char *id, const char *kind, const char *how,
    struct error *err)
{
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "mediaId", id);
	json_put_str(data, "kind", kind);
	json_put_str(data, "deletion", how);
	json_object_end(data);
	return hook_out(call, "media.deleted", data->buf.data, err);
}

/* In the transaction: purges some items that were moved to the trash before `before`. */
static bool
purge_in(const struct call *call, int64_t before, size_t *purged, struct error *err)
{
	struct strings ids, scopes;

	if (!store_media_trash_due(call->svc->db, call->arena, before, PURGE_BATCH, &ids, err))
		return false;
	for (size_t i = 0; i < ids.n; i++)
		if (!store_media_scopes(call->svc->db, call->arena, ids.items[i], &scopes, err) ||
		    !media_purge_item(call, ids.items[i], err))
			return false;
	*purged = ids.n;
	return true;
}

int64_t
media_purge_at(const struct config *config, const struct media *m)
{
	return m->trashed_at + config_int(config, CFG_TRASH_DAYS) * DAY_US;
}

bool
media_purge_expired(const struct call *call, size_t *purged, struct error *err)
{
	int64_t before = clock_now() - config_int(call->svc->config, CFG_TRASH_DAYS) * DAY_US;
	size_t n = 0;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, purge_in(call, before, &n, err), err))
		return false;
	if (n > 0)
		log_info(call->svc->log, "trash: %zu items purged", n);
	if (purged != NULL)
		*purged = n;
	return true;
}

/* Items of one transaction, and the scopes that lose each of them. */
struct batch {
	struct strings ids, kinds;
	struct strings scopes[PURGE_BATCH];
};

static bool
empty_in(const struct call *call, const struct media_own_trash *own, struct batch *b,
    struct error *err)
{
	if (!store_media_own_trash(call->svc->db, call->arena, own, &b->ids, &b->kinds, err))
		return false;
	for (size_t i = 0; i < b->ids.n; i++)
		if (!store_media_scopes(call->svc->db, call->arena, b->ids.items[i], &b->scopes[i],
			err) ||
		    !media_purge_item(call, b->ids.items[i], err) ||
		    !media_deletion_told(call, b->ids.items[i], b->kinds.items[i], "purge", err))
			return false;
	return true;
}

static bool
empty_batch(const struct call *call, const struct media_own_trash *own, int64_t *n,
    struct error *err)
{
	struct batch *b = arena_alloc(call->arena, sizeof(*b));

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, empty_in(call, own, b, err), err))
		return false;
	for (size_t i = 0; i < b->ids.n; i++)
		media_announce(call, "media.deleted", b->ids.items[i], b->scopes[i]);
	*n = (int64_t)b->ids.n;
	return true;
}

static bool
empty_later(const struct call *call, const struct media_own_trash *own, struct error *err)
{
	const char *owner = own->owner_id;
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "userId", owner);
	json_put_time(payload, "before", own->before);
	json_object_end(payload);
	return job_add(call, JOB_TRASH_EMPTY, payload->buf.data, NULL, 0, err);
}

bool
media_trash_empty(const struct call *call, int64_t *deleted, int64_t *left, struct error *err)
{
	const struct media_own_trash own = {
		.owner_id = call->by.who->user_id, .before = clock_now(), .limit = PURGE_BATCH
	};

	*left = 0;
	return empty_batch(call, &own, deleted, err) &&
	    (*deleted < PURGE_BATCH ||
		store_media_own_trash_left(call->svc->db, call->arena, &own, left, err)) &&
	    (*left == 0 || empty_later(call, &own, err));
}

bool
trash_empty_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	struct media_own_trash own = { .limit = PURGE_BATCH };
	int64_t n = PURGE_BATCH;
	struct arena arena;
	struct call batch = *call;
	bool ok = true;

	if (payload == NULL)
		return false;
	own.owner_id = json_str(payload, "userId", "");
	if (!uuid_valid(own.owner_id) ||
	    !time_parse_rfc3339(json_str(payload, "before", ""), &own.before))
		return error_set(err, ERR_INTERNAL, "The job does not name a trash.");
	arena_init(&arena);
	batch.arena = &arena;
	while (ok && n == PURGE_BATCH && !*env->stop) {
		ok = empty_batch(&batch, &own, &n, err);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	if (ok && n == PURGE_BATCH)
		return error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker is being stopped.");
	return ok && store_job_done(call->svc->db, call->arena, job, err);
}
