#include "http/enter.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "http/guard.h"
#include "http/input.h"
#include "http/multipart.h"
#include "http/request.h"
#include "http/route.h"
#include "core/banned.h"

#define ALLOW_MAX 64

bool
guard_missing(struct error *err)
{
	error_set(err, ERR_INTERNAL, "This route is not available here.");
	return error_detail(err, "the pool has no guard for it");
}

bool
request_identified(const struct request *req)
{
	return req->who->user_id[0] != '\0' || req->source != NULL;
}

static bool
find_route(const struct route_module *const *modules, struct request *req, struct error *err)
{
	char *allow = arena_alloc(req->arena, ALLOW_MAX);

	switch (route_find(modules, req, allow, ALLOW_MAX)) {
	case ROUTE_FOUND: return true;
	case ROUTE_NO_METHOD:
		req->allow = allow;
		if (req->method == METHOD_OPTIONS)
			return true;
		return error_set(err, ERR_METHOD,
		    "This method is not allowed here. The Allow header lists the allowed methods.");
	case ROUTE_NO_PATH:
	default: return error_set(err, ERR_NOT_FOUND, "There is nothing here.");
	}
}

static bool
check_announced(const struct route *route, size_t announced, struct error *err)
{
	size_t max = route_body_max(route);

	if (announced > 0 && route->body == BODY_NONE)
		return error_set(err, ERR_MALFORMED, "This method does not accept a body.");
	if (announced > max)
		return error_set(err, ERR_TOO_LARGE, "The body may have at most %zu bytes.", max);
	return true;
}

size_t
enter_route(const struct route_module *const *modules, struct request *req, size_t announced)
{
	struct error *err;

	if (req->framing != NULL)
		return 0;
	err = arena_alloc(req->arena, sizeof(*err));
	error_clear(err);
	if (find_route(modules, req, err) &&
	    (req->route == NULL || check_announced(req->route, announced, err)))
		return req->route == NULL ? 0 : announced;
	req->framing = err;
	return 0;
}

/* Does the Content-Type have this media type? Ignores parameters. */
static bool
content_type_is(const char *type, const char *want)
{
	size_t len = strcspn(type, "; \t");

	return len == strlen(want) && strncasecmp(type, want, len) == 0;
}

static bool
enter_json(struct request *req, struct error *err)
{
	const struct field_rule *rules = req->route->input;

	if (!input_from_query(req->arena, NULL, req->query, &req->input, err))
		return false;
	if (req->body_len > 0 && !content_type_is(req->content_type, "application/json"))
		return error_set(err, ERR_MEDIA_TYPE, "Send the body as application/json.");
	return input_from_json(req->arena, rules, req->body, req->body_len, &req->input, err);
}

static bool
enter_multipart(struct request *req, struct error *err)
{
	struct multipart *form = arena_alloc(req->arena, sizeof(*form));

	if (!content_type_is(req->content_type, "multipart/form-data"))
		return error_set(err, ERR_MEDIA_TYPE, "Send the body as multipart/form-data.");
	req->form = form;
	return multipart_parse(req->arena, req->content_type, req->body, req->body_len, form, err);
}

static bool
enter_params(const struct request *req, struct error *err)
{
	for (unsigned i = 0; i < req->nparams; i++)
		if (!input_check_param(req->arena, req->param_rules, req->params[i].name,
			req->params[i].value, err))
			return false;
	return true;
}

static bool
enter_input(struct request *req, struct error *err)
{
	const struct route *route = req->route;

	if (route->body == BODY_JSON)
		return enter_json(req, err);
	return input_from_query(req->arena, route->input, req->query, &req->input, err) &&
	    (route->body != BODY_MULTIPART || enter_multipart(req, err));
}

/*
 * Health and similar routes ignore credentials and limits, so that they work when everything else
 * is down.
 */
static bool
unguarded(const struct route *route)
{
	return route->auth == AUTH_NONE && route->permission == PUBLIC && route->rate == RATE_NONE;
}

static bool
identify(const struct guards *guards, struct request *req, struct error *err)
{
	enum route_auth auth = req->route->auth;

	req->subject = (struct subject) { .who = req->who };
	if (auth == AUTH_NONE)
		return true;
	if (guards == NULL || guards->identify[auth] == NULL)
		return guard_missing(err);
	return guards->identify[auth](req, err);
}

static bool
admit(const struct guards *guards, struct request *req, struct error *err)
{
	const struct route *route = req->route;

	if (guards == NULL || guards->admit == NULL)
		return guard_missing(err);
	if (route->cache_key != NULL && req->who->user_id[0] != '\0')
		req->cache_key = route->cache_key(req);
	return guards->admit(req, err);
}

static bool
refuse_stranger(const struct request *req, struct error *err)
{
	if (req->auth_error == NULL)
		return error_set(err, ERR_UNAUTHENTICATED, "Sign in to do this.");
	*err = *req->auth_error;
	return false;
}

static bool
may(const struct request *req, struct error *err)
{
	const struct route *route = req->route;

	if (req->source != NULL)
		return true;
	if (route->auth == AUTH_SESSION && req->who->scoped)
		return error_slug(err, ERR_FORBIDDEN, "session_required",
		    "API tokens cannot do this. Sign in with your account.");
	if (route->permission == PERM_SIGNED_IN || principal_may(req->who, route->permission))
		return true;
	error_set(err, ERR_FORBIDDEN, "Your role does not allow this.");
	return error_detail(err, "%s lacks %s", role_name(req->who->role),
	    permission_name(route->permission));
}

/* While the database is not reachable, public routes use older roles and settings. */
static bool
authorize(const struct guards *guards, struct request *req, struct error *err)
{
	bool open = req->route->permission == PUBLIC, current;

	if ((!open || req->route->auth == AUTH_HOOK) && !request_identified(req))
		return refuse_stranger(req, err);
	if (guards->permissions == NULL)
		return guard_missing(err);
	current = guards->permissions(req, err);
	if (open) {
		error_clear(err);
		return true;
	}
	return current && may(req, err);
}

bool
enter(const struct guards *guards, struct request *req, struct error *err)
{
	struct timing *t = &req->timing;
	int64_t start = clock_monotonic();
	bool ok;

	ok = enter_params(req, err) && enter_input(req, err);
	if (ok && unguarded(req->route))
		return true;
	ok = ok && identify(guards, req, err);
	if (ok && req->who->user_id[0] != '\0' && req->log != NULL)
		req->log->user_id = req->who->user_id;
	t->at_auth = clock_monotonic();
	t->auth = t->at_auth - start;
	if (!ok)
		return false;
	ok = admit(guards, req, err) && authorize(guards, req, err);
	t->at_limit = clock_monotonic();
	t->limit = t->at_limit - t->at_auth;
	return ok;
}
