/*
 * The functions that http needs to admit a request (http/enter.c has the order). http knows neither
 * sessions nor Redis, so bin provides them. A request that needs a missing one is refused (500); a
 * pool without guards serves only routes with AUTH_NONE and RATE_NONE.
 */
#ifndef MN_HTTP_GUARD_H
#define MN_HTTP_GUARD_H

#include <stdbool.h>

#include "http/route.h"

struct error;
struct kept_answer;
struct request;
struct response;

typedef bool guard_fn(struct request *, struct error *);

struct guards {
	/* Fills req->call, the context that services need. */
	void (*open)(struct request *);
	/*
	 * Identifies the caller; one for each kind except AUTH_NONE. Fills req->who (no credentials
	 * = nobody) or req->source, and req->subject, for which the request counts. Bad credentials
	 * are reported through request_refuse_later(), after the request was counted as anonymous.
	 * False: the request ends here, because the caller cannot be determined or the limiter has
	 * refused the request.
	 */
	guard_fn *identify[ROUTE_AUTHS];
	/*
	 * Blacklist, generation and every rate window of req->subject in one round trip; fills
	 * req->limit and req->cached.
	 */
	guard_fn *admit;
	/* Updates roles and live settings and fills req->who->permissions. */
	guard_fn *permissions;
	/*
	 * Idempotency-Key, around the handler of a ROUTE_IDEMPOTENT. once_begin opens the handler's
	 * transaction, or returns the stored response to that key. once_end stores the response and
	 * commits; with NULL it rolls back. Call once_end only if once_begin returned no response.
	 */
	bool (*once_begin)(struct request *, const struct kept_answer **, struct error *);
	bool (*once_end)(struct request *, const struct response *, struct error *);
	/*
	 * Around the handler: begin() before it, and after its failure undone(): did it lose a
	 * deadlock, without any effect so far? Then it runs again (HANDLER_RUNS).
	 */
	void (*begin)(struct request *);
	bool (*undone)(const struct request *, const struct error *);
	/* Is this Origin allowed? */
	bool (*origin_allowed)(const struct request *, const char *origin);
	/*
	 * Fills req->timing.db and .cache: time spent in PostgreSQL and Redis since the last call.
	 */
	void (*measure)(struct request *);
};

#endif
