/*
 * How one job is run, and how its end is written down.
 */
#ifndef MN_SERVICE_PROCESSING_JOB_RUN_H
#define MN_SERVICE_PROCESSING_JOB_RUN_H

#include <stdbool.h>

#include "service/job.h"

struct call;

enum job_end {
	JOB_SETTLED,   /* completed, failed, or lost to another worker: nothing is left to do */
	JOB_FINISHED,  /* of a batch kind: done, to be completed by the runner */
	JOB_STOPPED,   /* broken off because the worker stops: still held, to be given back */
	JOB_UNWRITTEN, /* its end could not be written down: still held */
};

/* The row of a job in a table that ends with kind NULL; NULL: there is none. */
const struct job_kind *job_kind_of(const struct job_kind *kinds, const struct job *);
/* Runs one taken job to whatever end. Transactions that it leaves open are rolled back. */
enum job_end job_execute(const struct call *, const struct job_env *, const struct job_kind *kinds,
    struct job *);
/* Writes down that an attempt failed: tried again later, or given up. Its own transaction. */
bool job_record_failure(const struct call *, const struct job_kind *kinds, struct job *,
    const char *message, struct error *);
/* After the commit: sockets and caches. */
void job_after_commit(const struct call *, const struct job_after *);

#endif
