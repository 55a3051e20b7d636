#include "http/route.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/id.h"
#include "core/str.h"
#include "core/banned.h"

#define HOOK_PREFIX "/api/webhooks/"

const char *rate_class_name(enum rate_class class)
{
	static const char *const names[RATE_CLASSES] = {
		[RATE_TIER] = "tier",
		[RATE_UPLOAD] = "upload",
		[RATE_SEARCH] = "search",
		[RATE_MEDIA] = "media",
		[RATE_PIN] = "pin",
		[RATE_WEBHOOK] = "webhook",
		[RATE_LINK] = "link",
		[RATE_NONE] = "none",
	};

	return names[class];
}

const char *
route_auth_name(enum route_auth auth)
{
	static const char *const names[ROUTE_AUTHS] = {
		[AUTH_NONE] = "none",
		[AUTH_BEARER] = "bearer",
		[AUTH_SESSION] = "session",
		[AUTH_REFRESH] = "refresh",
		[AUTH_HOOK] = "hook",
		[AUTH_LINK] = "link",
		[AUTH_SCRAPER] = "scraper",
	};

	return names[auth];
}

const char *
route_body_name(enum route_body body)
{
	static const char *const names[ROUTE_BODIES] = {
		[BODY_NONE] = "none",
		[BODY_JSON] = "json",
		[BODY_RAW] = "raw",
		[BODY_MULTIPART] = "multipart",
	};

	return names[body];
}

const char *
route_hook_source(struct arena *arena, const struct route *route)
{
	const char *word = route->path + strlen(HOOK_PREFIX);

	return arena_strndup(arena, word, strcspn(word, "/"));
}

size_t
route_body_max(const struct route *route)
{
	static const size_t usual[ROUTE_BODIES] = {
		[BODY_JSON] = BODY_JSON_MAX,
		[BODY_RAW] = BODY_RAW_MAX,
		[BODY_MULTIPART] = BODY_MULTIPART_MAX,
	};

	return route->body_max != 0 ? route->body_max : usual[route->body];
}

#define SCORE_SEGMENTS 31 /* bits of a score that count */

struct candidate {
	const struct route *route;
	const struct route_module *module;
	struct path_param params[REQUEST_PARAMS_MAX];
	unsigned nparams;
	unsigned score; /* a bit for each literal part, the first part highest */
};

bool
route_param_is_id(const char *name, size_t len)
{
	return (len == 2 && memcmp(name, "id", 2) == 0) ||
	    (len > 2 && memcmp(name + len - 2, "Id", 2) == 0);
}

static bool
param_add(struct arena *arena, struct candidate *c, const char *name, size_t name_len,
    const char *value, size_t len)
{
	struct path_param *param;

	if (len == 0 || c->nparams == REQUEST_PARAMS_MAX)
		return false;
	param = &c->params[c->nparams++];
	param->value = arena_strndup(arena, value, len);
	if (route_param_is_id(name, name_len) && !uuid_valid(param->value))
		return false;
	param->name = arena_strndup(arena, name, name_len);
	return true;
}

static bool
template_match(struct arena *arena, const char *tpl, const char *path, struct candidate *c)
{
	unsigned bit = 1u << SCORE_SEGMENTS;

	c->nparams = 0;
	c->score = 0;
	for (;;) {
		size_t tlen = strcspn(tpl, "/"), plen = strcspn(path, "/");

		if (tlen > 2 && tpl[0] == '{') {
			if (!param_add(arena, c, tpl + 1, tlen - 2, path, plen))
				return false;
		} else {
			if (tlen != plen || memcmp(tpl, path, tlen) != 0)
				return false;
			c->score |= bit;
		}
		bit >>= 1;
		tpl += tlen;
		path += plen;
		if (*tpl == '\0' || *path == '\0')
			return *tpl == *path;
		tpl++;
		path++;
	}
}

static void
allow_text(const bool has[METHODS], char *allow, size_t size)
{
	size_t n = 0;

	allow[0] = '\0';
	for (int m = 0; m < METHODS; m++) {
		if (has[m] && n < size)
			n += (size_t)snprintf(allow + n, size - n, "%s%s", n == 0 ? "" : ", ",
			    method_name((enum method)m));
	}
}

enum route_match
route_find(const struct route_module *const *modules, struct request *req, char *allow, size_t size)
{
	struct candidate best = { .route = NULL }, c;
	bool has[METHODS] = { false }, any = false;

	for (; *modules != NULL; modules++) {
		for (const struct route *route = (*modules)->routes; route->path != NULL; route++) {
			if (!template_match(req->arena, route->path, req->path, &c))
				continue;
			any = has[route->method] = true;
			if (route->method == req->method &&
			    (best.route == NULL || c.score > best.score)) {
				best = c;
				best.route = route;
				best.module = *modules;
			}
		}
	}
	if (!any)
		return ROUTE_NO_PATH;
	has[METHOD_HEAD] = has[METHOD_GET];
	has[METHOD_OPTIONS] = true;
	if (best.route == NULL) {
		allow_text(has, allow, size);
		return ROUTE_NO_METHOD;
	}
	req->route = best.route;
	memcpy(req->params, best.params, sizeof(req->params));
	req->nparams = best.nparams;
	req->param_rules = best.module->params;
	return ROUTE_FOUND;
}
