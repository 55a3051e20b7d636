#include "service/account/session_push.h"

#include "service/services.h"
#include "service/account/revoke.h"

#include "core/banned.h"

bool
session_push_run(struct services *svc, struct arena *arena, const struct job_env *env,
    const struct job *job, struct error *err)
{
	return revoke_push_again(svc, arena, job->payload, err) &&
	    store_job_done(svc->db, arena, job, err);
}
