#include "service/account/session_push.h"

#include "service/call.h"
#include "service/account/revoke.h"

#include "core/banned.h"

bool
session_push_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return revoke_push_again(call, job->payload, err);
}
