/*
 * How a request is let in, in this order: its route, before the body is read; the form of its
 * input, without any I/O; who it is; blacklist and limits; permission.
 */
#ifndef MN_HTTP_ENTER_H
#define MN_HTTP_ENTER_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct guards;
struct request;
struct route_module;

/*
 * Finds the row. What is wrong with the request so far ends in req->framing. Returns how many of
 * the announced bytes of the body are to be read.
 */
size_t enter_route(const struct route_module *const *, struct request *, size_t announced);
/* All the rest; false: refused. */
bool enter(const struct guards *, struct request *, struct error *);

/* Does anybody know who asks? */
bool request_identified(const struct request *);
/* A guard that this pool does not have: 500. */
bool guard_missing(struct error *);

#endif
