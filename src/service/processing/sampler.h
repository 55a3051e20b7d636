/*
 * Stores what this host has measured: every metrics.interval the worker's supervisor adds what the
 * registry (core/metric.h) has counted since the last time, with one statement. No job does that,
 * as a job runs on one host.
 */
#ifndef MN_SERVICE_PROCESSING_SAMPLER_H
#define MN_SERVICE_PROCESSING_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct call;
struct error;

struct sampler {
	int64_t due;     /* monotonic us */
	uint64_t *taken; /* requests of each series, as they were stored last */
};
void sampler_init(struct sampler *, struct arena *); /* the arena outlives it */

/* False: the statement failed; what it would have added is a part of the next one. */
bool sampler_run(struct sampler *, const struct call *, struct error *);

#endif
