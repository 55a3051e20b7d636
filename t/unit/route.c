/* Route tables: literal before {name}, ids are UUIDs, 404 is not 405, Allow. */
#include "core/arena.h"
#include "http/route.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ID "0192f0c1-2345-7abc-8def-0123456789ab"

static const struct route rows[] = {
	{ METHOD_GET, "/api/media", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/{id}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/media/{id}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_GET, "/api/media/tags", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/{id}/thumbnail/{size}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, "/api/x/{name}/b", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, "/api/x/a/{name}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_JSON, NULL },
	{ .path = NULL },
};
static const struct route more[] = {
	{ METHOD_DELETE, "/api/media", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};
static const struct route_module first = { "first", rows }, second = { "second", more };
static const struct route_module *const modules[] = { &first, &second, NULL };
static struct arena arena;
static struct request req;
static char allow[64];

static enum route_match
find(enum method method, const char *path)
{
	memset(&req, 0, sizeof(req));
	req.arena = &arena;
	req.method = method;
	req.path = path;
	allow[0] = '\0';
	return route_find(modules, &req, allow, sizeof(allow));
}

static void
found(const char *path, enum method method, const struct route *row)
{
	ok(find(method, path) == ROUTE_FOUND && req.route == row, "%s %s", method_name(method),
	    path);
}

int
main(void)
{
	arena_init(&arena);
	found("/api/media", METHOD_GET, &rows[0]);
	found("/api/media", METHOD_DELETE, &more[0]);
	found("/api/media/" ID, METHOD_GET, &rows[1]);
	is_str(request_param(&req, "id"), ID, "{id} is handed over");
	is_str(request_param(&req, "nothing"), "", "a name that is not there is empty");
	found("/api/media/tags", METHOD_GET, &rows[3]);
	found("/api/media/" ID "/thumbnail/320", METHOD_GET, &rows[4]);
	is_str(request_param(&req, "size"), "320", "the second one too");
	found("/api/x/a/b", METHOD_POST, &rows[6]);

	ok(find(METHOD_GET, "/api/media/") == ROUTE_NO_PATH, "a trailing slash is another path");
	ok(find(METHOD_GET, "/api/media/7") == ROUTE_NO_PATH, "what is no UUID names nothing");
	ok(find(METHOD_GET, "/api/media/" ID "/") == ROUTE_NO_PATH, "nor does an empty part");
	ok(find(METHOD_GET, "/api/medias") == ROUTE_NO_PATH, "nor a longer word");
	ok(find(METHOD_GET, "/api") == ROUTE_NO_PATH, "nor half a path");
	ok(find(METHOD_GET, "") == ROUTE_NO_PATH, "nor nothing");
	ok(find(METHOD_POST, "/api/media") == ROUTE_NO_METHOD, "a known path with another method");
	is_str(allow, "GET, HEAD, DELETE, OPTIONS", "Allow gathers over modules");
	ok(find(METHOD_OPTIONS, "/api/media/" ID) == ROUTE_NO_METHOD, "OPTIONS is nobody's row");
	is_str(allow, "GET, HEAD, PATCH, OPTIONS", "and Allow tells");
	ok(find(METHODS, "/api/media") == ROUTE_NO_METHOD, "an unknown method");
	ok(find(METHOD_PATCH, "/api/media/tags") == ROUTE_NO_METHOD,
	    "a word in place of an id has the word's methods");
	is_str(allow, "GET, HEAD, OPTIONS", "only those");
	arena_clear(&arena);
	return done_testing();
}
