#include "service/processing/process.h"

#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media_turn.h"
#include "service/catalogue/playable.h"
#include "service/catalogue/playback.h"
#include "service/catalogue/upload_type.h"
#include "service/notify/hook_out.h"
#include "service/notify/notify.h"
#include "service/notify/notify_group.h"
#include "service/processing/derived.h"
#include "service/processing/job_run.h"
#include "service/processing/purge.h"
#include "service/processing/sandbox.h"
#include "service/processing/scratch.h"
#include "service/processing/taken.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_backups.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_looks.h"
#include "store/store_process.h"

#include "core/banned.h"

#define HASH_BLOCK (256UL << 10)

/* A run of media.process. */
struct process {
	const struct call *call;
	const struct job *job;
	const char *media_id, *upload_id;
	struct process_item item;
	struct s3_object source; /* of the fetched file */
	const char *source_key;
	unsigned char sha256[SHA256_SIZE];
	struct derived derived;
	int64_t started; /* monotonic us */
	bool gone;       /* the item was purged meanwhile: nothing remains to be done */
};

/* For the owner, of a step that was cut off. The log has the cause. */
#define CUT_OFF "The server had a problem here. It tries again by itself."

static bool
take_payload(struct arena *arena, const struct job *job, const char **media_id,
    const char **upload_id, struct error *err)
{
	const struct cJSON *payload = json_parse(arena, job->payload, strlen(job->payload), err);

	if (payload == NULL)
		return false;
	*media_id = json_str(payload, "mediaId", NULL);
	*upload_id = json_str(payload, "uploadId", NULL);
	if (*media_id == NULL || !uuid_valid(*media_id) ||
	    (*upload_id != NULL && !uuid_valid(*upload_id)))
		return error_set(err, ERR_INTERNAL, "The job does not name an item.");
	return true;
}

/* Adds a step to the timeline and sends it to the owner's open page. */
static bool
step(struct process *p, const char *name, const char *state, const char *message, struct error *err)
{
	const struct media_event event = {
		.step = name,
		.state = state,
		.message = message,
		.attempt = p->job->attempt,
	};
	struct json *data = json_new(p->call->arena, 0);

	if (!store_process_step(p->call->svc->db, p->call->arena, p->job, p->media_id, &event,
		&p->gone, err))
		return false;
	if (p->gone)
		return error_set(err, ERR_NOT_FOUND, "The item was deleted meanwhile.");
	if (p->item.owner == NULL)
		return true;
	json_object(data, NULL);
	json_put_str(data, "mediaId", p->media_id);
	json_put_str(data, "step", name);
	json_put_str(data, "state", state);
	json_object_end(data);
	notify_event(p->call, &p->item.owner, 1, "media.processing.progress", data->buf.data);
	return true;
}

/* A fault of the file: the owner is told the reason, and the job is not tried again. */
static bool
reject(struct error *err, const char *slug, const char *message)
{
	return error_slug(err, ERR_UNPROCESSABLE, slug, "%s", message);
}

static bool
hash_file(int fd, unsigned char out[SHA256_SIZE], struct error *err)
{
	static unsigned char block[HASH_BLOCK];
	struct digest *digest = digest_new("sha256");
	unsigned char sum[64];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		digest_update(digest, block, (size_t)n);
		at += n;
	}
	digest_final(digest, sum);
	memcpy(out, sum, SHA256_SIZE);
	return n == 0 || error_set(err, ERR_INTERNAL, "The scratch directory cannot be read.");
}

static bool
fetch_into(struct process *p, int fd, struct error *err)
{
	int64_t most =
	    p->item.object_key == NULL && p->item.size >= 0 ? p->item.size : S3_OBJECT_MAX;

	if (!s3_get_fd(p->call->svc->s3, p->source_key, fd, most, &p->source, err)) {
		if (err->code == ERR_NOT_FOUND)
			return reject(err, "missing",
			    "The uploaded file is no longer in storage. Upload it again.");
		if (err->code == ERR_TOO_LARGE)
			return reject(err, "size_mismatch",
			    "The uploaded file is larger than announced. Upload it again.");
		return false;
	}
	if (!hash_file(fd, p->sha256, err))
		return false;
	if (p->item.object_key == NULL && p->item.sha256 != NULL &&
	    !str_eq(hex_encode(p->call->arena, p->sha256, SHA256_SIZE), p->item.sha256))
		return reject(err, "checksum_mismatch",
		    "The checksum of the uploaded file does not match. Upload it again.");
	return true;
}

static bool
fetch(struct process *p, struct error *err)
{
	bool ok;
	int fd;

	p->source_key = p->item.object_key != NULL ? p->item.object_key : p->item.incoming_key;
	if (p->source_key == NULL)
		return reject(err, "missing",
		    "The uploaded file is no longer in storage. Upload it again.");
	if (!step(p, "fetch", "started", NULL, err))
		return false;
	fd = derived_input(&p->derived, err);
	if (fd < 0)
		return false;
	ok = fetch_into(p, fd, err);
	close(fd);
	return ok && scratch_sidecar(p->derived.scratch, p->call->arena, p->item.sidecar, err) &&
	    step(p, "fetch", "done", NULL, err);
}

static bool
decode_step(void *context, const struct process_line *line, struct error *err)
{
	return step(context, line->step, line->state, line->message, err);
}

static bool
store(struct process *p, const char **original, struct error *err)
{
	struct derived *d = &p->derived;

	*original = p->item.object_key;
	if (*original == NULL)
		*original =
		    arena_printf(p->call->arena, "original/%s/%s", p->media_id, p->job->lease);
	if (!step(p, "store", "started", NULL, err) ||
	    !derived_reserve(d, *original, p->source.size, err) || !derived_put(d, err))
		return false;
	/* Copies the very object that was hashed: a client may have overwritten it meanwhile. */
	if (p->item.object_key == NULL &&
	    !s3_copy(p->call->svc->s3, p->source_key, *original, p->source.etag,
		d->result.content_type, err))
		return false;
	return step(p, "store", "done", NULL, err);
}

static const char *
event_data(struct arena *arena, const char *media_id, const char *status, const char *kind,
    const char *code, const char *message)
{
	struct json *data = json_new(arena, 0);

	json_object(data, NULL);
	json_put_str(data, "mediaId", media_id);
	json_put_str(data, "status", status);
	json_opt_str(data, "kind", kind);
	if (code != NULL) {
		json_object(data, "failure");
		json_put_str(data, "code", code);
		json_put_str(data, "message", message);
		json_object_end(data);
	}
	json_object_end(data);
	return data->buf.data;
}

/* Tells the owner, and the receivers of webhooks. */
static bool
tell(const struct call *call, const char *event, const struct notify_uploaded *news,
    struct error *err)
{
	return hook_out(call, event, news->data, err) &&
	    (news->owner == NULL || notify_uploaded(call, news, err));
}

/* Where versions that browsers play are made for all: soon, if there is room. */
static bool
playback_of_new(const struct process *p, const struct process_found *found, struct error *err)
{
	return found->playable != PLAYABLE_NO ||
	    !str_eq(config_str(p->call->svc->config, CFG_MEDIA_TRANSCODE), PLAYBACK_ALWAYS) ||
	    job_add(p->call, JOB_UPKEEP_PLAYBACK, NULL, "every:upkeep.playback", 0, err);
}

static bool
publish_in(struct process *p, const struct process_found *found, struct job_after *after,
    bool *gone, struct error *err)
{
	const struct media_event published = {
		.step = "publish",
		.state = "done",
		.attempt = p->job->attempt,
	};
	struct db *db = p->call->svc->db;
	const char *title = found->title != NULL ? found->title : p->item.title;
	const struct notify_uploaded ready = {
		.owner = p->item.owner,
		.media_id = p->media_id,
		.title = arena_printf(p->call->arena, "%s is ready", title),
		.message = "",
		.data = event_data(p->call->arena, p->media_id, "ready", found->kind, NULL, NULL),
	};
	bool turned;

	if (!store_job_done(db, p->call->arena, p->job, err) ||
	    !store_process_publish(db, p->call->arena, p->media_id, found, gone, &turned, err))
		return false;
	if (*gone)
		return purge_leftovers(p->call, p->media_id, p->upload_id, err);
	if (turned && !media_turn_job(p->call, p->media_id, found->content_type, err))
		return false;
	if (p->derived.result.has_look &&
	    !store_look_keep(db, p->call->arena, p->media_id, p->derived.result.look, err))
		return false;
	after->media_id = p->media_id;
	return playback_of_new(p, found, err) &&
	    store_process_pair(db, p->call->arena, p->media_id, &after->other_id, err) &&
	    store_media_event_add(db, p->call->arena, p->media_id, &published, err) &&
	    store_media_scopes(db, p->call->arena, p->media_id, &after->scopes, err) &&
	    tell(p->call, "media.ready", &ready, err);
}

/* While a backup is being made the object stays: a row of its snapshot may name it. */
static bool
remove_source(struct process *p, struct error *err)
{
	bool held;

	error_clear(err);
	return store_backup_holds(p->call->svc->db, p->call->arena, &held, err) &&
	    (held || s3_delete(p->call->svc->s3, p->source_key, err));
}

static void
measure(const struct process *p, const struct process_found *found)
{
	const struct metric_values kind = LABELS(metric_label(LABEL_MEDIA_KIND, found->kind));

	metric_observe(METRIC_PROCESSING_DURATION, kind, clock_monotonic() - p->started);
	if (p->item.object_key != NULL)
		return; /* it had been uploaded before */
	metric_add(METRIC_UPLOADS, kind, 1);
	metric_add(METRIC_UPLOADED_BYTES, kind, (uint64_t)found->size);
}

/* The one transaction: everything becomes visible together if the lease is still held. */
static bool
publish(struct process *p, const char *original, struct error *err)
{
	const struct process_result *r = &p->derived.result;
	const char *assets[RESULT_ASSETS_MAX];
	struct process_found found = { .kind = r->kind,
		.content_type = r->content_type,
		.title = r->title,
		.metadata = r->metadata,
		.thumbhash = r->thumbhash,
		.incomplete = r->incomplete,
		.playable = playable_of(&(const struct playable_file) {
		    r->kind, r->content_type, r->video_codec, r->video_profile, r->audio_codec }),
		.content_id = r->content_id,
		.genres = r->genres,
		.ngenres = r->ngenres,
		.people = { (const char **)r->people, r->npeople },
		.object_key = original,
		.sha256 = p->sha256,
		.size = p->source.size,
		.width = r->width,
		.height = r->height,
		.duration_ms = r->duration_ms,
		.rotation = p->derived.turn,
		.taken = taken_of_kind(r->kind,
		    &(const struct taken_clues) {
			&r->taken, p->item.filename, p->item.modified_at, p->item.created_at }),
		.year = r->year,
		.assets = assets,
		.nassets = r->nassets,
		.sprite_times = r->sprite_times,
		.nsprite_times = r->nsprite_times,
		.keys = p->derived.keys,
		.nkeys = p->derived.nkeys };
	struct job_after after = { 0 };
	struct error ignored;
	bool gone = false;

	for (size_t i = 0; i < r->nassets; i++)
		assets[i] = r->assets[i].name;
	found.asset_prefix = derived_prefix(&p->derived);
	if (!db_begin(p->call->svc->db, err) ||
	    !db_end(p->call->svc->db, publish_in(p, &found, &after, &gone, err), err))
		return false;
	job_after_commit(p->call, &after);
	if (!gone)
		measure(p, &found);
	/* If a crash here leaves the object behind, housekeeping finds it. */
	if (!gone && p->item.object_key == NULL && !remove_source(p, &ignored))
		log_notice(p->call->svc->log, "the uploaded object could not be removed yet: %s",
		    ignored.message);
	return true;
}

struct failing {
	const struct job *job;
	const char *media_id, *upload_id;
	const struct process_item *item;
	struct process_failure why;
};

/* In a transaction: fails the item, with its timeline and its owner's notification. */
static bool
fail_item(const struct call *call, const struct failing *f, struct job_after *after,
    struct error *err)
{
	const struct process_item *item = f->item;
	const struct process_failure *why = &f->why;
	const char *media_id = f->media_id;
	const struct notify_uploaded news = {
		.owner = item->owner,
		.media_id = media_id,
		.title = arena_printf(call->arena, "%s could not be processed", item->title),
		.message = why->message,
		.data = event_data(call->arena, media_id, "failed", NULL, why->code, why->message),
		.failed = true,
	};
	const struct media_event failed = {
		.step = "publish",
		.state = "failed",
		.message = why->message,
		.attempt = f->job->attempt,
	};
	bool gone;

	if (!store_process_fail(call->svc->db, call->arena, media_id, why, &gone, err))
		return false;
	if (gone)
		return purge_leftovers(call, media_id, f->upload_id, err);
	after->media_id = media_id;
	metric_add(METRIC_PROCESSING_FAILURES, LABELS(metric_label(LABEL_REASON, why->code)), 1);
	return store_media_event_add(call->svc->db, call->arena, media_id, &failed, err) &&
	    store_media_scopes(call->svc->db, call->arena, media_id, &after->scopes, err) &&
	    tell(call, "media.failed", &news, err);
}

/* Fails the item and completes the job: trying again would not help. */
static bool
finish_failed(struct process *p, const struct error *why, struct error *err)
{
	const struct failing failing = {
		.job = p->job,
		.media_id = p->media_id,
		.upload_id = p->upload_id,
		.item = &p->item,
		.why = { error_slug_of(why), why->message },
	};
	struct job_after after = { 0 };

	log_info(p->call->svc->log, "media %s failed: %s: %s %s", p->media_id, error_slug_of(why),
	    why->message, why->detail);
	if (!db_begin(p->call->svc->db, err) ||
	    !db_end(p->call->svc->db,
		store_job_done(p->call->svc->db, p->call->arena, p->job, err) &&
		    store_process_close_steps(p->call->svc->db, p->call->arena, p->job, p->media_id,
			why->message, err) &&
		    fail_item(p->call, &failing, &after, err),
		err))
		return false;
	job_after_commit(p->call, &after);
	return true;
}

/* What the file is decides whether it may be here. A file that was accepted once stays. */
static bool
check_type(struct process *p, struct error *err)
{
	const char *type = p->derived.result.content_type;

	if (p->item.object_key != NULL ||
	    upload_type_allowed(p->call->arena, p->call->svc->config, type))
		return true;
	return error_slug(err, ERR_UNPROCESSABLE, "unsupported_type",
	    "This is a file of type %s, which this server does not accept.", type);
}

static bool
work(struct process *p, struct error *err)
{
	const char *original;

	return fetch(p, err) && derived_decode(&p->derived, err) && check_type(p, err) &&
	    store(p, &original, err) && publish(p, original, err);
}

/* Completes the job of an item that no longer waits for it. */
static bool
finish_gone(struct process *p, struct error *err)
{
	struct db *db = p->call->svc->db;

	return db_begin(db, err) &&
	    db_end(db,
		store_job_done(db, p->call->arena, p->job, err) &&
		    purge_leftovers(p->call, p->media_id, p->upload_id, err),
		err);
}

/* The worker stops and gives the job back; a failed attempt is closed with its record. */
static bool
leave(struct process *p, const struct error *why, struct error *err)
{
	struct error ignored;

	*err = *why;
	if (str_eq(error_slug_of(why), "stopped") &&
	    !store_process_close_steps(p->call->svc->db, p->call->arena, p->job, p->media_id,
		CUT_OFF, &ignored))
		log_notice(p->call->svc->log, "the next run closes the timeline: %s",
		    ignored.message);
	return false;
}

bool
process_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct process *p = arena_alloc(call->arena, sizeof(*p));
	struct error why;
	bool ok;

	p->call = call;
	p->job = job;
	p->started = clock_monotonic();
	if (!take_payload(call->arena, job, &p->media_id, &p->upload_id, err) ||
	    !store_process_load(call->svc->db, call->arena, p->media_id, p->upload_id, &p->item,
		err))
		return false;
	if (!p->item.found) /* purged meanwhile, or published by an earlier run of the same job */
		return finish_gone(p, err);
	/* What a run that nobody heard of again left open. */
	if (!store_process_close_steps(call->svc->db, call->arena, job, p->media_id, CUT_OFF, err))
		return false;
	p->derived = (struct derived) {
		.call = call,
		.env = env,
		.job = job,
		.media_id = p->media_id,
		.turn = (int)p->item.rotation,
		.step = decode_step,
		.context = p,
	};
	derived_init(&p->derived);
	p->derived.scratch = scratch_make(call->svc->config, call->arena, job->lease, err);
	if (p->derived.scratch == NULL)
		return false;
	error_clear(&why);
	ok = work(p, &why);
	scratch_remove(p->derived.scratch, call->svc->log);
	if (ok)
		return true;
	if (p->gone)
		return finish_gone(p, err);
	if (why.code == ERR_UNPROCESSABLE)
		return finish_failed(p, &why, err);
	return leave(p, &why, err);
}

bool
process_attempt_failed(const struct call *call, const struct job *job, struct error *err)
{
	const char *media_id, *upload_id;
	struct error ignored;

	return !take_payload(call->arena, job, &media_id, &upload_id, &ignored) ||
	    store_process_close_steps(call->svc->db, call->arena, job, media_id, CUT_OFF, err);
}

bool
process_give_up(const struct call *call, const struct job *job, struct job_after *after,
    struct error *err)
{
	static const char message[] =
	    "The server had a problem and could not process the file. Try again later.";
	struct process_item item;
	const char *media_id, *upload_id;
	struct error ignored;

	if (!take_payload(call->arena, job, &media_id, &upload_id, &ignored))
		return true;
	if (!store_process_load(call->svc->db, call->arena, media_id, upload_id, &item, err))
		return false;
	if (!item.found)
		return purge_leftovers(call, media_id, upload_id, err);
	return fail_item(call,
	    &(const struct failing) {
		.job = job,
		.media_id = media_id,
		.upload_id = upload_id,
		.item = &item,
		.why = { "processing_error", message },
	    },
	    after, err);
}
