/*
 * The checks before a handler, in this order: the route, before the body is read; the form of the
 * input, without I/O; the caller's identity; blacklist and limits; permission.
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
 * Finds the row; stores an error of the request in req->framing. Returns how many of the announced
 * bytes of the body to read.
 */
size_t enter_route(const struct route_module *const *, struct request *, size_t announced);
/* All other checks; false: refused. */
bool enter(const struct guards *, struct request *, struct error *);

/* Is the caller known? */
bool request_identified(const struct request *);
/* Reports a guard that this pool does not have: 500. */
bool guard_missing(struct error *);

#endif
