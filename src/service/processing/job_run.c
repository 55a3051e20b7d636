#include "service/processing/job_run.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

/* Used to record the failure of a job whose kind this program does not know. */
static const struct job_kind unknown_kind = { .backoff_s = JOB_BACKOFF_USUAL };

const struct job_kind *
job_kind_of(const struct job_kind *kinds, const struct job *job)
{
	/* added by a program that has the kind in another queue */
	const struct job_kind *elsewhere = NULL;

	for (const struct job_kind *k = kinds; k->kind != NULL; k++) {
		if (!str_eq(k->kind, job->kind))
			continue;
		if (str_eq(job_queues[k->queue].name, job->queue))
			return k;
		elsewhere = k;
	}
	return elsewhere;
}

static struct metric_values
job_labels(const struct job_kind *kind, uint32_t end)
{
	return LABELS(metric_label(LABEL_JOB_KIND, kind->kind), end);
}

void
job_after_commit(const struct call *call, const struct job_after *after)
{
	if (after->media_id != NULL)
		media_announce(call, "media.updated", after->media_id, after->scopes);
	if (after->other_id != NULL)
		media_announce(call, "media.updated", after->other_id, after->scopes);
}

/* `final`: this was the last attempt, even if others are left. */
static bool
record(const struct call *call, const struct job_kind *kind, const struct job *job,
    const char *message, bool final, struct error *err)
{
	struct db *db = call->svc->db;
	struct job_after after = { 0 };
	bool dead = false;

	if (!db_begin(db, err) ||
	    !db_end(db,
		store_job_failed(db, call->arena, job, message, final, kind->backoff_s, &dead,
		    err) &&
		    (kind->attempt_failed == NULL || kind->attempt_failed(call, job, err)) &&
		    (!dead || kind->give_up == NULL || kind->give_up(call, job, &after, err)),
		err))
		return false;
	metric_add(METRIC_JOBS, job_labels(kind, dead ? VALUE_JOB_DEAD : VALUE_JOB_FAILED), 1);
	job_after_commit(call, &after);
	return true;
}

/* Returns the row of the job and fills in the members that come from it. */
static const struct job_kind *
bind(const struct job_kind *kinds, struct job *job)
{
	const struct job_kind *kind = job_kind_of(kinds, job);

	job->every_s = kind != NULL ? kind->every_s : 0;
	return kind;
}

bool
job_record_failure(const struct call *call, const struct job_kind *kinds, struct job *job,
    const char *message, struct error *err)
{
	const struct job_kind *kind = bind(kinds, job);

	return record(call, kind != NULL ? kind : &unknown_kind, job, message, false, err);
}

/* Records a failed run. */
static enum job_end
settle(const struct call *call, const struct job_kind *kind, const struct job *job,
    const struct error *why, struct error *err)
{
	const char *slug = error_slug_of(why);

	if (str_eq(slug, "lease_lost")) {
		log_notice(call->svc->log, "%s: another worker has taken the job over", job->kind);
		return JOB_SETTLED;
	}
	if (str_eq(slug, "stopped"))
		return JOB_STOPPED;
	log_warn(call->svc->log, "%s: attempt %d of %d failed: %s%s%s", job->kind, job->attempt,
	    job->max_attempts, why->message, why->detail[0] != '\0' ? ": " : "", why->detail);
	return record(call, kind, job, arena_printf(call->arena, "%s: %s", slug, why->message),
		   false, err) ||
		str_eq(error_slug_of(err), "lease_lost") ?
	    JOB_SETTLED :
	    JOB_UNWRITTEN;
}

static enum job_end
end_now(const struct call *call, const struct job_kind *kind, const struct job *job,
    const char *message, struct error *err)
{
	return record(call, kind, job, message, true, err) ? JOB_SETTLED : JOB_UNWRITTEN;
}

enum job_end
job_execute(const struct call *call, const struct job_env *env, const struct job_kind *kinds,
    struct job *job)
{
	const struct job_kind *kind = bind(kinds, job);
	int64_t start = clock_monotonic();
	struct error why, err;
	enum job_end end;

	error_clear(&why);
	error_clear(&err);
	metric_observe(METRIC_JOB_WAIT, job_labels(kind != NULL ? kind : &unknown_kind, 0),
	    clock_now() - job->run_at);
	if (kind == NULL) {
		end = end_now(call, &unknown_kind, job, "unknown kind of job", &err);
	} else if (job->exhausted) {
		end = end_now(call, kind, job, "the last attempt ended without a result", &err);
	} else if (kind->run(call, env, job, &why)) {
		db_rollback(call->svc->db);
		end = kind->batch ? JOB_FINISHED : JOB_SETTLED;
		metric_add(METRIC_JOBS, job_labels(kind, VALUE_JOB_DONE), 1);
	} else {
		db_rollback(call->svc->db);
		end = settle(call, kind, job, &why, &err);
	}
	if (end == JOB_UNWRITTEN)
		log_error(call->svc->log, "%s: the result could not be recorded: %s", job->kind,
		    err.message);
	metric_observe(METRIC_JOB_DURATION, job_labels(kind != NULL ? kind : &unknown_kind, 0),
	    clock_monotonic() - start);
	return end;
}
