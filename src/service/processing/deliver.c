#include "service/processing/deliver.h"

#include "client/http_many.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "service/call.h"
#include "service/gate/access.h"
#include "service/notify/hook_endpoints.h"
#include "service/processing/deliver_internal.h"
#include "service/services.h"
#include "store/store_jobs.h"

#include "core/banned.h"

bool
deliver_stopping(const struct deliver *d)
{
	return *d->stop != 0;
}

bool
deliver_turn_over(const struct deliver *d, const struct target *t)
{
	return t->next == t->n || t->give_back || deliver_stopping(d) ||
	    clock_monotonic() - t->began > DELIVER_TURN_MS * US_PER_MS;
}

void
deliver_note(struct deliver *d, const struct sending *s, int status, int64_t us, const char *error)
{
	struct target *t = s->target;

	d->results[d->nresults++] = (struct deliver_result) {
		.id = s->id,
		.delivered = error == NULL,
		.status = status,
		.ms = us / US_PER_MS,
		.error = error,
	};
	metric_add(METRIC_DELIVERIES,
	    LABELS(error == NULL ? VALUE_DELIVERY_DELIVERED : VALUE_DELIVERY_FAILED), 1);
	t->flying--;
	t->touched = true;
	t->last_failed = error != NULL;
	t->any_delivered |= error == NULL;
	t->give_back |= error != NULL;
	t->gone |= status == 410;
	t->parallel = t->parallel * 2 > DELIVER_PARALLEL ? DELIVER_PARALLEL : t->parallel * 2;
}

/* Starts the next delivery of an endpoint, if it may have one more on its way. */
static bool
send_one(struct deliver *d, struct target *t)
{
	struct http_out out;

	if (!t->used || t->flying >= t->parallel || deliver_turn_over(d, t))
		return false;
	hook_message(&t->arena, &t->to, t->items[t->next].id, t->items[t->next].body, &out);
	if (!http_many_start(d->many, &out, &t->items[t->next]))
		return false;
	t->next++;
	t->flying++;
	return true;
}

/* One more for each endpoint, as long as there are places. */
static void
send_more(struct deliver *d)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < DELIVER_TARGETS; i++)
			any = send_one(d, &d->targets[i]) || any;
	}
}

/* A round that would record something comes soon, one that only looks comes later. */
static int64_t
next_round(const struct deliver *d)
{
	bool results = d->nresults > 0;

	if (d->last_round == 0 || http_many_running(d->many) == 0)
		return 0;
	return d->last_round + (results ? DELIVER_ROUND_MS : DELIVER_LOOK_MS) * US_PER_MS;
}

static bool
in_use(const struct deliver *d)
{
	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		if (d->targets[i].used)
			return true;
	return false;
}

/* The settings of the program are live: what may be reached, and when an endpoint is given up. */
static void
refresh(struct deliver *d)
{
	struct call call = *d->call;
	struct error why;

	if (clock_monotonic() - d->last_refresh < US_PER_SEC)
		return;
	call.arena = &d->arena;
	error_clear(&why);
	if (!access_refresh(&call, NULL, &why))
		log_warn(d->call->svc->log, "%s", why.message);
	d->last_refresh = clock_monotonic();
}

static void
take_ends(struct deliver *d)
{
	struct http_end end;

	while (http_many_next(d->many, &end))
		deliver_note(d, end.context, end.status, end.us, hook_failure(end.end, end.status));
}

static bool
loop(struct deliver *d, struct error *err)
{
	do {
		int64_t now = clock_monotonic(), due = next_round(d);

		refresh(d);
		if (now >= due && !deliver_round(d, err))
			return false;
		send_more(d);
		if (http_many_running(d->many) == 0)
			continue;
		due = next_round(d) - clock_monotonic();
		http_many_wait(d->many, due <= 0 ? 0 : (int)(due / US_PER_MS) + 1);
		take_ends(d);
	} while (d->found || in_use(d));
	return true;
}

/* In the transaction: ends the job, and adds one for the time when there is work again. */
static bool
finish_in(struct deliver *d, struct error *err)
{
	const struct call *call = d->call;
	int64_t at;

	if (!store_deliver_next(call->svc->db, call->arena, d->job->lease, d->job->kind, &at, err))
		return false;
	return (at == 0 || job_add(call, JOB_HOOK_DELIVER, NULL, NULL, at, err)) &&
	    store_job_done(call->svc->db, call->arena, d->job, err);
}

bool
deliver_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	static struct deliver d; /* large; one job runs at a time */
	bool ok;

	d = (struct deliver) { .call = call,
		.job = job,
		.stop = env->stop,
		.start = clock_monotonic(),
		.last_refresh = clock_monotonic(),
		.many = http_many_new(DELIVER_SENDING) };
	if (d.many == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl could not be started.");
	arena_init(&d.arena);
	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		arena_init(&d.targets[i].arena);
	ok = loop(&d, err);
	http_many_free(d.many);
	ok = ok && db_begin(call->svc->db, err) && db_end(call->svc->db, finish_in(&d, err), err);
	for (size_t i = 0; i < DELIVER_TARGETS; i++)
		arena_clear(&d.targets[i].arena);
	arena_clear(&d.arena);
	return ok;
}

/* In the transaction: should an alarm be missing, it is added here. */
static bool
upkeep_in(const struct call *call, const struct job *job, struct error *err)
{
	int64_t at;

	return store_deliver_next(call->svc->db, call->arena, job->lease, "webhook.deliver", &at,
		   err) &&
	    (at == 0 || job_add(call, JOB_HOOK_DELIVER, NULL, NULL, at, err)) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}

bool
upkeep_deliveries(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t removed = DELIVER_EXPIRE;

	for (int i = 0; i < DELIVER_EXPIRE_ROUNDS && removed == DELIVER_EXPIRE && !*env->stop; i++)
		if (!store_deliver_expire(call->svc->db, call->arena, DELIVER_EXPIRE, &removed,
			err))
			return false;
	return hook_urls_seal(call, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, upkeep_in(call, job, err), err);
}
