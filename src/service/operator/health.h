/*
 * Health of the server: probes each dependency once and measures its latency. Anyone may ask as
 * often as they like, so a result is kept for HEALTH_KEEP_MS: a flood of requests does not become a
 * flood of probes.
 */
#ifndef MN_SERVICE_OPERATOR_HEALTH_H
#define MN_SERVICE_OPERATOR_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"

struct call;
struct config;
struct error;

#define HEALTH_KEEP_MS 1000
#define HEALTH_STORAGE_MS 1500 /* deadline of the probe of the object store */

enum health_dependency {
	HEALTH_POSTGRES,
	HEALTH_REDIS,
	HEALTH_STORAGE,
	HEALTH_WORKER,
	HEALTH_NOTIFYD,
	HEALTH_DEPENDENCIES,
};

struct dependency_state {
	bool ok;
	int64_t latency; /* us */
	const char
	    *notice; /* literal: a warning for people although the dependency works; or NULL */
	const char *trouble; /* literal text for people; the notice if ok */
};

struct health {
	struct dependency_state dependencies[HEALTH_DEPENDENCIES];
	bool queue_known;
	struct queue_state queue;
	int64_t checked_at; /* us, wall clock */
};

/* The process whose pid file `name` is in the run directory; 0: it is not running. */
int64_t process_pid(const struct config *, const char *name);
const char *health_dependency_name(enum health_dependency);
/*
 * "ok"; "degraded": a dependency other than PostgreSQL is down; "down": PostgreSQL is down, so
 * nothing works.
 */
const char *health_status(const struct health *);
const struct health *health_check(const struct call *);
/* Whether requests can be served now; ERR_UNAVAILABLE if not. */
bool health_ready(const struct call *, struct error *);

#endif
