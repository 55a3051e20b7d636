/*
 * Cached responses: a Redis hash holds the body and the versions it depends on; guard.lua compares
 * them and returns the body with the admission. Versions are random values per scope, set after a
 * commit; nothing here can fail a request.
 */
#ifndef MN_SERVICE_GATE_CACHE_H
#define MN_SERVICE_GATE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct admission;
struct error;

#define CACHE_TTL_SECONDS 300 /* no cached response outlives the signatures of its URLs: cache.c */
#define CACHE_BODY_MAX (256UL << 10)
#define CACHE_HOUSE "house"
#define CACHE_CONFIG "config"

/*
 * Caches `body` as the response to the request of this admission; does nothing without a cache key
 * or if Redis is unavailable.
 */
void cache_store(const struct call *, const struct admission *, const char *body, size_t len);

/*
 * Call it in or after a transaction that changes the data that a scope sees: "house" or a user's
 * id. It voids every cached response of that scope.
 */
void cache_bump(const struct call *, const char *scope);
/*
 * The same, in a transaction: the worker repeats it after the commit if Redis does not take it. For
 * changes of items store_media_scopes() does that.
 */
bool cache_change(const struct call *, const char *scope, struct error *);
/*
 * Call it after a change of roles or live settings: every process reloads them at its next request.
 */
void cache_bump_config(const struct call *);

/*
 * For the worker, which goes on until Redis has taken a change: raise a version now (of
 * CACHE_HOUSE, CACHE_CONFIG or a user), or drop all of them. False: Redis did not take it.
 */
bool cache_raise(const struct call *, const char *scope);
bool cache_drop_versions(const struct call *);

#endif
