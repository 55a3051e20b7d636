/* From parsed request to finished response: guards, handler, errors, common headers, access log. */
#ifndef MN_HTTP_DISPATCH_H
#define MN_HTTP_DISPATCH_H

struct guards;
struct request;
struct response;
struct route_module;

struct app {
	const struct route_module *const *modules; /* NULL-terminated */
	const struct guards *guards;
};

/* Always leaves a complete response; never fails. */
void dispatch(const struct app *, struct request *, struct response *);

#endif
