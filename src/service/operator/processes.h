/*
 * The processes of this host, and the servers that they use: from pid files of the run directory,
 * the metrics that processes share, and the job queue. What could not be found out is unknown, and
 * fails nothing.
 */
#ifndef MN_SERVICE_OPERATOR_PROCESSES_H
#define MN_SERVICE_OPERATOR_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/figures.h"
#include "service/job.h"

struct call;
struct error;

struct pool_state {
	const char *name;
	int64_t workers;  /* as set */
	int64_t busy;     /* handling a request now */
	int64_t restarts; /* workers that ended and were replaced */
	int64_t pid;      /* of its master; 0: it is not running */
};

struct queue_figures {
	const char *queue;
	int64_t limit; /* jobs at once on each host */
	int64_t running, waiting, oldest_s;
};

struct process_states {
	struct pool_state *pools;
	size_t npools;
	bool worker, notifyd;       /* running here */
	const char *worker_version; /* NULL: unknown */
	struct queue_figures queues[JOB_QUEUES];
	int64_t websockets, streams;
	int64_t schema; /* the newest migration that is applied */
	struct postgres_load postgres;
	struct redis_load redis; /* version "": not responding */
	int64_t postgres_errors, redis_errors;
	int64_t postgres_reconnects, redis_reconnects;
};
bool processes_read(const struct call *, struct process_states *, struct error *);

#endif
