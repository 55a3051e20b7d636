/*
 * How the house is: each dependency asked once, with its latency. Anybody may ask as often as they
 * like, so an answer is kept HEALTH_KEEP_MS: a flood of questions does not become a flood of
 * probes.
 */
#ifndef MN_SERVICE_OPERATOR_HEALTH_H
#define MN_SERVICE_OPERATOR_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"

struct call;
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
	int64_t latency;     /* us */
	const char *notice;  /* literal: what a person should know although it works; or NULL */
	const char *trouble; /* literal: in words for a person; the notice when ok */
};

struct health {
	struct dependency_state dependencies[HEALTH_DEPENDENCIES];
	bool queue_known;
	struct queue_state queue;
	int64_t checked_at; /* us, wall clock */
};

const char *health_dependency_name(enum health_dependency);
/*
 * "ok"; "degraded": something is away that the house lives without; "down": without PostgreSQL
 * nothing works.
 */
const char *health_status(const struct health *);
const struct health *health_check(const struct call *);
/* Can requests be served now? ERR_UNAVAILABLE when not. */
bool health_ready(const struct call *, struct error *);

#endif
