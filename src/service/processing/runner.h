/*
 * A runner: the process that runs the jobs of one queue, a child of the supervisor (worker.h).
 *
 * It begins with what the supervisor took for it. That of a warm queue then takes more by itself,
 * on connections that stay open, until it has run RUNNER_JOBS, lived RUNNER_SECONDS, found nothing
 * for RUNNER_IDLE_SECONDS, or is told to stop; any other ends with its job. Jobs of batch kinds are
 * taken many at once and completed together with the next take: one transaction for all.
 *
 * All that it holds carries its lease. It exits with 0 when it holds nothing any more; whatever
 * else happens to it, the supervisor writes down how the job in `mark` ended, and gives the others
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

struct arena;
struct config;
struct log;

#define RUNNER_JOBS 10000      /* then a new process takes over */
#define RUNNER_SECONDS 600     /* the same */
#define RUNNER_IDLE_SECONDS 15 /* without a job; then it ends */
#define RUNNER_TURN_SECONDS \
	60 /* to take, complete and give back jobs; longer means that it hangs */

/* What the supervisor sees of a runner, in memory that both share. */
struct runner_mark {
	_Atomic int64_t until;  /* monotonic us: to be killed then; 0 = idle */
	_Atomic bool idle;      /* SIGUSR1 has it look for jobs; busy, it looks afterwards */
	char job_id[UUID_TEXT]; /* that is being run, or "" */
};

struct runner {
	struct config *config;
	const struct log *log;
	const struct sandbox *sandbox;
	const struct job_kind *kinds; /* ends with kind NULL */
	const struct job_queue *queue;
	const char *lease;
	int lease_seconds;
	struct runner_mark *mark;
	struct job *jobs; /* to begin with */
	size_t njobs;
};

/* Array text of the batch kinds that the queue runs (struct job_claim). */
const char *runner_batch_kinds(struct arena *, const struct job_kind *kinds,
    const struct job_queue *);
/* Longest time that a job of this kind may take, in seconds. */
int64_t runner_timeout(const struct config *, const struct job_kind *);
/* Notes which job begins, or NULL for none, and when the runner is overdue. */
void runner_mark_job(struct runner_mark *, const char *job_id, int64_t seconds);
/* In the child, whose signals are the supervisor's still: runs to its end, the exit status. */
int runner_run(const struct runner *);

#endif
