#include "http/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/crew.h"
#include "http/fcgi_send.h"
#include "http/measure.h"
#include "http/prefork.h"
#include "http/request.h"
#include "http/response.h"
#include "core/banned.h"

#define HEAD_MAX 16384 /* bytes of a response's header */
/* bytes of a refused body to read, because a reset would lose the response */
#define DRAIN_MAX (4UL << 20)
#define DRAIN_CHUNK 16384
/* workers end up to 1/8 before max_requests, so that they do not all end at once */
#define RECYCLE_JITTER 8
#define ACCEPT_PAUSE_MS 50 /* after an accept(2) that failed for lack of descriptors or memory */
#define BODY_TIMEOUT_SECONDS 15 /* nginx has the whole body before it connects */

static volatile sig_atomic_t stopping;

static void
on_term(int sig)
{
	(void)sig;
	stopping = 1;
}

/*
 * SIGTERM is blocked except in epoll_pwait(2), because libfcgi's own handler would interrupt the
 * reading of a body. FCGX_Init installs handlers, so ours are set after it.
 */
static bool
signals_init(sigset_t *waiting)
{
	struct sigaction term = { .sa_handler = on_term }, ignore = { .sa_handler = SIG_IGN };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	return sigprocmask(SIG_BLOCK, &blocked, waiting) == 0 && sigdelset(waiting, SIGTERM) == 0 &&
	    sigaction(SIGTERM, &term, NULL) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0 &&
	    sigaction(SIGUSR1, &ignore, NULL) == 0 && sigaction(SIGHUP, &ignore, NULL) == 0;
}

static long
recycle_after(long max)
{
	unsigned r;

	if (max <= RECYCLE_JITTER)
		return max;
	random_bytes(&r, sizeof(r));
	return max - (long)(r % (unsigned)(max / RECYCLE_JITTER));
}

static void
body_drain(FCGX_Stream *in)
{
	char chunk[DRAIN_CHUNK];
	int n;

	for (size_t read = 0; read < DRAIN_MAX; read += (size_t)n) {
		n = FCGX_GetStr(chunk, sizeof(chunk), in);
		if (n <= 0)
			break;
	}
}

static void
body_read(FCGX_Request *fcgx, struct request *req, size_t size)
{
	struct error *err;
	char *body = arena_alloc_raw(req->arena, size + 1);
	int n = FCGX_GetStr(body, (int)size, fcgx->in);

	if (n < 0 || (size_t)n != size) {
		err = arena_alloc(req->arena, sizeof(*err));
		error_set(err, ERR_MALFORMED, "The body is shorter than its Content-Length.");
		req->framing = err;
		return;
	}
	body[size] = '\0';
	req->body = body;
	req->body_len = size;
}

/* nginx sends the status line unchanged, and RFC 9112 section 4 requires more than the number. */
static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} phrases[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 500, "Internal Server Error" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
		if (phrases[i].status == status)
			return phrases[i].text;
	}
	return "Status";
}

static bool
has_length(int status)
{
	return status != 204 && status != 304;
}

/*
 * Every response has a Content-Length; otherwise a response cut off by a killed worker would look
 * complete.
 */
static void
send_response(FCGX_Request *fcgx, const struct request *req, const struct response *res)
{
	struct buf head;

	buf_init(&head, req->arena, HEAD_MAX);
	buf_addf(&head, "Status: %d %s\r\n", res->status, reason(res->status));
	if (res->content_type != NULL)
		buf_addf(&head, "Content-Type: %s\r\n", res->content_type);
	if (has_length(res->status) && response_find(res, "Content-Length") == NULL)
		buf_addf(&head, "Content-Length: %zu\r\n", res->body_len);
	for (unsigned i = 0; i < res->nheaders; i++) {
		buf_adds(&head, res->headers[i].name);
		buf_add(&head, ": ", 2);
		buf_adds(&head, res->headers[i].value);
		buf_add(&head, "\r\n", 2);
	}
	buf_add(&head, "\r\n", 2);
	if (head.overflow) {
		static const char too_long[] =
		    "Status: 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";

		log_error(req->log, "the header of the response exceeds %d bytes", HEAD_MAX);
		fcgi_send(fcgx, too_long, sizeof(too_long) - 1, NULL, 0);
		return;
	}
	if (!fcgi_send(fcgx, head.data, head.len, res->body,
		req->head || !has_length(res->status) ? 0 : res->body_len))
		log_notice(req->log, "nginx did not wait for the response: %s", strerror(errno));
}

struct turn {
	const struct fcgi_loop *loop;
	FCGX_Request *fcgx;
	struct request *req;
	struct response *res;
};

/*
 * An orderly end where returning is not possible: the client is answered, the database rolls back
 * when the connection closes, and the master starts another worker.
 */
static void
end_full(void *context)
{
	const struct turn *t = context;

	t->loop->full(t->loop->context, t->req, t->res);
	send_response(t->fcgx, t->req, t->res);
	t->loop->sent(t->loop->context, t->req, t->res);
	measure_pool_end(t->req, t->res);
	FCGX_Finish_r(t->fcgx);
	_exit(PREFORK_EXIT_MEMORY);
}

static void
serve(const struct fcgi_loop *loop, FCGX_Request *fcgx, struct arena *arena)
{
	const struct timeval limit = { .tv_sec = BODY_TIMEOUT_SECONDS };
	struct log log = *loop->log;
	struct request *req = arena_alloc(arena, sizeof(*req));
	struct response *res = arena_alloc(arena, sizeof(*res));
	struct turn turn = { loop, fcgx, req, res };
	size_t announced = 0, size;

	req->arena = arena;
	req->log = &log;
	req->config = loop->config;
	req->svc = loop->svc;
	req->who = arena_alloc(arena, sizeof(*req->who));
	req->timing.start = clock_monotonic();
	measure_pool_begin(&log);
	request_parse(req, fcgx->envp, &announced);
	/* a response that cannot be sent frees the parameters before the last log line */
	log.request_id = arena_strdup(arena, req->request_id);
	req->client = arena_strdup(arena, req->client);
	response_init(res, arena);
	arena_limit(arena, REQUEST_MEMORY_MAX, end_full, &turn);
	size = loop->open(loop->context, req, announced);
	if (announced > 0)
		setsockopt(fcgx->ipcFd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (size > 0)
		body_read(fcgx, req, size);
	else if (announced > 0)
		body_drain(fcgx->in);
	loop->handler(loop->context, req, res);
	send_response(fcgx, req, res);
	loop->sent(loop->context, req, res);
	measure_pool_end(req, res);
}

enum wait { WAIT_READY, WAIT_IDLE, WAIT_SIGNAL };

/* A connection wakes one of the waiting workers, not all: EPOLLEXCLUSIVE. */
static int
epoll_make(int listen_fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	return fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, listen_fd, &event) == 0 ? fd : -1;
}

/* Waits for a connection; seconds 0: for ever. */
static enum wait
wait_readable(int epoll_fd, const sigset_t *mask, int seconds)
{
	struct epoll_event event;
	int n = epoll_pwait(epoll_fd, &event, 1, seconds > 0 ? seconds * 1000 : -1, mask);

	if (n == 0)
		return WAIT_IDLE;
	return n < 0 && errno == EINTR ? WAIT_SIGNAL : WAIT_READY;
}

static void
accept_pause(void)
{
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		poll(NULL, 0, ACCEPT_PAUSE_MS);
}

/* How long to wait for a request; 0: for ever. */
static int
wait_seconds(const struct fcgi_loop *loop, bool idle)
{
	if (loop->tick == NULL)
		return idle ? 0 : loop->idle_seconds;
	return idle || loop->tick_seconds < loop->idle_seconds ? loop->tick_seconds :
								 loop->idle_seconds;
}

/* The tick may open connections, so the worker is no longer idle after it. */
static void
tick_when_due(const struct fcgi_loop *loop, int64_t *last, bool *idle)
{
	if (loop->tick == NULL || clock_monotonic() - *last < loop->tick_seconds * US_PER_SEC)
		return;
	loop->tick(loop->idle_context);
	*last = clock_monotonic();
	*idle = false;
}

static void
loop_requests(const struct fcgi_loop *loop, FCGX_Request *fcgx, int epoll_fd,
    const sigset_t *waiting)
{
	long left = recycle_after(loop->max_requests);
	int64_t last_tick = clock_monotonic() - loop->tick_seconds * US_PER_SEC; /* due at once */
	bool idle = true; /* nothing is open yet */
	struct arena arena;

	arena_init(&arena);
	while (!stopping) {
		arena_reset(&arena);
		tick_when_due(loop, &last_tick, &idle);
		switch (wait_readable(epoll_fd, waiting, wait_seconds(loop, idle))) {
		case WAIT_READY: break;
		case WAIT_IDLE:
			if (loop->idle != NULL)
				loop->idle(loop->idle_context);
			idle = true;
			if (crew_spare())
				stopping = 1;
			/* FALLTHROUGH */
		case WAIT_SIGNAL: continue;
		}
		if (FCGX_Accept_r(fcgx) < 0) {
			accept_pause(); /* EAGAIN: another worker was faster */
			continue;
		}
		idle = false;
		crew_busy();
		serve(loop, fcgx, &arena);
		crew_ready();
		if (loop->max_requests > 0 && --left <= 0)
			break;
	}
	arena_clear(&arena);
}

int
fcgi_run(const struct fcgi_loop *loop)
{
	FCGX_Request fcgx;
	sigset_t waiting;
	int flags = fcntl(loop->listen_fd, F_GETFL), epoll_fd = epoll_make(loop->listen_fd);

	stopping = 0;
	if (epoll_fd < 0 || FCGX_Init() != 0 ||
	    FCGX_InitRequest(&fcgx, loop->listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0 ||
	    !signals_init(&waiting) || flags < 0 ||
	    fcntl(loop->listen_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		log_crit(loop->log, "cannot set up the FastCGI loop: %s", strerror(errno));
		return EX_OSERR;
	}
	loop_requests(loop, &fcgx, epoll_fd, &waiting);
	close(epoll_fd);
	return 0;
}
