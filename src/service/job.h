/*
 * Kinds of jobs and how one is run (DESIGN section 10). job_kinds (job.c) is the one table: a new
 * kind is a row there.
 *
 * Each job runs in a process of its own, so that nothing it does can hurt another. Its effects and
 * its completion are one transaction, fenced by the lease; work that reaches beyond the database
 * (objects, mail) comes before and can be repeated.
 */
#ifndef MN_SERVICE_JOB_H
#define MN_SERVICE_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/store_jobs.h"

struct arena;
struct error;
struct notify_batch;
struct sandbox;
struct services;

/* What a job may use besides the services. */
struct job_env {
	const struct sandbox *sandbox;
	const volatile sig_atomic_t *stop; /* the worker has been told to stop */
};

/* What remains to be done once a transaction is through; losing it loses nothing. */
struct job_after {
	const struct notify_batch *batch;
	const char *media_id; /* item that changed, or NULL */
	const char **scopes;
	size_t nscopes; /* whose cached answers hold it */
};

/*
 * Does the work and completes the job (store_job_done, in the transaction of its effects). False:
 * it is to be tried again, or with slug lease_lost that another worker has it, with slug stopped
 * that it is to be given back.
 */
typedef bool job_run_fn(struct services *, struct arena *, const struct job_env *,
    const struct job *, struct error *);
/*
 * Tells whoever waits for it that the job will not be tried again; inside the transaction that
 * makes it dead.
 */
typedef bool job_give_up_fn(struct services *, struct arena *, const struct job *,
    struct job_after *, struct error *);

struct job_kind {
	const char *kind;
	job_run_fn *run;
	job_give_up_fn *give_up; /* or NULL */
};
extern const struct job_kind job_kinds[]; /* ends with kind NULL */

/* Queues, and how many jobs of each run at once. */
struct job_queue {
	const char *name;
	int concurrency_key; /* enum config_key, or -1: `concurrency` */
	int concurrency;
};
extern const struct job_queue job_queues[]; /* ends with name NULL */

/* Runs one taken job to whatever end; false: its end could not be written down. */
bool job_execute(struct services *, const struct job_env *, const struct job *);
/* Writes down that an attempt failed: tried again later, or given up. Its own transaction. */
bool job_record_failure(struct services *, struct arena *, const struct job *, const char *message,
    struct error *);
/* After the commit: sockets and caches. */
void job_after_commit(struct services *, struct arena *, const struct job_after *);

#endif
