/*
 * Versions that Redis has still to learn of. Each change of the catalogue, of roles and of live
 * settings tells PostgreSQL (NOTIFY mn_catalogue, mn_config) besides raising its version in Redis
 * itself. The worker raises it once more, and goes on until Redis has taken it: a Redis that was
 * away for a moment must leave nobody with rights or pages of yesterday.
 */
#ifndef MN_SERVICE_PROCESSING_BUMPS_H
#define MN_SERVICE_PROCESSING_BUMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"

struct call;

#define BUMPS_MAX 256      /* scopes; with more to raise every version is dropped */
#define BUMPS_RETRY_MS 500 /* between attempts while Redis is away */

struct bumps {
	bool all, config;
	unsigned n;
	char scopes[BUMPS_MAX][UUID_TEXT]; /* "house" or a user's id */
	int64_t next;                      /* monotonic us: not before; 0 = at once */
};

/* Nobody listened for a while: anything may have changed. */
void bumps_missed(struct bumps *);
void bumps_scope(struct bumps *, const char *scope);
void bumps_config(struct bumps *);
bool bumps_pending(const struct bumps *);
/* Raises what is pending and due; what Redis does not take stays pending. */
void bumps_push(struct bumps *, const struct call *);

#endif
