/*
 * The guard chain, in the order of the design: route and method -> CORS -> input -> authentication
 * -> blacklist and limits -> permission -> handler. http knows neither sessions nor Redis: bin
 * hands these in. A missing one refuses what would need it (500), so that a pool without guards
 * serves PUBLIC routes of RATE_NONE only.
 */
#ifndef MN_HTTP_GUARD_H
#define MN_HTTP_GUARD_H

#include <stdbool.h>

struct error;
struct kept_answer;
struct request;
struct response;

typedef bool guard_fn(struct request *, struct error *);

struct guards {
	/* Fills req->call: what the services of this process need to know of the request. */
	void (*open)(struct request *);
	/*
	 * Who is it? Verifies the credentials without I/O and fills req->who; no credentials =
	 * anonymous. Bad ones are kept in req->auth_error (answering false does that too) until the
	 * request was counted as anonymous; then a route that is not PUBLIC refuses.
	 */
	guard_fn *authenticate;
	/*
	 * Blacklist, generation and every rate window in one round trip; fills req->limit and
	 * req->cached.
	 */
	guard_fn *admit;
	/* Fills req->who->permissions and compares with the route's. */
	guard_fn *authorize;
	/*
	 * Idempotency-Key, around the handler of a ROUTE_IDEMPOTENT. once_begin opens the
	 * transaction that the handler works in, or gives what was answered to that key before.
	 * once_end keeps the answer and commits both; with NULL it undoes all. Only after a
	 * once_begin that gave nothing.
	 */
	bool (*once_begin)(struct request *, const struct kept_answer **, struct error *);
	bool (*once_end)(struct request *, const struct response *, struct error *);
	/* Is this Origin allowed? */
	bool (*origin_allowed)(const struct request *, const char *origin);
	/*
	 * Fills req->timing.db and .cache: time spent in PostgreSQL and Redis since it was last
	 * asked.
	 */
	void (*measure)(struct request *);
};

#endif
