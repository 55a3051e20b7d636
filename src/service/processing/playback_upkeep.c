/* The job upkeep.playback. */
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/playable.h"
#include "service/catalogue/playback.h"
#include "service/processing/playback.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_backups.h"
#include "store/store_jobs.h"
#include "store/store_media.h"
#include "store/store_playback.h"
#include "store/store_process.h"

#include "core/banned.h"

#define LOOKED "looked" /* in the payload: the items of before playable was kept are done */

static const char *const kinds[] = { "video", "audio" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool
drop_in(const struct call *call, struct strings keys, struct strings *dropped, struct error *err)
{
	struct db *db = call->svc->db;
	struct strings media, scopes;

	if (!store_playback_drop(db, call->arena, keys, PLAYBACK_IDLE_SECONDS, &media, dropped,
		err))
		return false;
	/* Its NOTIFY has the caches forget the lists that name them. */
	for (size_t i = 0; i < media.n; i++)
		if (!store_media_scopes(db, call->arena, media.items[i], &scopes, err))
			return false;
	return true;
}

/* Those beyond the limit, the least recently played first. While a backup is made they stay. */
static bool
keep_limit(const struct call *call, const struct job_env *env, struct error *err)
{
	const struct playback_bounds bounds = {
		.limit = config_int(call->svc->config, CFG_MEDIA_TRANSCODE_LIMIT),
		.idle_seconds = PLAYBACK_IDLE_SECONDS,
		.max = PLAYBACK_DROP_BATCH,
	};
	struct db *db = call->svc->db;
	struct strings keys = { NULL, PLAYBACK_DROP_BATCH }, dropped;
	bool held;

	if (!store_backup_holds(db, call->arena, &held, err))
		return false;
	for (int i = 0;
	    !held && i < PLAYBACK_DROP_ROUNDS && keys.n == PLAYBACK_DROP_BATCH && !*env->stop;
	    i++) {
		if (!store_playback_over(db, call->arena, &bounds, &keys, err))
			return false;
		if (keys.n == 0)
			return true;
		if (!db_begin(db, err) || !db_end(db, drop_in(call, keys, &dropped, err), err))
			return false;
		/* If a crash here leaves objects behind, purge_collect() finds them. */
		if (dropped.n > 0 &&
		    (!s3_delete_many(call->svc->s3, dropped.items, dropped.n, err) ||
			!store_process_forget(db, call->arena, dropped, err)))
			return false;
	}
	return true;
}

static bool
look_batch(const struct call *call, struct playback_walk *walk, size_t *n, struct error *err)
{
	struct playback_file *files;
	bool *playable;

	if (!store_playback_unknown(call->svc->db, call->arena, walk, &files, n, err))
		return false;
	playable = arena_array(call->arena, *n + 1, sizeof(*playable));
	for (size_t i = 0; i < *n; i++)
		playable[i] =
		    playable_of(&(const struct playable_file) { walk->kind, files[i].content_type,
			files[i].video, files[i].profile, files[i].audio }) == PLAYABLE_YES;
	if (*n > 0) {
		walk->at = files[*n - 1].at;
		walk->id = files[*n - 1].id;
	}
	return *n == 0 ||
	    store_playback_known(call->svc->db, call->arena, files, playable, *n, err);
}

/* Items of the time before it was kept whether browsers play them. *all: none is left. */
static bool
look_at_old(const struct call *call, const struct job_env *env, bool *all, struct error *err)
{
	*all = true;
	for (size_t k = 0; k < KINDS; k++) {
		struct playback_walk walk = {
			.kind = kinds[k], .at = PLAYBACK_WALK_START, .max = PLAYBACK_KNOWN_BATCH
		};
		size_t n = PLAYBACK_KNOWN_BATCH;

		for (int i = 0; i < PLAYBACK_KNOWN_ROUNDS && n == PLAYBACK_KNOWN_BATCH; i++) {
			if (*env->stop)
				break;
			if (!look_batch(call, &walk, &n, err))
				return false;
		}
		*all = *all && n < PLAYBACK_KNOWN_BATCH;
	}
	return true;
}

static bool
ask_each(const struct call *call, struct strings ids, struct error *err)
{
	struct db *db = call->svc->db;

	for (size_t i = 0; i < ids.n; i++)
		if (!db_begin(db, err) || !db_end(db, playback_ahead(call, ids.items[i], err), err))
			return false;
	return true;
}

/* As long as there is room: what is made only to go again helps nobody. */
static bool
make_ahead(const struct call *call, struct error *err)
{
	const struct config *config = call->svc->config;
	struct playback_walk walk = { .at = PLAYBACK_WALK_START };
	int64_t used, waiting;
	struct strings ids;

	if (!str_eq(config_str(config, CFG_MEDIA_TRANSCODE), PLAYBACK_ALWAYS))
		return true;
	if (!store_playback_used(call->svc->db, call->arena, &used, err))
		return false;
	if (used >= config_int(config, CFG_MEDIA_TRANSCODE_LIMIT) / 100 * PLAYBACK_AHEAD_PERCENT)
		return true;
	for (size_t k = 0; k < KINDS; k++) {
		if (!store_playback_ahead(call->svc->db, call->arena,
			job_queues[JOB_QUEUE_AHEAD].name, &waiting, err))
			return false;
		if (waiting >= PLAYBACK_AHEAD_JOBS)
			return true;
		walk.kind = kinds[k];
		walk.max = PLAYBACK_AHEAD_JOBS - (int)waiting;
		if (!store_playback_lacking(call->svc->db, call->arena, &walk, &ids, err) ||
		    !ask_each(call, ids, err))
			return false;
	}
	return true;
}

bool
upkeep_playback(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	const struct cJSON *payload = job_payload(call, job, err);
	bool all = payload != NULL && json_bool(payload, LOOKED, false);

	if (payload == NULL ||
	    !store_playback_heal(db, call->arena, "processing_error",
		"The server had a problem with this file. Try again later.", err) ||
	    !keep_limit(call, env, err))
		return false;
	if (!all) {
		if (!look_at_old(call, env, &all, err) ||
		    (all &&
			!store_job_remember(db, call->arena, job, "{\"" LOOKED "\":true}", err)))
			return false;
	}
	return make_ahead(call, err) && store_job_done(db, call->arena, job, err);
}
