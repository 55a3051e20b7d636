/* The job session.push: brings a revocation that Redis could not take at once. */
#ifndef MN_SERVICE_ACCOUNT_SESSION_PUSH_H
#define MN_SERVICE_ACCOUNT_SESSION_PUSH_H

#include "service/job.h"

job_run_fn session_push_run;

#endif
