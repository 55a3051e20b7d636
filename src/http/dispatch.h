/*
 * The one entry of every pool: from parsed request to finished response, with guards, handler,
 * errors, common headers, measuring and the log line.
 */
#ifndef MN_HTTP_DISPATCH_H
#define MN_HTTP_DISPATCH_H

#include <stddef.h>

#include "http/route.h"

struct error;
struct guards;
struct request;
struct response;

/*
 * A pool that speaks a protocol of its own, with its own ways to name what it serves, to judge and
 * to refuse: the object store. It reads no body and has no routes.
 */
struct protocol {
	const char *(*name)(const struct request *); /* what is asked for, in the log: no secret */
	handler_fn *serve;
	void (*refuse)(const struct request *, struct response *, const struct error *);
};

struct app {
	const struct route_module *const *modules; /* NULL-terminated; NULL with a protocol */
	const struct guards *guards;
	const struct protocol *protocol; /* or NULL */
};

/*
 * First, with the parsed head: finds the route. Returns how many of the announced bytes of the body
 * are to be read into req->body.
 */
size_t dispatch_open(const struct app *, struct request *, size_t announced);
/* Then, with the body there. Always leaves a complete response; never fails. */
void dispatch(const struct app *, struct request *, struct response *);

#endif
