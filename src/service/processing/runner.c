#include "service/processing/runner.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

const struct job_queue job_queues[] = {
	{ "quick", -1, 2 },
	{ "mail", -1, 2 },
	{ "media", CFG_WORKER_MEDIA, 0 },
	{ "video", CFG_WORKER_VIDEO, 0 },
	{ .name = NULL },
};

static const struct job_kind *
kind_of(const struct job *job)
{
	for (const struct job_kind *k = job_kinds; k->kind != NULL; k++)
		if (str_eq(k->kind, job->kind))
			return k;
	return NULL;
}

static struct metric_values
job_labels(const struct job_kind *kind, uint32_t end)
{
	return LABELS(metric_label(LABEL_JOB_KIND, kind != NULL ? kind->kind : NULL), end);
}

static void
job_counted(const struct job_kind *kind, uint32_t end)
{
	metric_add(METRIC_JOBS, job_labels(kind, end), 1);
}

void
job_after_commit(const struct call *call, const struct job_after *after)
{
	if (after->batch != NULL)
		notify_push(call, after->batch);
	if (after->media_id != NULL)
		media_announce(call, "media.updated", after->media_id, after->scopes);
}

/* `final`: whatever attempts are left, this one was the last. */
static bool
record(const struct call *call, const struct job *job, const char *message, bool final,
    struct error *err)
{
	const struct job_kind *kind = kind_of(job);
	struct job_after after = { 0 };
	bool dead = false;

	if (!db_begin(call->svc->db, err))
		return false;
	if (!store_job_failed(call->svc->db, call->arena, job, message, final, &dead, err) ||
	    (dead && kind != NULL && kind->give_up != NULL &&
		!kind->give_up(call, job, &after, err)) ||
	    !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	job_counted(kind, dead ? VALUE_JOB_DEAD : VALUE_JOB_FAILED);
	job_after_commit(call, &after);
	return true;
}

bool
job_record_failure(const struct call *call, const struct job *job, const char *message,
    struct error *err)
{
	return record(call, job, message, false, err);
}

/* What a failed run means for its job. */
static bool
settle(const struct call *call, const struct job *job, const struct error *why, struct error *err)
{
	const char *slug = error_slug_of(why);

	if (str_eq(slug, "lease_lost")) {
		log_notice(call->svc->log, "%s: another worker has it", job->kind);
		return true;
	}
	if (str_eq(slug, "stopped"))
		return store_job_release(call->svc->db, call->arena, job, err) ||
		    str_eq(error_slug_of(err), "lease_lost");
	log_warn(call->svc->log, "%s: attempt %d of %d failed: %s%s%s", job->kind, job->attempt,
	    job->max_attempts, why->message, why->detail[0] != '\0' ? ": " : "", why->detail);
	return record(call, job, arena_printf(call->arena, "%s: %s", slug, why->message), false,
		   err) ||
	    str_eq(error_slug_of(err), "lease_lost");
}

bool
job_execute(struct services *svc, const struct job_env *env, const struct job *job)
{
	const struct job_kind *kind = kind_of(job);
	struct call call = { .svc = svc,
		.by = { &principal_nobody, .request_id = job->request_id } };
	struct error why, err;
	struct arena arena;
	int64_t start = clock_monotonic();
	bool ok;

	error_clear(&why);
	error_clear(&err);
	arena_init(&arena);
	call.arena = &arena;
	if (job->exhausted) {
		ok = record(&call, job, "the last attempt ended without a word", true, &err);
	} else if (kind == NULL) {
		ok = record(&call, job, "unknown kind of job", true, &err);
	} else if (kind->run(&call, env, job, &why)) {
		job_counted(kind, VALUE_JOB_DONE);
		ok = true;
	} else {
		db_rollback(svc->db);
		ok = settle(&call, job, &why, &err);
	}
	if (!ok)
		log_error(svc->log, "%s: its end could not be written down: %s", job->kind,
		    err.message);
	metric_observe(METRIC_JOB_DURATION, job_labels(kind, 0), clock_monotonic() - start);
	arena_clear(&arena);
	return ok;
}
