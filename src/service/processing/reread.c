#include "service/processing/reread.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/catalogue/playable.h"
#include "service/processing/derived.h"
#include "service/processing/job_run.h"
#include "service/processing/scratch.h"
#include "service/processing/taken.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_process.h"
#include "store/store_reread.h"

#include "core/banned.h"

#define BEFORE_ALL "00000000-0000-0000-0000-000000000000"

/* A walk over the items, of which a run does a part. */
struct walk {
	char after[UUID_TEXT]; /* the last item */
	int64_t again;         /* us: the next walk begins then */
	int64_t done, left;    /* items */
};

struct reread {
	const struct call *call; /* its arena is that of one item */
	const struct job_env *env;
	const struct job *job;
	struct walk walk;
	struct reread_item item;
	int failures; /* in a row */
};

static bool
take_payload(const struct call *call, const struct job *job, struct walk *w, struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err), *progress;
	const char *after;

	if (payload == NULL)
		return false;
	progress = json_get(payload, "progress");
	after = json_str(payload, "after", BEFORE_ALL);
	str_copy(w->after, sizeof(w->after), uuid_valid(after) ? after : BEFORE_ALL);
	w->again = json_int(payload, "again", 0);
	w->done = json_int(progress, "done", 0);
	w->left = json_int(progress, "left", 0);
	return true;
}

/* Where the walk is, for the next run and for people who look at the job. Fences the run. */
static bool
remember(const struct reread *r, struct error *err)
{
	struct json *payload = json_new(r->call->arena, 0);
	const struct walk *w = &r->walk;

	json_object(payload, NULL);
	json_put_str(payload, "after", w->after);
	if (w->again != 0)
		json_put_int(payload, "again", w->again);
	if (w->left > 0) {
		json_object(payload, "progress");
		json_put_int(payload, "done", w->done);
		json_put_int(payload, "left", w->left);
		json_object_end(payload);
	}
	json_object_end(payload);
	return store_job_remember(r->call->svc->db, r->call->arena, r->job, payload->buf.data, err);
}

static void
move_on(struct walk *w, const char *id, bool read)
{
	str_copy(w->after, sizeof(w->after), id);
	w->done += read;
	w->left -= read && w->left > 0;
}

/* `r` NULL: the file cannot be read, which changes nothing of its item. */
static bool
publish_in(struct reread *r, const struct process_result *result, struct job_after *after,
    struct error *err)
{
	const struct call *call = r->call;
	const struct reread_item *item = &r->item;
	struct db *db = call->svc->db;
	struct process_found found;
	bool changed, paired;

	if (!remember(r, err) || !store_process_hold(db, call->arena, item->id, err))
		return false;
	if (result == NULL || !str_eq(result->kind, item->kind))
		return store_reread_seen(db, call->arena, item, err);
	found = (struct process_found) { .title = result->title,
		.metadata = result->metadata,
		.content_id = result->content_id,
		.playable =
		    playable_of(&(const struct playable_file) { result->kind, result->content_type,
			result->video_codec, result->video_profile, result->audio_codec }),
		.genres = result->genres,
		.ngenres = result->ngenres,
		.people = { (const char **)result->people, result->npeople },
		.taken = taken_of_kind(result->kind,
		    &(const struct taken_clues) { (const struct taken *)&result->taken,
			item->filename, item->modified_at, item->created_at }),
		.year = result->year };
	if (!store_reread_publish(db, call->arena, item, &found, &changed, &paired, err))
		return false;
	if (!changed)
		return true;
	after->media_id = item->id;
	return (!paired || store_process_pair(db, call->arena, item->id, &after->other_id, err)) &&
	    store_media_scopes(db, call->arena, item->id, &after->scopes, err);
}

static bool
publish(struct reread *r, const struct process_result *result, struct error *err)
{
	struct db *db = r->call->svc->db;
	struct job_after after = { .media_id = NULL };

	move_on(&r->walk, r->item.id, true);
	r->failures = 0;
	if (!db_begin(db, err) || !db_end(db, publish_in(r, result, &after, err), err))
		return false;
	job_after_commit(r->call, &after);
	return true;
}

/* Leaves the item for the next walk. */
static bool
leave(struct reread *r, const struct error *why, struct error *err)
{
	log_notice(r->call->svc->log, "media %s cannot be read again yet: %s %s", r->item.id,
	    why->message, why->detail);
	r->failures++;
	move_on(&r->walk, r->item.id, false);
	return remember(r, err);
}

static bool
read_file(struct derived *d, const struct reread_item *item, struct error *err)
{
	return derived_fetch(d, item->object_key, S3_OBJECT_MAX, err) &&
	    scratch_sidecar(d->scratch, d->call->arena, item->sidecar, err) &&
	    derived_decode(d, err);
}

/* False: it is not the item's fault, so the run ends, and nothing is changed. */
static bool
read_item(struct reread *r, struct error *err)
{
	const struct call *call = r->call;
	struct derived d = {
		.call = call,
		.env = r->env,
		.job = r->job,
		.media_id = r->item.id,
		.inspect = true,
	};
	struct error why;
	bool ok;

	derived_init(&d);
	d.scratch = scratch_make(call->svc->config, call->arena, r->job->lease, err);
	if (d.scratch == NULL)
		return false;
	error_clear(&why);
	ok = read_file(&d, &r->item, &why);
	scratch_remove(d.scratch, call->svc->log);
	if (ok || why.code == ERR_UNPROCESSABLE)
		return publish(r, ok ? &d.result : NULL, err);
	if (why.code == ERR_NOT_FOUND || str_eq(error_slug_of(&why), "sandbox_failed"))
		return leave(r, &why, err);
	*err = why;
	return false;
}

/* Uploads, and what somebody waits for, come first. */
static bool
may_read(const struct reread *r, bool *may, struct error *err)
{
	const char *queues[] = { job_queues[JOB_QUEUE_MEDIA].name, job_queues[JOB_QUEUE_VIDEO].name,
		job_queues[JOB_QUEUE_PLAYBACK].name };
	bool busy;

	if (!store_reread_busy(r->call->svc->db, r->call->arena,
		(struct strings) { queues, sizeof(queues) / sizeof(queues[0]) }, &busy, err))
		return false;
	*may = !busy && !*r->env->stop && r->failures < REREAD_FAILURES;
	return true;
}

/* *more: there may be more to read in this run. */
static bool
step(struct reread *r, bool *more, struct error *err)
{
	if (!may_read(r, more, err))
		return false;
	if (!*more)
		return true;
	if (!store_reread_next(r->call->svc->db, r->call->arena, r->walk.after, &r->item, err))
		return false;
	if (r->item.id != NULL)
		return read_item(r, err);
	/* the end of the walk */
	*more = false;
	str_copy(r->walk.after, sizeof(r->walk.after), BEFORE_ALL);
	r->walk.again = r->walk.left > 0 ? clock_now() + REREAD_PAUSE * US_PER_SEC : 0;
	return true;
}

static bool
walk(struct reread *r, struct error *err)
{
	int64_t end = clock_monotonic() + REREAD_SECONDS * US_PER_SEC;
	bool ok = true, more = true;

	while (ok && more && clock_monotonic() < end) {
		arena_reset(r->call->arena);
		ok = step(r, &more, err);
	}
	return ok;
}

/*
 * The last run ended at an item, whatever the reason: it is left for the next walk, so that one
 * item does not keep the others from being read.
 */
static bool
skip_failed(struct reread *r, struct error *err)
{
	if (r->job->attempt <= 1)
		return true;
	if (!store_reread_next(r->call->svc->db, r->call->arena, r->walk.after, &r->item, err))
		return false;
	if (r->item.id != NULL)
		move_on(&r->walk, r->item.id, false);
	return true;
}

static bool
run(struct reread *r, struct error *err)
{
	struct walk *w = &r->walk;
	struct db *db = r->call->svc->db;
	int64_t was = w->left;

	if (w->again > clock_now())
		return true;
	w->again = 0;
	if (!store_reread_left(db, r->call->arena, &w->left, err))
		return false;
	if (was == 0)
		w->done = 0;
	return w->left == 0 || (skip_failed(r, err) && walk(r, err));
}

bool
reread_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	struct arena arena;
	const struct call each = { call->svc, &arena, call->by };
	struct reread r = { .call = &each, .env = env, .job = job };
	bool ok;

	if (!config_bool(call->svc->config, CFG_MEDIA_REREAD))
		return store_job_done(db, call->arena, job, err);
	arena_init(&arena);
	ok = take_payload(call, job, &r.walk, err) && run(&r, err) && db_begin(db, err) &&
	    db_end(db, remember(&r, err) && store_job_done(db, call->arena, job, err), err);
	arena_clear(&arena);
	return ok;
}
