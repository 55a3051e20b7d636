/*
 * How one job is run. Each runs in a process of its own, so that nothing it does can hurt another.
 */
#ifndef MN_SERVICE_PROCESSING_RUNNER_H
#define MN_SERVICE_PROCESSING_RUNNER_H

#include <stdbool.h>

#include "service/job.h"

struct call;
struct services;

struct call;

/* Every kind: bin/jobs.c. */
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
bool job_record_failure(const struct call *, const struct job *, const char *message,
    struct error *);
/* After the commit: sockets and caches. */
void job_after_commit(const struct call *, const struct job_after *);

#endif
