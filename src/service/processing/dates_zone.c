/*
 * A person has another time zone: dates of which only the wall clock or only the instant is known
 * are completed in it, part by part. The zone may change again meanwhile: then it begins again, and
 * the last part holds the person's row, so that none is completed in a zone that is not theirs.
 */
#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/processing/upkeep.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_dates.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define PART 500                 /* items of one transaction */
#define RUN_US (10 * US_PER_SEC) /* of one run: further items are left to the next one */
#define ZONE_TEXT 256

struct pass {
	const char *user_id;
	char zone[ZONE_TEXT], after[UUID_TEXT]; /* where it is; "": the beginning */
	bool more;
};

static bool
pass_of(const struct call *call, const struct job *job, struct pass *p, struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);

	if (payload == NULL)
		return false;
	*p = (struct pass) { .user_id = json_str(payload, "userId", ""), .more = true };
	str_copy(p->zone, sizeof(p->zone), json_str(payload, "zone", ""));
	str_copy(p->after, sizeof(p->after), json_str(payload, "after", ""));
	return uuid_valid(p->user_id) ||
	    error_set(err, ERR_INTERNAL, "The job does not name a person.");
}

/* In the transaction. */
static bool
complete_part(const struct call *call, struct pass *p, struct error *err)
{
	struct zoned_part part = { .owner_id = p->user_id, .limit = PART };
	struct strings scopes;
	const char *last;
	bool found;

	if (!store_dates_zone(call->svc->db, call->arena, p->user_id, &found, &part.zone, err))
		return false;
	p->more = found;
	if (!found)
		return true;
	if (!str_eq(p->zone, part.zone != NULL ? part.zone : "")) {
		str_copy(p->zone, sizeof(p->zone), part.zone != NULL ? part.zone : "");
		p->after[0] = '\0';
	}
	part.after = p->after[0] != '\0' ? p->after : NULL;
	if (!store_dates_zoned(call->svc->db, call->arena, &part, &last, &scopes, err))
		return false;
	for (size_t i = 0; i < scopes.n; i++)
		if (!cache_change(call, scopes.items[i], err))
			return false;
	p->more = last != NULL;
	if (last != NULL)
		str_copy(p->after, sizeof(p->after), last);
	return true;
}

/* In the transaction: the job is complete; what is left goes to another one. */
static bool
finish(const struct call *call, const struct job *job, const struct pass *p, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	if (!store_job_done(call->svc->db, call->arena, job, err))
		return false;
	if (!p->more)
		return true;
	json_object(payload, NULL);
	json_put_str(payload, "userId", p->user_id);
	json_put_str(payload, "zone", p->zone);
	json_put_str(payload, "after", p->after);
	json_object_end(payload);
	return job_add(call, JOB_MEDIA_ZONE, payload->buf.data,
	    arena_printf(call->arena, "zone:%s", p->user_id), 0, err);
}

static bool
step(const struct call *call, const struct job *job, struct pass *p, bool last, struct error *err)
{
	return complete_part(call, p, err) && ((p->more && !last) || finish(call, job, p, err));
}

bool
zone_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t until = clock_monotonic() + RUN_US;
	struct db *db = call->svc->db;
	bool last = false, ok = true;
	struct call one = *call;
	struct arena arena;
	struct pass pass;

	if (!pass_of(call, job, &pass, err))
		return false;
	arena_init(&arena);
	one.arena = &arena;
	while (ok && pass.more && !last) {
		last = *env->stop || clock_monotonic() >= until;
		ok = db_begin(db, err) && db_end(db, step(&one, job, &pass, last, err), err);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}
