/* Runs one job and records its result. */
#ifndef MN_SERVICE_PROCESSING_JOB_RUN_H
#define MN_SERVICE_PROCESSING_JOB_RUN_H

#include <stdbool.h>

#include "service/job.h"

struct call;

enum job_end {
	JOB_SETTLED,  /* completed, failed, or lost to another worker: nothing remains to be done */
	JOB_FINISHED, /* of a batch kind: done, and the runner must complete it */
	JOB_STOPPED,  /* interrupted because the worker stops: still held, and must be given back */
	JOB_UNWRITTEN, /* its result could not be recorded: still held */
};

/* Finds the row of a job in a table that ends with kind NULL; NULL: there is none. */
const struct job_kind *job_kind_of(const struct job_kind *kinds, const struct job *);
/*
 * Runs one taken job to its end, successful or not. Transactions that it leaves open are rolled
 * back.
 */
enum job_end job_execute(const struct call *, const struct job_env *, const struct job_kind *kinds,
    struct job *);
/* Writes down that an attempt failed: tried again later, or given up. Its own transaction. */
bool job_record_failure(const struct call *, const struct job_kind *kinds, struct job *,
    const char *message, struct error *);
/* After the commit: sockets and caches. */
void job_after_commit(const struct call *, const struct job_after *);

#endif
