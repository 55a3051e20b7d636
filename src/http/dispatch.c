#include "http/dispatch.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/enter.h"
#include "http/guard.h"
#include "http/measure.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "core/banned.h"

#define PREFLIGHT_SECONDS "600"
#define TIMELINE_MAX 256 /* bytes */
#define HANDLER_RUNS 3   /* while it loses deadlocks */
#define CORS_HEADERS \
	"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
#define CORS_EXPOSED \
	"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After," \
	" Server-Timing, X-RateLimit-Limit, " \
	"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"

static bool
has_credentials(const struct request *req)
{
	return req->who->user_id[0] != '\0';
}

/* Adds the CORS headers, to refusals too; returns true if the origin is allowed. */
static bool
cors(const struct guards *guards, const struct request *req, struct response *res)
{
	response_header(res, "Vary", "Origin");
	if (req->origin == NULL || guards == NULL || guards->origin_allowed == NULL ||
	    !guards->origin_allowed(req, req->origin))
		return false;
	response_header(res, "Access-Control-Allow-Origin", req->origin);
	response_header(res, "Access-Control-Expose-Headers", CORS_EXPOSED);
	return true;
}

static bool
options(struct response *res, const char *allow, bool cors_allowed)
{
	response_header(res, "Allow", allow);
	if (cors_allowed) {
		response_header(res, "Access-Control-Allow-Methods", allow);
		response_header(res, "Access-Control-Allow-Headers", CORS_HEADERS);
		response_header(res, "Access-Control-Max-Age", PREFLIGHT_SECONDS);
	}
	return response_empty(res, 204);
}

static bool
check_idempotency_key(const char *key, struct error *err)
{
	size_t len = 0;

	while (key[len] > ' ' && key[len] < 0x7f)
		len++;
	if (key[len] == '\0' && len >= 1 && len <= IDEMPOTENCY_KEY_MAX)
		return true;
	return error_field(err, "Idempotency-Key", "format",
	    "must have 1 to %d visible ASCII characters", IDEMPOTENCY_KEY_MAX);
}

/* Runs the handler once for a key: a repeated request gets the same response. */
static bool
handle_once(const struct guards *guards, struct request *req, struct response *res,
    struct error *err)
{
	const struct route *route = req->route;
	const struct kept_answer *kept = NULL;
	bool ok;

	if (guards == NULL || guards->once_begin == NULL || guards->once_end == NULL)
		return guard_missing(err);
	if (!check_idempotency_key(req->idempotency_key, err) ||
	    !guards->once_begin(req, &kept, err))
		return false;
	if (kept != NULL) {
		response_header(res, "Idempotency-Replayed", "true");
		return route->replay != NULL ?
		    route->replay(req, kept, res, err) :
		    response_json_text(res, kept->status, kept->text, kept->len, err);
	}
	ok = route->handler(req, res, err);
	return guards->once_end(req, ok && res->status < 400 ? res : NULL, err) && ok;
}

static bool
run(const struct guards *guards, struct request *req, struct response *res, struct error *err)
{
	if (guards != NULL && guards->begin != NULL)
		guards->begin(req);
	if (req->idempotency_key != NULL && (req->route->flags & ROUTE_IDEMPOTENT) != 0 &&
	    has_credentials(req))
		return handle_once(guards, req, res, err);
	return req->route->handler(req, res, err);
}

static bool
handle(const struct guards *guards, struct request *req, struct response *res, struct error *err)
{
	int64_t start = clock_monotonic();
	unsigned runs = 1;
	bool ok;

	req->timing.at_handler = start;
	if (req->cached != NULL)
		return response_json_text(res, 200, req->cached, req->cached_len, err);
	while (!(ok = run(guards, req, res, err)) && runs++ < HANDLER_RUNS && guards != NULL &&
	    guards->undone != NULL && guards->undone(req, err)) {
		response_clear(res);
		error_clear(err);
	}
	req->timing.handler = clock_monotonic() - start;
	return ok;
}

/*
 * The headers about the remaining limit, on every response to a counted request
 * (draft-ietf-httpapi-ratelimit-headers-10 and the older form).
 */
static void
limit_headers(const struct request *req, struct response *res)
{
	const struct limit_state *limit = &req->limit;
	int64_t left;

	if (!limit->known)
		return;
	left = limit->reset - clock_now() / US_PER_SEC;
	if (left < 0)
		left = 0;
	response_headerf(res, "X-RateLimit-Limit", "%lld", (long long)limit->limit);
	response_headerf(res, "X-RateLimit-Remaining", "%lld", (long long)limit->remaining);
	response_headerf(res, "X-RateLimit-Reset", "%lld", (long long)limit->reset);
	response_headerf(res, "RateLimit-Policy", "\"%s\";q=%lld;w=%d", limit->policy,
	    (long long)limit->limit, limit->window);
	response_headerf(res, "RateLimit", "\"%s\";r=%lld;t=%lld", limit->policy,
	    (long long)limit->remaining, (long long)left);
}

/* A moment of the timeline: ms after T0. */
static void
moment(struct buf *out, const char *name, int64_t at, int64_t start)
{
	if (at != 0)
		buf_addf(out, "%s%.3f", name, (double)(at - start) / (double)US_PER_MS);
}

/*
 * The request's timeline for nginx, which writes it into its access log and adds when the response
 * was sent. nginx/medianest.conf.in reads this form.
 */
static void
timeline_header(const struct request *req, struct response *res)
{
	const struct timing *t = &req->timing;
	char t0[RFC3339_MAX];
	struct buf text;

	time_rfc3339(clock_now() - (clock_monotonic() - t->start), t0);
	buf_init(&text, req->arena, TIMELINE_MAX);
	buf_addf(&text, "t0=%s", t0);
	moment(&text, " auth=", t->at_auth, t->start);
	moment(&text, " limit=", t->at_limit, t->start);
	moment(&text, " handler=", t->at_handler, t->start);
	moment(&text, " database=", t->at_database, t->start);
	response_header(res, "X-MediaNest-Timeline", text.data);
}

static const char *
timeline_json(const struct request *req)
{
	const struct timing *t = &req->timing;
	int64_t now = clock_monotonic();
	char t0[RFC3339_MAX];
	struct buf text;

	time_rfc3339(clock_now() - (now - t->start), t0);
	buf_init(&text, req->arena, TIMELINE_MAX);
	buf_addf(&text, "{\"t0\":\"%s\"", t0);
	moment(&text, ",\"auth\":", t->at_auth, t->start);
	moment(&text, ",\"limit\":", t->at_limit, t->start);
	moment(&text, ",\"handler\":", t->at_handler, t->start);
	moment(&text, ",\"database\":", t->at_database, t->start);
	moment(&text, ",\"sent\":", now, t->start);
	buf_addc(&text, '}');
	return text.data;
}

static void
common_headers(const struct request *req, struct response *res)
{
	const struct timing *t = &req->timing;

	limit_headers(req, res);
	response_header(res, "X-Request-Id", req->request_id);
	if (req->who->user_id[0] != '\0')
		response_header(res, "X-MediaNest-User", req->who->user_id); /* nginx logs it */
	timeline_header(req, res);
	response_headerf(res, "Server-Timing",
	    "auth;dur=%.3f, limit;dur=%.3f, db;dur=%.3f, cache;dur=%.3f, handler;dur=%.3f,"
	    " total;dur=%.3f",
	    t->auth / 1e3, t->limit / 1e3, t->db / 1e3, t->cache / 1e3, t->handler / 1e3,
	    (clock_monotonic() - t->start) / 1e3);
	if (response_find(res, "Cache-Control") == NULL)
		response_header(res, "Cache-Control",
		    has_credentials(req) ? "private, no-store" : "no-store");
	response_header(res, "X-Content-Type-Options", "nosniff");
	response_header(res, "X-Frame-Options", "DENY");
	response_header(res, "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'");
	response_header(res, "Referrer-Policy", "no-referrer");
}

/* Not the path, which may contain webhook keys; the query may contain signatures. */
static const char *
name_of(const struct app *app, const struct request *req)
{
	if (app->protocol != NULL)
		return app->protocol->name(req);
	return req->route != NULL ? req->route->path : "-";
}

/* Clients of another protocol probe for features, so their errors are logged at a lower level. */
static enum log_level
level_of(const struct app *app, const struct error_class *class)
{
	return app->protocol != NULL && class->status < 500 ? LOG_L_INFO : class->level;
}

/*
 * One line for each change and each failure, with its reason. A read that succeeded is a line of
 * nginx's access log already, with caller and timeline; here it is one for those who debug.
 */
void
dispatch_sent(const struct app *app, const struct request *req, const struct response *res)
{
	const struct error *err = req->failed;
	const struct error_class *class = err == NULL ? NULL : error_class(err->code);
	bool read = req->method == METHOD_GET || req->head;
	const struct log_field fields[] = {
		LOG_STR("method", req->head ? "HEAD" : method_name(req->method)),
		LOG_STR("route", req->name),
		LOG_STR("id", request_param(req, "id")),
		LOG_NUM("status", res->status),
		LOG_NUM("bytes", res->body_len),
		LOG_STR("client", req->client),
		LOG_JSON("timeline", timeline_json(req)),
		LOG_NUM("memory", req->arena->used),
		LOG_STR("code", err == NULL ? NULL : error_slug_of(err)),
		LOG_STR("field", err != NULL && err->nfields > 0 ? err->fields[0].field : NULL),
		LOG_STR("detail", err == NULL ? NULL : err->detail),
		{ .key = NULL },
	};

	if (err == NULL)
		log_event(req->log, read ? LOG_L_DEBUG : LOG_L_INFO, "request", fields);
	else
		log_event(req->log, level_of(app, class),
		    err->message[0] == '\0' ? class->title : err->message, fields);
}

static void
measure(const struct guards *guards, struct request *req)
{
	req->timing.hashing += password_time_us();
	if (guards != NULL && guards->measure != NULL)
		guards->measure(req);
}

static void
refuse(struct request *req, struct response *res, const struct error *err)
{
	response_clear(res);
	problem_reply(req, res, err);
	if (err->code == ERR_METHOD && req->allow != NULL)
		response_header(res, "Allow", req->allow);
}

/* Our own API: routes, problem documents, the headers of every response. */
static bool
serve_routes(const struct app *app, struct request *req, struct response *res, struct error *err)
{
	bool preflight = req->method == METHOD_OPTIONS, ok = req->framing == NULL, cors_allowed;

	if (!ok)
		*err = *req->framing;
	else if (!preflight)
		ok = enter(app->guards, req, err) && handle(app->guards, req, res, err);
	if (!ok)
		refuse(req, res, err);
	cors_allowed = cors(app->guards, req, res);
	if (ok && preflight)
		options(res, req->allow, cors_allowed);
	measure(app->guards, req);
	common_headers(req, res);
	measure_request(req, res);
	return ok;
}

static bool
serve_protocol(const struct app *app, struct request *req, struct response *res, struct error *err)
{
	bool ok = app->protocol->serve(req, res, err);

	if (!ok) {
		response_clear(res);
		app->protocol->refuse(req, res, err);
	}
	measure(app->guards, req);
	return ok;
}

size_t
dispatch_open(const struct app *app, struct request *req, size_t announced)
{
	if (req->who == NULL)
		req->who = arena_alloc(req->arena, sizeof(*req->who));
	if (app->guards != NULL && app->guards->open != NULL)
		app->guards->open(req);
	return app->protocol != NULL ? 0 : enter_route(app->modules, req, announced);
}

void
dispatch(const struct app *app, struct request *req, struct response *res)
{
	struct error err;
	bool ok;

	error_clear(&err);
	ok = app->protocol != NULL ? serve_protocol(app, req, res, &err) :
				     serve_routes(app, req, res, &err);
	/* Sending the response ends the parameters, which a protocol makes the name from. */
	req->name = name_of(app, req);
	if (!ok)
		req->failed = arena_memdup(req->arena, &err, sizeof(err));
}

void
dispatch_full(const struct app *app, struct request *req, struct response *res)
{
	struct error err;

	error_clear(&err);
	error_set(&err, ERR_TOO_LARGE,
	    "This request needs too much memory. Send or ask for less at a time.");
	error_detail(&err, "more than %lu bytes", REQUEST_MEMORY_MAX);
	if (app->protocol != NULL) {
		response_clear(res);
		app->protocol->refuse(req, res, &err);
	} else {
		refuse(req, res, &err);
		cors(app->guards, req, res);
		common_headers(req, res);
		measure_request(req, res);
	}
	req->name = name_of(app, req);
	req->failed = arena_memdup(req->arena, &err, sizeof(err));
}
