/* Dates of uploads that were processed before the chain of taken.h: from what their rows say. */
#include <stdio.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/processing/taken.h"
#include "service/processing/upkeep.h"
#include "service/services.h"
#include "store/store_dates.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define BATCH 500   /* items of one transaction */
#define ROUNDS 1000 /* of one run */

/* "+02:00", as medianest-media wrote it then. */
static int64_t
offset_of(const char *text)
{
	char sign;
	int hours, minutes;

	if (text == NULL || sscanf(text, "%c%2d:%2d", &sign, &hours, &minutes) != 3 || hours > 18)
		return TAKEN_OFFSET_NONE;
	return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

/*
 * What the file said. An instant that does not fit to it is one that a person set, and so is that
 * of a photo without any; videos kept their instant only.
 */
static struct taken
known(const struct undated *u)
{
	struct taken t = { .source = NULL, .offset = offset_of(u->offset) };
	const int64_t minutes = t.offset == TAKEN_OFFSET_NONE ? 0 : t.offset;

	if (u->local != NULL && time_parse_local(u->local, &t.local) &&
	    (u->taken_at == 0 || u->taken_at == t.local - minutes * 60 * US_PER_SEC)) {
		t.source = TAKEN_EXIF;
		return t;
	}
	t.local = 0;
	t.at = u->taken_at;
	if (t.at != 0)
		t.source = u->video ? TAKEN_CONTAINER : TAKEN_PERSON;
	return t;
}

static bool
batch_in(const struct call *call, size_t *n, struct error *err)
{
	struct undated *items;
	struct taken *taken;

	if (!store_dates_next(call->svc->db, call->arena, BATCH, &items, n, err))
		return false;
	taken = arena_array(call->arena, *n, sizeof(*taken));
	for (size_t i = 0; i < *n; i++) {
		const struct taken file = known(&items[i]);

		taken[i] = str_eq(file.source, TAKEN_PERSON) ?
		    file :
		    taken_choose(&(const struct taken_clues) {
			&file, items[i].filename, items[i].modified_at, items[i].created_at });
		if (items[i].owner_id != NULL &&
		    (i == 0 || !str_eq(items[i].owner_id, items[i - 1].owner_id)))
			cache_bump(call, items[i].owner_id);
	}
	if (*n > 0)
		cache_bump(call, "house");
	return *n == 0 || store_dates_put(call->svc->db, call->arena, items, taken, *n, err);
}

bool
upkeep_dates(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;
	struct arena arena;
	const struct call batch = { call->svc, &arena, call->by };
	size_t n = BATCH;
	bool ok = true;

	arena_init(&arena);
	for (int i = 0; ok && i < ROUNDS && n == BATCH && !*env->stop; i++) {
		arena_reset(&arena);
		ok = db_begin(db, err) && db_end(db, batch_in(&batch, &n, err), err);
	}
	arena_clear(&arena);
	return ok && store_job_done(db, call->arena, job, err);
}
