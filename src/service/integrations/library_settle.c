/* The items of a library follow its rules. */

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/integrations/libraries.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_libraries.h"

#include "core/banned.h"

#define SETTLE_US (10 * US_PER_SEC) /* of one run: further items are left to the next one */
#define AGAIN_US (60 * US_PER_SEC)  /* after which items of a sync that is under way are met */

static bool
settle_items(const struct call *call, const struct library *library, struct strings ids, bool sees,
    struct error *err)
{
	struct db *db = call->svc->db;
	size_t moved = 0, shown = 0;

	if (!store_library_people_keep(db, call->arena, library->users, err) ||
	    !(library->enabled ? store_library_take_in(db, call->arena, ids, &moved, err) :
				 store_library_leave_out(db, call->arena, ids, &moved, err)) ||
	    (sees && !store_library_show(db, call->arena, library, ids, &shown, err)))
		return false;
	return moved + shown == 0 || cache_change(call, CACHE_HOUSE, err);
}

/*
 * Is a sync under way? Asked before the items are read: what one adds that ends between the two
 * questions is read, what one adds that ends later is met by a further pass.
 */
static bool
note_busy(const struct call *call, struct library_pass *pass, const char *server_id,
    struct error *err)
{
	bool busy;

	if (!store_server_busy(call->svc->db, call->arena, server_id, &busy, err))
		return false;
	pass->busy = pass->busy || busy;
	return true;
}

bool
library_settle(const struct call *call, struct library_pass *pass, bool *more, struct error *err)
{
	struct library library;
	const char *server_id;
	struct strings ids;

	*more = false;
	if (!store_library_hold(call->svc->db, call->arena, pass->library_id, &library, &server_id,
		err))
		return false;
	if (library.id == NULL) {
		pass->busy = false;
		return true;
	}
	if (!note_busy(call, pass, server_id, err))
		return false;
	if (pass->rules != library.rules) {
		pass->rules = library.rules;
		pass->after = NULL;
	}
	if (!store_library_items(call->svc->db, call->arena, library.id, pass->after, LIBRARY_BATCH,
		&ids, err))
		return false;
	*more = ids.n == LIBRARY_BATCH;
	if (ids.n == 0)
		return true;
	pass->after = ids.items[ids.n - 1];
	return settle_items(call, &library, ids, pass->sees, err);
}

bool
library_settle_later(const struct call *call, const struct library_pass *pass, int64_t run_at,
    struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "libraryId", pass->library_id);
	json_opt_str(payload, "after", pass->after);
	json_put_int(payload, "rules", pass->rules);
	json_put_bool(payload, "sees", pass->sees);
	json_put_bool(payload, "busy", pass->busy);
	json_object_end(payload);
	return job_add(call, JOB_LIBRARY_SETTLE, payload->buf.data,
	    arena_printf(call->arena, "library.%s:%s", pass->sees ? "sees" : "there",
		pass->library_id),
	    run_at, err);
}

/*
 * In the transaction: the job is complete. A sync that is under way may still add items by the
 * rules that it read when it began, so a further pass follows until it has ended.
 */
static bool
finish(const struct call *call, const struct job *job, const struct library_pass *pass, bool more,
    struct error *err)
{
	const struct library_pass again = { .library_id = pass->library_id, .sees = pass->sees };

	return store_job_done(call->svc->db, call->arena, job, err) &&
	    (!more || library_settle_later(call, pass, 0, err)) &&
	    (more || !pass->busy ||
		library_settle_later(call, &again, clock_now() + AGAIN_US, err));
}

/* In the transaction. */
static bool
step(const struct call *call, const struct job *job, struct library_pass *pass, bool last,
    bool *more, struct error *err)
{
	return library_settle(call, pass, more, err) &&
	    ((*more && !last) || finish(call, job, pass, *more, err));
}

static bool
pass_of(const struct call *call, const struct job *job, struct library_pass *pass,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);

	if (payload == NULL)
		return false;
	*pass = (struct library_pass) {
		.library_id = json_str(payload, "libraryId", ""),
		.after = json_str(payload, "after", NULL),
		.rules = json_int(payload, "rules", 0),
		.sees = json_bool(payload, "sees", false),
		.busy = json_bool(payload, "busy", false),
	};
	return uuid_valid(pass->library_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name a library.");
}

bool
library_settle_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t until = clock_monotonic() + SETTLE_US;
	struct db *db = call->svc->db;
	bool more = true, last = false, ok = true;
	struct library_pass pass;
	struct call one = *call;
	struct arena arena;
	char after[UUID_TEXT];

	if (!pass_of(call, job, &pass, err))
		return false;
	arena_init(&arena);
	one.arena = &arena;
	while (ok && more && !last) {
		last = *env->stop || clock_monotonic() >= until;
		ok = db_begin(db, err) && db_end(db, step(&one, job, &pass, last, &more, err), err);
		if (pass.after != NULL) {
			str_copy(after, sizeof(after), pass.after);
			pass.after = after;
		}
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}
