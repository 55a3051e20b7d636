/*
 * Several requests at the same time, whose responses count by their status only: for webhooks.
 * Rules, limits and the guard of addresses are those of http_out.h. There is no circuit breaker:
 * one origin may have several receivers, and the failure of one must not stop the others. The
 * sender decides when to try again.
 *
 *	struct http_many *many = http_many_new(max);
 *
 *	http_many_start(many, &out, context);
 *	while (http_many_running(many) > 0) {
 *		http_many_wait(many, 50);
 *		while (http_many_next(many, &end))
 *			...
 *	}
 *	http_many_free(many);
 */
#ifndef MN_CLIENT_HTTP_MANY_H
#define MN_CLIENT_HTTP_MANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/http_out.h"

struct http_many;

/* The end of one request. */
struct http_end {
	void *context;
	enum call_end end; /* CALL_ANSWERED: status is set */
	int status;
	int64_t us; /* how long it took */
};

/* At most `max` requests at a time. NULL: libcurl could not be started. */
struct http_many *http_many_new(size_t max);
/* Breaks off what is running. */
void http_many_free(struct http_many *);
/*
 * What `out` points to must live until the request has ended. Of a response at most answer_max
 * bytes are read and none are kept; there is no sink. False: `max` are running.
 */
bool http_many_start(struct http_many *, const struct http_out *, void *context);
size_t http_many_running(const struct http_many *); /* and ended, but not yet told by _next */
/* Goes on with all requests, and waits up to so long for the next event of one. */
void http_many_wait(struct http_many *, int timeout_ms);
bool http_many_next(struct http_many *, struct http_end *);

#endif
