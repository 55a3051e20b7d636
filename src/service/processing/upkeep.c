#include "service/processing/upkeep.h"

#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/gate/forgotten.h"
#include "service/notify/alert.h"
#include "service/notify/notify.h"
#include "service/processing/purge.h"
#include "service/services.h"
#include "store/store_idempotency.h"
#include "store/store_jobs.h"
#include "store/store_process.h"
#include "store/store_spots.h"
#include "store/store_sums.h"
#include "store/store_watch.h"

#include "core/banned.h"

static bool
done(const struct call *call, const struct job *job, struct error *err)
{
	return store_job_done(call->svc->db, call->arena, job, err);
}

bool
upkeep_uploads(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return purge_expire_uploads(call, err) &&
	    store_sums_fold(call->svc->db, call->arena, err) &&
	    store_spots_fold(call->svc->db, call->arena, err) && purge_held_uploads(call, err) &&
	    done(call, job, err);
}

bool
upkeep_sums(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t wrong, squares;

	if (!store_sums_check(call->svc->db, call->arena, &wrong, err) ||
	    !store_spots_check(call->svc->db, call->arena, &squares, err))
		return false;
	if (wrong + squares > 0)
		log_warn(call->svc->log, "%lld sums of the library were wrong and were corrected",
		    (long long)(wrong + squares));
	return done(call, job, err);
}

bool
upkeep_metrics(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_watch_expire(call->svc->db, call->arena, err) && done(call, job, err);
}

bool
upkeep_objects(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return purge_collect(call, err) && done(call, job, err);
}

bool
upkeep_trash(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return media_purge_expired(call, NULL, err) && done(call, job, err);
}

bool
upkeep_jobs(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t removed = UPKEEP_JOBS;

	for (int i = 0; i < UPKEEP_JOBS_ROUNDS && removed == UPKEEP_JOBS && !*env->stop; i++)
		if (!store_jobs_expire(call->svc->db, call->arena, UPKEEP_JOBS, &removed, err))
			return false;
	return done(call, job, err);
}

bool
upkeep_answers(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_idempotency_expire(call->svc->db, call->arena, err) && done(call, job, err);
}

bool
upkeep_sign_ins(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_process_expire_identity(call->svc->db, call->arena, err) &&
	    forget_people(call, err) && done(call, job, err);
}

bool
upkeep_notifications(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	int64_t removed;

	return notify_expire(call, &removed, err) && alert_expire(call, err) &&
	    done(call, job, err);
}
