/*
 * The FastCGI loop of one worker: waits in epoll_pwait(2), where alone SIGTERM is unblocked,
 * accepts, reads, responds. A worker that is told to stop finishes its request first: libfcgi's own
 * handler of SIGTERM would interrupt the reading of a body.
 */
#ifndef MN_HTTP_FCGI_H
#define MN_HTTP_FCGI_H

#include <stddef.h>

struct config;
struct log;
struct request;
struct response;
struct services;

/*
 * Called with the parsed head, before the body is read. Returns how many of the announced bytes to
 * read; 0 if req->framing already has an error.
 */
typedef size_t fcgi_open_fn(void *context, struct request *, size_t announced);
typedef void fcgi_handler_fn(void *context, struct request *, struct response *);
/*
 * Fills the response to a request that needs more than REQUEST_MEMORY_MAX. The handler was left
 * where it stood, so the process ends after this response.
 */
typedef void fcgi_full_fn(void *context, struct request *, struct response *);
/* Called after the response was sent, or could not be. */
typedef void fcgi_sent_fn(void *context, const struct request *, const struct response *);
typedef void fcgi_idle_fn(void *context); /* called after idle_seconds without a request, once */

struct fcgi_loop {
	int listen_fd;
	fcgi_open_fn *open;
	fcgi_handler_fn *handler;
	fcgi_full_fn *full;
	fcgi_sent_fn *sent;
	fcgi_idle_fn *idle;
	fcgi_idle_fn *tick; /* called every tick_seconds, between requests; or NULL */
	void *context;      /* of open, handler, full and sent */
	void *idle_context; /* of idle and tick */
	const struct config *config;
	struct services *svc;
	struct log *log;
	long max_requests; /* 0: no limit */
	int idle_seconds;
	int tick_seconds;
};

/*
 * Returns the exit status: 0 after SIGTERM, or after max_requests. Does not return from a request
 * that took too much memory: PREFORK_EXIT_MEMORY.
 */
int fcgi_run(const struct fcgi_loop *);

#endif
