#include "service/processing/turn.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "service/call.h"
#include "service/catalogue/media_turn.h"
#include "service/processing/derived.h"
#include "service/processing/job_run.h"
#include "service/processing/purge.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_jobs.h"
#include "store/store_looks.h"
#include "store/store_media.h"
#include "store/store_turn.h"

#include "core/banned.h"

/* A run of media.turn. */
struct turn {
	const struct call *call;
	const struct job *job;
	struct turn_item item;
	struct derived derived;
};

static bool
take_payload(struct turn *t, struct error *err)
{
	const struct cJSON *payload = job_payload(t->call, t->job, err);

	if (payload == NULL)
		return false;
	t->derived.media_id = json_str(payload, "mediaId", "");
	return uuid_valid(t->derived.media_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name an item.");
}

/*
 * Somebody turned the item meanwhile. One who did that while this job gave up its key may have
 * found it still taken, and then left no job.
 */
static bool
turned_again(struct turn *t, struct error *err)
{
	const struct call *call = t->call;
	const char *id = t->derived.media_id;
	struct turn_item now;

	return store_turn_load(call->svc->db, call->arena, id, &now, err) &&
	    (!now.found || media_turn_job(call, id, t->derived.result.content_type, err)) &&
	    purge_leftovers(call, id, NULL, err);
}

static bool
publish_in(struct turn *t, struct job_after *after, struct error *err)
{
	const struct call *call = t->call;
	const struct derived *d = &t->derived;
	const struct process_result *r = &d->result;
	const char *assets[RESULT_ASSETS_MAX];
	const struct turn_found found = { .item = &t->item,
		.thumbhash = r->thumbhash,
		.metadata = r->metadata,
		.asset_prefix = derived_prefix(d),
		.assets = { assets, r->nassets },
		.sprite_times = { (const char **)r->sprite_times, r->nsprite_times },
		.keys = { (const char **)d->keys, d->nkeys } };
	struct db *db = call->svc->db;
	bool published;

	for (size_t i = 0; i < r->nassets; i++)
		assets[i] = r->assets[i].name;
	if (!store_job_done(db, call->arena, t->job, err) ||
	    !store_turn_publish(db, call->arena, d->media_id, &found, &published, err))
		return false;
	if (!published)
		return turned_again(t, err);
	if (r->has_look && !store_look_keep(db, call->arena, d->media_id, r->look, err))
		return false;
	after->media_id = d->media_id;
	return store_media_scopes(db, call->arena, d->media_id, &after->scopes, err);
}

static bool
publish(struct turn *t, struct error *err)
{
	struct job_after after = { .media_id = NULL };
	struct db *db = t->call->svc->db;

	if (!db_begin(db, err) || !db_end(db, publish_in(t, &after, err), err))
		return false;
	job_after_commit(t->call, &after);
	return true;
}

static bool
make(struct turn *t, struct error *err)
{
	struct derived *d = &t->derived;

	return derived_fetch(d, t->item.object_key, S3_OBJECT_MAX, err) && derived_decode(d, err) &&
	    derived_reserve(d, NULL, 0, err) && derived_put(d, err);
}

bool
turn_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct turn *t = arena_alloc(call->arena, sizeof(*t));
	struct db *db = call->svc->db;
	bool ok;

	t->call = call;
	t->job = job;
	t->derived = (struct derived) { .call = call, .env = env, .job = job };
	/* Who turns the item after this look adds a job of their own. */
	if (!take_payload(t, err) || !store_job_key_free(db, call->arena, job, err) ||
	    !store_turn_load(db, call->arena, t->derived.media_id, &t->item, err))
		return false;
	if (!t->item.found)
		return store_job_done(db, call->arena, job, err);
	derived_init(&t->derived);
	t->derived.turn = (int)t->item.rotation;
	t->derived.scratch = scratch_make(call->svc->config, call->arena, job->lease, err);
	if (t->derived.scratch == NULL)
		return false;
	ok = make(t, err);
	scratch_remove(t->derived.scratch, call->svc->log);
	return ok && publish(t, err);
}

static bool
add_jobs_in(const struct call *call, const struct job *job, const struct turned_items *stuck,
    struct error *err)
{
	for (size_t i = 0; i < stuck->n; i++)
		if (!media_turn_job(call, stuck->ids[i], stuck->content_types[i], err))
			return false;
	return store_job_done(call->svc->db, call->arena, job, err);
}

bool
turn_upkeep(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	struct turned_items stuck;

	return store_turn_stuck(db, call->arena, TURN_STUCK, &stuck, err) && db_begin(db, err) &&
	    db_end(db, add_jobs_in(call, job, &stuck, err), err);
}
