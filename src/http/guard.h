/*
 * The guard chain, in the order of the design: route and method -> CORS -> input -> authentication -> blacklist and
 * limits -> permission -> handler. http knows neither sessions nor Redis: bin hands these three in.
 */
#ifndef MN_HTTP_GUARD_H
#define MN_HTTP_GUARD_H

#include <stdbool.h>

struct error;
struct request;
struct response;

typedef bool guard_fn(struct request *, struct error *);

struct guards {
	/* Who is it? Verifies the credentials without I/O and fills req->who; no credentials = anonymous, bad ones = 401. */
	guard_fn *authenticate;
	/* Blacklist, generation and every rate window in one round trip; fills req->limit and req->cached. */
	guard_fn *admit;
	/* Fills req->who->permissions and compares with the route's. */
	guard_fn *authorize;
	/* Is this Origin allowed? */
	bool (*origin_allowed)(const struct request *, const char *origin);
};

#endif
