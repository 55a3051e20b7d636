/* What items are found by, where the languages of the house or the way of indexing has changed. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/processing/upkeep.h"
#include "service/services.h"
#include "store/store_jobs.h"
#include "store/store_search_index.h"

#include "core/banned.h"

#define BATCH 200      /* items of one transaction, which nobody else can change meanwhile */
#define RUN_SECONDS 60 /* then others of the queue have their turn */

/* Writes the items that have changed, and goes on behind the batch. */
static bool
batch_in(const struct call *call, const char *after, const struct index_batch *batch, bool *moved,
    struct error *err)
{
	struct db *db = call->svc->db;

	return (batch->changed.n == 0 || store_index_put(db, call->arena, &batch->changed, err)) &&
	    store_index_move(db, call->arena, after, batch->last, moved, err);
}

/* *more: there may be further ones. */
static bool
batch_run(const struct call *call, bool *more, struct error *err)
{
	struct db *db = call->svc->db;
	struct index_state state;
	struct index_batch batch;

	*more = false;
	if (!store_index_state(db, call->arena, &state, err))
		return false;
	if (state.filled || !state.ready)
		return state.filled || store_index_since(db, call->arena, err);
	if (!store_index_next(db, call->arena, state.after, BATCH, &batch, err) ||
	    !db_begin(db, err) || !db_end(db, batch_in(call, state.after, &batch, more, err), err))
		return false;
	if (batch.last == NULL || batch.changed.n > 0)
		cache_bump(call, "house");
	*more = *more && batch.last != NULL;
	return true;
}

bool
upkeep_search(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const int64_t end = clock_monotonic() + RUN_SECONDS * US_PER_SEC;
	struct db *db = call->svc->db;
	struct arena arena;
	const struct call batch = { call->svc, &arena, call->by };
	bool ok, more = true;

	arena_init(&arena);
	ok = store_index_languages(db, &arena, config_str(call->svc->config, CFG_SEARCH_LANGUAGES),
	    err);
	while (ok && more && !*env->stop && clock_monotonic() < end) {
		arena_reset(&arena);
		ok = batch_run(&batch, &more, err);
	}
	arena_clear(&arena);
	return ok && store_job_done(db, call->arena, job, err);
}
