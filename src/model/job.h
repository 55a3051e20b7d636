/*
 * Jobs of the queue, and how the queue stands.
 */
#ifndef MN_MODEL_JOB_H
#define MN_MODEL_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_new {
	const char *kind;    /* "media.process" */
	const char *queue;   /* "media", "video", "quick", "mail", "hook" */
	const char *payload; /* JSON object text */
	/* or NULL: an open job with this key already = nothing is added, success */
	const char *unique_key;
	int64_t run_at;         /* us; 0 = now */
	int max_attempts;       /* 0 = JOB_ATTEMPTS_DEFAULT */
	const char *request_id; /* or NULL */
};

struct job {
	const char *id, *kind, *queue, *payload, *lease, *request_id;
	int attempt, max_attempts;
	/* its last permitted attempt ended without a word: to be given up, not run */
	bool exhausted;
};

struct queue_state {
	int64_t waiting; /* due and not taken */
	int64_t running;
	int64_t dead;
	int64_t lag; /* us since the oldest due job became due; 0 when none waits */
};

#endif
