#include "http/dispatch.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/guard.h"
#include "http/input.h"
#include "http/measure.h"
#include "http/problem.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "core/banned.h"

#define ALLOW_MAX 64
#define PREFLIGHT_SECONDS "600"
#define CORS_HEADERS \
	"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
#define CORS_EXPOSED \
	"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After," \
	" Server-Timing, X-RateLimit-Limit, " \
	"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"

static bool
guard_missing(struct error *err)
{
	error_set(err, ERR_INTERNAL, "This route cannot be served here.");
	return error_detail(err, "the pool has no guard for it");
}

static bool
has_credentials(const struct request *req)
{
	return req->who->user_id[0] != '\0';
}

/*
 * Health and its like: no credentials are looked at and nothing is counted, so that they answer
 * when all else is down.
 */
static bool
unguarded(const struct route *route)
{
	return route->permission == PUBLIC && route->rate == RATE_NONE;
}

static bool
authenticate(const struct guards *guards, struct request *req, struct error *err)
{
	struct error denied;

	if (unguarded(req->route))
		return true;
	if (guards == NULL || guards->authenticate == NULL)
		return guard_missing(err);
	error_clear(&denied);
	if (!guards->authenticate(req, &denied))
		req->auth_error = arena_memdup(req->arena, &denied, sizeof(denied));
	if (req->auth_error != NULL)
		memset(req->who, 0, sizeof(*req->who));
	return true;
}

static bool
admit(const struct guards *guards, struct request *req, struct error *err)
{
	const struct route *route = req->route;

	if (unguarded(route))
		return true;
	if (guards == NULL || guards->admit == NULL)
		return guard_missing(err);
	if (route->cache_key != NULL && has_credentials(req))
		req->cache_key = route->cache_key(req);
	return guards->admit(req, err);
}

static bool
authorize(const struct guards *guards, struct request *req, struct error *err)
{
	if (unguarded(req->route))
		return true;
	if (req->route->permission != PUBLIC && !has_credentials(req)) {
		if (req->auth_error == NULL)
			return error_set(err, ERR_UNAUTHENTICATED, "Sign in to do this.");
		*err = *req->auth_error;
		return false;
	}
	if (guards->authorize == NULL)
		return guard_missing(err);
	return guards->authorize(req, err);
}

static bool
content_type_is_json(const char *type)
{
	size_t len = strcspn(type, "; \t");
	static const char json[] = "application/json";
	char head[sizeof(json)];

	if (len != sizeof(json) - 1)
		return false;
	memcpy(head, type, len);
	head[len] = '\0';
	return str_ieq(head, json);
}

static bool
check_params(const struct request *req, struct error *err)
{
	for (unsigned i = 0; i < req->nparams; i++)
		if (!input_check_param(req->arena, req->param_rules, req->params[i].name,
			req->params[i].value, err))
			return false;
	return true;
}

static bool
check_input(struct request *req, struct error *err)
{
	const struct field_rule *rules = req->route->input;

	if (req->method == METHOD_GET || req->method == METHOD_DELETE) {
		if (req->body_len > 0)
			return error_set(err, ERR_MALFORMED, "This method takes no body.");
		return input_from_query(req->arena, rules, req->query, &req->input, err);
	}
	if (!input_from_query(req->arena, NULL, req->query, &req->input, err))
		return false;
	if (req->body_len > 0 && !content_type_is_json(req->content_type))
		return error_set(err, ERR_MEDIA_TYPE, "Send the body as application/json.");
	return input_from_json(req->arena, rules, req->body, req->body_len, &req->input, err);
}

/* Answers to browsers of other origins, refusals included; true when the origin is on the list. */
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
find_route(const struct app *app, struct request *req, char *allow, size_t size, struct error *err)
{
	if (req->framing != NULL) {
		*err = *req->framing;
		return false;
	}
	switch (route_find(app->modules, req, allow, size)) {
	case ROUTE_FOUND: return true;
	case ROUTE_NO_METHOD:
		if (req->method == METHOD_OPTIONS)
			return true;
		return error_set(err, ERR_METHOD,
		    "This path does not take the method; Allow names those that it takes.");
	case ROUTE_NO_PATH:
	default: return error_set(err, ERR_NOT_FOUND, "There is nothing here.");
	}
}

static bool
guard(const struct guards *guards, struct request *req, struct error *err)
{
	int64_t start = clock_monotonic();
	bool ok;

	ok = check_params(req, err) && check_input(req, err) && authenticate(guards, req, err);
	if (ok && has_credentials(req) && req->log != NULL)
		req->log->user_id = req->who->user_id;
	req->timing.auth = clock_monotonic() - start;
	if (!ok)
		return false;
	start = clock_monotonic();
	ok = admit(guards, req, err) && authorize(guards, req, err);
	req->timing.limit = clock_monotonic() - start;
	return ok;
}

static bool
check_idempotency_key(const char *key, struct error *err)
{
	size_t len = 0;

	while (key[len] > ' ' && key[len] < 0x7f)
		len++;
	if (key[len] == '\0' && len >= 1 && len <= IDEMPOTENCY_KEY_MAX)
		return true;
	return error_field(err, "Idempotency-Key", "format", "1 to %d visible ASCII characters.",
	    IDEMPOTENCY_KEY_MAX);
}

/* The handler's work is done once for a key: the same request again gets the same answer. */
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
handle(const struct guards *guards, struct request *req, struct response *res, struct error *err)
{
	int64_t start = clock_monotonic();
	bool ok;

	if (req->cached != NULL)
		return response_json_text(res, 200, req->cached, req->cached_len, err);
	if (req->idempotency_key != NULL && (req->route->flags & ROUTE_IDEMPOTENT) != 0 &&
	    has_credentials(req))
		ok = handle_once(guards, req, res, err);
	else
		ok = req->route->handler(req, res, err);
	req->timing.handler = clock_monotonic() - start;
	return ok;
}

/*
 * The headers that say how much is left: on every answer that came past the limiter
 * (draft-ietf-httpapi-ratelimit-headers-10 beside the old form).
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

static void
common_headers(const struct guards *guards, struct request *req, struct response *res)
{
	const struct timing *t = &req->timing;

	if (guards != NULL && guards->measure != NULL)
		guards->measure(req);
	limit_headers(req, res);
	response_header(res, "X-Request-Id", req->request_id);
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

static void
access_log(const struct request *req, const struct response *res)
{
	const struct log_field fields[] = {
		LOG_STR("method", req->head ? "HEAD" : method_name(req->method)),
		LOG_STR("route", req->route != NULL ? req->route->path : "-"),
		LOG_STR("id", request_param(req, "id")),
		LOG_NUM("status", res->status),
		LOG_NUM("bytes", res->body_len),
		LOG_STR("client", req->client),
		LOG_NUM("us", clock_monotonic() - req->timing.start),
		{ .key = NULL },
	};

	log_event(req->log, LOG_L_INFO, "request", fields);
}

void
dispatch(const struct app *app, struct request *req, struct response *res)
{
	struct error err;
	char allow[ALLOW_MAX] = "";
	bool ok, cors_allowed;

	error_clear(&err);
	if (req->who == NULL)
		req->who = arena_alloc(req->arena, sizeof(*req->who));
	if (app->guards != NULL && app->guards->open != NULL)
		app->guards->open(req);
	ok = find_route(app, req, allow, sizeof(allow), &err);
	if (ok && req->method != METHOD_OPTIONS)
		ok = guard(app->guards, req, &err) && handle(app->guards, req, res, &err);
	if (!ok) {
		response_clear(res);
		problem_reply(req, res, &err);
		if (err.code == ERR_METHOD)
			response_header(res, "Allow", allow);
	}
	cors_allowed = cors(app->guards, req, res);
	if (ok && req->method == METHOD_OPTIONS)
		options(res, allow, cors_allowed);
	common_headers(app->guards, req, res);
	measure_request(req, res);
	if (ok)
		access_log(req, res);
}
