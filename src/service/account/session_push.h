/*
 * The job session.push: a revocation that Redis could not take at once is brought there.
 * Redis keeps the later end and the higher generation: it may be repeated.
 */
#ifndef MN_SERVICE_ACCOUNT_SESSION_PUSH_H
#define MN_SERVICE_ACCOUNT_SESSION_PUSH_H

#include "service/job.h"

job_run_fn session_push_run;

#endif
