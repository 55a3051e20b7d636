/* Jobs of the queue, and the state of the queue. */
#ifndef MN_MODEL_JOB_H
#define MN_MODEL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_BACKOFFS 8 /* number of pauses between attempts; unused ones are 0 */

/* A job to be added. */
struct job_new {
	const char *id; /* NULL: a new one */
	const char *kind;
	const char *queue;
	const char *payload; /* JSON object text, NULL = {} */
	/* or NULL; if an open job has this key, nothing is added and that is a success */
	const char *unique_key;
	int64_t run_at; /* us; 0 = now */
	int max_attempts;
	const char *request_id; /* or NULL */
};

/* A job that a worker has taken. */
struct job {
	const char *id, *kind, *queue, *payload, *lease, *request_id;
	int attempt, max_attempts;
	int64_t run_at; /* us: when it became due */
	/* the last allowed attempt was lost: give the job up, do not run it */
	bool exhausted;
	/* of a periodic kind: seconds from its end to the next run; the runner fills it in */
	int every_s;
};

/* A periodic job that must exist. */
struct job_periodic {
	const char *kind, *queue;
	int max_attempts, every_s;
};

struct queue_state {
	int64_t waiting; /* due and not taken */
	int64_t running;
	int64_t dead;
	int64_t lag; /* us since the oldest due job became due; 0 when no job is waiting */
};

#endif
