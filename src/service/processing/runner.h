/*
 * A runner: the process that runs the jobs of one queue, a child of the supervisor (worker.h).
 *
 * It starts with the jobs that the supervisor took for it. A runner of a warm queue then takes more
 * by itself, on connections that stay open, until it has run RUNNER_JOBS, lived RUNNER_SECONDS,
 * found no job for RUNNER_IDLE_SECONDS, or is told to stop; any other runner ends with its job.
 * Jobs of batch kinds are taken many at once and completed together with the next take: one
 * transaction for all.
 *
 * All jobs that it holds carry its lease. It exits with 0 when it no longer holds any job. If it
 * ends in another way, the supervisor records a failure of the job in `mark` and gives the others
 * back.
 */
#ifndef MN_SERVICE_PROCESSING_RUNNER_H
#define MN_SERVICE_PROCESSING_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/id.h"
#include "service/job.h"
#include "service/processing/gate.h"

struct arena;
struct config;
struct log;

#define RUNNER_JOBS 10000      /* then a new process takes over */
#define RUNNER_SECONDS 600     /* the same */
#define RUNNER_IDLE_SECONDS 15 /* without a job; then the runner ends */
#define RUNNER_TURN_SECONDS \
	60 /* to take, complete and give back jobs; a runner that takes longer hangs */

/*
 * Bytes of address space: what a job is told, by a decoder or by another server, must not fill the
 * machine. The sandbox sets limits of its own.
 */
#define RUNNER_MEMORY (1LL << 30)

/* The state of a runner for the supervisor, in shared memory. */
struct runner_mark {
	_Atomic int64_t until; /* monotonic us: the supervisor kills it then; 0 = idle */
	_Atomic bool
	    idle; /* SIGUSR1 makes it look for jobs; a busy runner looks when its job has ended */
	char job_id[UUID_TEXT]; /* of the running job, or "" */
};

struct runner {
	struct config *config;
	const struct log *log;
	const struct sandbox *sandbox;
	const struct job_kind *kinds; /* ends with kind NULL */
	const struct job_queue *queue;
	struct gate gate;
	const char *lease;
	int lease_seconds;
	struct runner_mark *mark;
	struct job *jobs; /* to start with */
	size_t njobs;
};

/* Returns the array text of the batch kinds that the queue runs (struct job_claim). */
const char *runner_batch_kinds(struct arena *, const struct job_kind *kinds,
    const struct job_queue *);
/* Returns the longest time that a job of this kind may take, in seconds. */
int64_t runner_timeout(const struct config *, const struct job_kind *);
/* Sets the job that starts, or NULL for none, and the time when the runner is overdue. */
void runner_mark_job(struct runner_mark *, const char *job_id, int64_t seconds);
/*
 * In the child, which still has the supervisor's signal handlers: runs to its end and returns the
 * exit status.
 */
int runner_run(const struct runner *);

#endif
