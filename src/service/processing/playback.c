#include "service/processing/playback.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/playback.h"
#include "service/gate/access.h"
#include "service/notify/notify.h"
#include "service/processing/derived.h"
#include "service/processing/job_run.h"
#include "service/processing/purge.h"
#include "service/processing/sandbox.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_playback.h"

#include "core/banned.h"

/* Of the free space: the store may keep its copy on the same disk. */
#define DISK_SHARE 2
#define DONE 100 /* percent: what is left is to store it */

/* A run of media.playback. */
struct run {
	const struct call *call;
	const struct job *job;
	struct playback_source from;
	struct sandbox_transcode terms;
	struct derived derived;
	bool gone; /* nobody wants it any more: the item was purged */
};

/* Tells those who asked and may see the item. */
static void
tell(const struct call *call, struct strings people, const char *type, const char *media_id,
    int progress, const char *code, const char *message)
{
	struct json *data = json_new(call->arena, 0);

	if (people.n == 0)
		return; /* for notify_event() that would be everybody */
	json_object(data, NULL);
	json_put_str(data, "mediaId", media_id);
	if (progress >= 0)
		json_put_int(data, "progress", progress);
	if (code != NULL) {
		json_object(data, "failure");
		json_put_str(data, "code", code);
		json_put_str(data, "message", message);
		json_object_end(data);
	}
	json_object_end(data);
	notify_event(call, people.items, people.n, type, data->buf.data);
}

static bool
is_off(const struct call *call)
{
	return str_eq(config_str(call->svc->config, CFG_MEDIA_TRANSCODE), PLAYBACK_OFF);
}

static bool
switched_off(struct error *err)
{
	return error_slug(err, ERR_UNPROCESSABLE, "transcoding_off",
	    "This server does not convert what browsers can't play. Download the file to play"
	    " it.");
}

/* The lease, the item and the setting may have gone meanwhile. */
static bool
report_in(const struct call *call, struct run *r, int percent, struct error *err)
{
	const char *id = r->derived.media_id;
	struct strings people;
	struct error why;
	bool wanted;

	error_clear(&why);
	/* Live settings that cannot be read stay as they were. */
	(void)access_refresh(call, NULL, &why);
	if (is_off(call))
		return switched_off(err);
	error_clear(&why);
	if (!store_playback_progress(call->svc->db, call->arena, r->job, id, percent, &wanted,
		&people, &why)) {
		if (!str_eq(error_slug_of(&why), "lease_lost"))
			return true; /* a database that is away for a moment ends no film */
		*err = why;
		return false;
	}
	r->gone = !wanted;
	if (r->gone)
		return error_set(err, ERR_NOT_FOUND, "The item was deleted meanwhile.");
	tell(call, people, "media.playback.progress", id, percent, NULL, NULL);
	return true;
}

/* Every two seconds for hours, so with memory of its own. False: it must not go on. */
static bool
report(struct run *r, int percent, struct error *err)
{
	struct arena arena;
	const struct call call = { r->call->svc, &arena, r->call->by };
	bool ok;

	arena_init(&arena);
	ok = report_in(&call, r, percent, err);
	arena_clear(&arena);
	return ok;
}

static bool
step(void *context, const struct process_line *line, struct error *err)
{
	struct run *r = context;

	if (str_eq(line->state, "failed")) {
		log_warn(r->call->svc->log,
		    "a video is encoded by " SANDBOX_ENCODER_SOFTWARE " in place of %s",
		    line->message != NULL ? line->message : "the encoder");
		return true;
	}
	return report(r, line->progress, err);
}

static bool
still_wanted(void *context, struct error *err)
{
	return report(context, DONE, err);
}

/* Of a worker that died while it stored: by the next one that makes a version of the item. */
static bool
abort_earlier(const struct run *r, struct error *err)
{
	return r->job->attempt == 1 ||
	    s3_multipart_abort_all(r->call->svc->s3, r->call->arena,
		arena_printf(r->call->arena, "derived/%s/", r->derived.media_id), err);
}

/* What may be written: within the limit, and with room for the store's copy. */
static bool
bound(struct run *r, struct error *err)
{
	const struct config *config = r->call->svc->config;
	struct statvfs fs;
	int64_t limit = config_int(config, CFG_MEDIA_TRANSCODE_LIMIT), room;

	if (statvfs(r->derived.scratch, &fs) != 0)
		return error_set(err, ERR_STORAGE_FULL,
		    "The scratch directory cannot be written: %s", strerror(errno));
	room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize / DISK_SHARE;
	if (room <= 0)
		return error_set(err, ERR_STORAGE_FULL, "The disk for previews is full.");
	if (limit > S3_OBJECT_MAX)
		limit = S3_OBJECT_MAX;
	r->terms = (struct sandbox_transcode) {
		.height = (int)config_int(config, CFG_MEDIA_TRANSCODE_HEIGHT),
		.encoder = config_str(config, CFG_MEDIA_TRANSCODE_ENCODER),
		.device = config_str(config, CFG_MEDIA_TRANSCODE_DEVICE),
		.copy = !r->from.playable,
		.max_bytes = limit < room ? limit : room,
	};
	return true;
}

static bool
fetch(struct run *r, struct error *err)
{
	int64_t most = r->from.size > 0 ? r->from.size : S3_OBJECT_MAX;

	if (derived_fetch(&r->derived, r->from.object_key, most, err))
		return true;
	if (err->code == ERR_NOT_FOUND)
		return error_slug(err, ERR_UNPROCESSABLE, "missing",
		    "The uploaded file is no longer in storage. Upload it again.");
	return false;
}

static bool
make(struct run *r, struct error *err)
{
	struct derived *d = &r->derived;

	if (!report(r, 0, err) || !abort_earlier(r, err) || !fetch(r, err) || !bound(r, err) ||
	    !derived_decode(d, err))
		return false;
	if (d->result.nassets != 1)
		return error_slug(err, ERR_INTERNAL, "sandbox_failed",
		    "The file could not be processed.");
	return derived_reserve(d, NULL, 0, err) && derived_put(d, err);
}

static bool
publish_in(struct run *r, struct strings *people, struct job_after *after, struct error *err)
{
	const struct call *call = r->call;
	const struct derived *d = &r->derived;
	struct playback_made made = { .key = d->keys[0],
		.content_type = d->result.assets[0].content_type };
	bool gone;

	(void)str_to_int(d->sizes[0], 0, INT64_MAX, &made.size);
	if (!store_job_done(call->svc->db, call->arena, r->job, err) ||
	    !store_playback_publish(call->svc->db, call->arena, d->media_id, &made, &gone, people,
		err))
		return false;
	if (gone)
		return purge_leftovers(call, d->media_id, NULL, err);
	after->media_id = d->media_id;
	/* What is over the limit now goes at once. */
	return job_add(call, JOB_UPKEEP_PLAYBACK, NULL, "every:upkeep.playback", 0, err) &&
	    store_media_scopes(call->svc->db, call->arena, d->media_id, &after->scopes, err);
}

static bool
publish(struct run *r, struct error *err)
{
	struct job_after after = { .media_id = NULL };
	struct db *db = r->call->svc->db;
	struct strings people = { NULL, 0 };

	if (!db_begin(db, err) || !db_end(db, publish_in(r, &people, &after, err), err))
		return false;
	job_after_commit(r->call, &after);
	tell(r->call, people, "media.playback.ready", r->derived.media_id, -1, NULL, NULL);
	return true;
}

/* Completes the job: trying again would not help. */
static bool
finish_failed(struct run *r, const struct error *why, struct error *err)
{
	const struct call *call = r->call;
	struct db *db = call->svc->db;
	const char *id = r->derived.media_id, *code = error_slug_of(why);
	struct strings people = { NULL, 0 };
	bool gone;

	log_info(call->svc->log, "media %s cannot be played: %s: %s %s", id, code, why->message,
	    why->detail);
	if (!db_begin(db, err) ||
	    !db_end(db,
		store_job_done(db, call->arena, r->job, err) &&
		    store_playback_fail(db, call->arena, id, code, why->message, &gone, &people,
			err) &&
		    (!gone || purge_leftovers(call, id, NULL, err)),
		err))
		return false;
	tell(call, people, "media.playback.failed", id, -1, code, why->message);
	return true;
}

static bool
finish_gone(struct run *r, struct error *err)
{
	struct db *db = r->call->svc->db;

	return db_begin(db, err) &&
	    db_end(db,
		store_job_done(db, r->call->arena, r->job, err) &&
		    purge_leftovers(r->call, r->derived.media_id, NULL, err),
		err);
}

static bool
take_payload(const struct call *call, const struct job *job, const char **media_id,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);

	if (payload == NULL)
		return false;
	*media_id = json_str(payload, "mediaId", "");
	return uuid_valid(*media_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name an item.");
}

bool
playback_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct run *r = arena_alloc(call->arena, sizeof(*r));
	struct error why;
	bool ok;

	*r = (struct run) { .call = call, .job = job };
	r->derived = (struct derived) {
		.call = call,
		.env = env,
		.job = job,
		.step = step,
		.go_on = still_wanted,
		.context = r,
		.transcode = &r->terms,
	};
	if (!take_payload(call, job, &r->derived.media_id, err) ||
	    !store_playback_load(call->svc->db, call->arena, r->derived.media_id, &r->from, err))
		return false;
	if (!r->from.found) /* purged meanwhile, or made by an earlier run */
		return finish_gone(r, err);
	derived_init(&r->derived);
	r->derived.scratch = scratch_make(call->svc->config, call->arena, job->lease, err);
	if (r->derived.scratch == NULL)
		return false;
	error_clear(&why);
	ok = make(r, &why);
	scratch_remove(r->derived.scratch, call->svc->log);
	if (ok)
		return publish(r, err);
	if (r->gone)
		return finish_gone(r, err);
	if (why.code == ERR_UNPROCESSABLE)
		return finish_failed(r, &why, err);
	*err = why;
	return false;
}

bool
playback_give_up(const struct call *call, const struct job *job, struct job_after *after,
    struct error *err)
{
	static const char code[] = "processing_error",
			  message[] = "The server had a problem with this file. Try again later.";
	const char *media_id;
	struct strings people;
	struct error ignored;
	bool gone;

	error_clear(&ignored);
	if (!take_payload(call, job, &media_id, &ignored))
		return true;
	if (!store_playback_fail(call->svc->db, call->arena, media_id, code, message, &gone,
		&people, err))
		return false;
	if (gone)
		return purge_leftovers(call, media_id, NULL, err);
	tell(call, people, "media.playback.failed", media_id, -1, code, message);
	return true;
}
