/*
 * What a kind of job is made of. The table of all kinds is composition and lies beside the pools
 * (bin/jobs.c); who runs them is processing/runner.h.
 *
 * A job's effects and its completion are one transaction, fenced by the lease; work that reaches
 * beyond the database (objects, mail) comes before and can be repeated.
 */
#ifndef MN_SERVICE_JOB_H
#define MN_SERVICE_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "model/job.h"

struct call;
struct error;
struct notify_batch;
struct sandbox;

/* What a job may use besides the services. */
struct job_env {
	const struct sandbox *sandbox;
	const volatile sig_atomic_t *stop; /* the worker has been told to stop */
};

/* What remains to be done once a transaction is through; losing it loses nothing. */
struct job_after {
	const struct notify_batch *batch;
	const char *media_id;  /* item that changed, or NULL */
	struct strings scopes; /* whose cached answers hold it */
};

/*
 * Does the work and completes the job (store_job_done, in the transaction of its effects). False:
 * it is to be tried again, or with slug lease_lost that another worker has it, with slug stopped
 * that it is to be given back.
 */
typedef bool job_run_fn(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/*
 * Tells whoever waits for it that the job will not be tried again; inside the transaction that
 * makes it dead.
 */
typedef bool job_give_up_fn(const struct call *, const struct job *, struct job_after *,
    struct error *);

struct job_kind {
	const char *kind;
	job_run_fn *run;
	job_give_up_fn *give_up; /* or NULL */
};

#endif
