/*
 * Admission of a request: revocations, generation, epoch, all rate windows and the cached response
 * in one Redis round trip (store/guard.lua), with PostgreSQL as the fallback for checks that must
 * work without Redis.
 *
 * Redis down: the session is checked in PostgreSQL, the limits fail open (counted). Both down:
 * ERR_UNAVAILABLE, never a pass and never 401.
 */
#ifndef MN_SERVICE_GATE_ADMISSION_H
#define MN_SERVICE_GATE_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/str.h"

struct call;
struct arena;
struct error;

/* seconds: the longest Retry-After */
#define ADMISSION_RETRY_CAP 900

struct admission_ask {
	const struct principal
	    *who;               /* counted, and its session is checked; user_id "": anonymous */
	const char *source;     /* counted instead: a source of webhooks, or NULL */
	const char *address;    /* of the client */
	const char *rate_class; /* "upload", "search", "media", "pin", or NULL */
	int64_t class_limit;    /* per minute; 0 = none */
	const char *cache_key;  /* text that identifies the response, or NULL */
	bool uncounted;         /* no rate window applies */
	bool peek;              /* refuse if a window is full, but do not count the request */
};

/* The result of the round trip; belongs to the arena. */
struct admission {
	bool counted; /* the figures below are known */
	int64_t limit, remaining;
	int64_t reset; /* Unix seconds */
	int window;    /* seconds */
	/* "anonymous", "authenticated", "premium", "admin", or the class */
	const char *policy;
	const char *cached; /* body, or NULL */
	size_t cached_len;
	bool asked_before; /* not in the cache, but requested in the last minutes */
	/* For cache_store(): the versions that the response depends on, read before it is made. */
	const char *cache_name; /* Redis key, or NULL */
	const char *run_id, *house_version, *user_version, *config_version;
	int64_t generation;
};

/*
 * False: ERR_RATE_LIMITED with retry_after, ERR_UNAUTHENTICATED (token_revoked, token_stale),
 * ERR_UNAVAILABLE. *out is set in the first case too.
 */
bool admission_check(const struct call *, const struct admission_ask *,
    const struct admission **out, struct error *);

/*
 * Returns the run_id of this life of Redis after completing its copy of the revocations; false:
 * ERR_UNAVAILABLE.
 */
bool admission_life(const struct call *, const char **run_id, struct error *);
/* Whether commands with this run_id have certainly met that life of Redis. */
bool admission_same_life(const struct call *, const char *run_id);

/* The address for limits and logs: IPv6 as its /64. */
const char *admission_address(struct arena *, const char *address);

/*
 * Puts a revocation or a raised generation into Redis; false = ERR_UNAVAILABLE. An incomplete copy
 * is completed first.
 */
bool admission_push_revoked(const struct call *, struct strings sids, int64_t expires_at,
    struct error *);
bool admission_push_generation(const struct call *, const char *user_id, int64_t generation,
    struct error *);

#endif
