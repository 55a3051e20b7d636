/*
 * The entry point of every pool: from the parsed request to the finished response, with guards,
 * handler, errors, common headers, metrics and the log line.
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
 * A pool with its own protocol, which names, checks and refuses requests in its own way: the object
 * store. It reads no body and has no routes.
 */
struct protocol {
	/* the operation's name for the log; must not contain secrets */
	const char *(*name)(const struct request *);
	handler_fn *serve;
	void (*refuse)(const struct request *, struct response *, const struct error *);
};

struct app {
	const struct route_module *const *modules; /* NULL-terminated; NULL with a protocol */
	const struct guards *guards;
	const struct protocol *protocol; /* or NULL */
};

/*
 * Call it first, with the parsed head. Finds the route; returns how many of the announced bytes of
 * the body to read into req->body.
 */
size_t dispatch_open(const struct app *, struct request *, size_t announced);
/* Call it after reading the body. Always leaves a complete response; never fails. */
void dispatch(const struct app *, struct request *, struct response *);
/* Call it when the response was sent: writes the request's line into the log. */
void dispatch_sent(const struct app *, const struct request *, const struct response *);
/* Refuses a request that needs too much memory, whatever was done for it so far. */
void dispatch_full(const struct app *, struct request *, struct response *);

#endif
