/*
 * The job session.push: sends a revocation that could not reach Redis at once. It may be repeated:
 * Redis keeps the later end and the higher generation.
 */
#ifndef MN_SERVICE_ACCOUNT_SESSION_PUSH_H
#define MN_SERVICE_ACCOUNT_SESSION_PUSH_H

#include "service/job.h"

job_run_fn session_push_run;

#endif
