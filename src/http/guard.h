/*
 * What http asks of others to let a request in (http/enter.c has the order). http knows neither
 * sessions nor Redis: bin hands these in. A missing one refuses what would need it (500), so that a
 * pool without guards serves routes of AUTH_NONE and RATE_NONE only.
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
	/* Fills req->call: what the services of this process need to know of the request. */
	void (*open)(struct request *);
	/*
	 * Who is it? One for each kind but AUTH_NONE; fills req->who (no credentials = nobody) or
	 * req->source, and req->subject with whom the request counts for. Bad credentials are kept
	 * by request_refuse_later() until the request was counted as anonymous. False: the request
	 * ends here, since nobody can tell who it is, or the limiter refused to find out.
	 */
	guard_fn *identify[ROUTE_AUTHS];
	/*
	 * Blacklist, generation and every rate window of req->subject in one round trip; fills
	 * req->limit and req->cached.
	 */
	guard_fn *admit;
	/* Brings roles and live settings up to date and fills req->who->permissions. */
	guard_fn *permissions;
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
