/*
 * Cached answers: a Redis hash holds the body and everything it depended on;
 * guard.lua compares and brings it with the admission. Versions are random values per scope, set
 * after a commit; nothing here can fail a request.
 */
#ifndef MN_SERVICE_GATE_CACHE_H
#define MN_SERVICE_GATE_CACHE_H

#include <stddef.h>

struct call;
struct admission;

#define CACHE_TTL_SECONDS 300 /* no URL in a cached answer outlives its signature: cache.c */
#define CACHE_BODY_MAX (256UL << 10)

/*
 * Keeps `body` as the answer to the request of this admission; does nothing when that had no cache
 * key or Redis is away.
 */
void cache_store(const struct call *, const struct admission *, const char *body, size_t len);

/*
 * After a commit that changes what a scope sees: "house" or a user's id. Every cached answer of
 * that scope is void.
 */
void cache_bump(const struct call *, const char *scope);
/* After a change of roles or live settings: every process loads them anew at its next request. */
void cache_bump_config(const struct call *);

#endif
