/*
 * Jobs as those who keep the house see them. Of the payload only how far the job is: it may hold
 * sealed links and secrets.
 */
#ifndef MN_MODEL_JOB_ADMIN_H
#define MN_MODEL_JOB_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_STATE_LIST(X) \
	X(AVAILABLE, "available") X(RUNNING, "running") X(DONE, "done") X(DEAD, "dead")

struct job_shown {
	const char *id, *kind, *queue, *state;
	int attempt, max_attempts;
	int64_t run_at, created_at, finished_at; /* us; finished_at 0: not yet */
	const char *last_error, *request_id;     /* or NULL */
	bool periodic;                           /* due again after each end */
	bool progress;                           /* it counts what it has done and what is left */
	int64_t done, left;
	int64_t moment; /* us: the place in the list */
};

struct job_filter {
	const char *state, *kind, *queue; /* or NULL */
};

struct kind_count {
	const char *kind;
	int64_t n;
};

/* No count goes beyond JOBS_COUNTED_MAX: that many or more. */
struct job_counts {
	int64_t available, running, done, dead;
	struct kind_count *dead_kinds;
	size_t ndead_kinds;
};

#endif
