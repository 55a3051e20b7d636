/* The guard chain in its order, problem documents and the headers of every answer. */
#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "http/dispatch.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;
static struct log quiet = { .component = "test" };
static char order[64];
static bool limited;

static void
mark(const char *what)
{
	str_copy(order + strlen(order), sizeof(order) - strlen(order), what);
}

static bool
plain_handler(const struct request *req, struct response *res, struct error *err)
{
	mark("H");
	return response_json_text(res, 200, "{\"a\":1}", 7, err);
}

static bool
failing_handler(const struct request *req, struct response *res, struct error *err)
{
	response_header(res, "ETag", "\"1\"");
	response_json_text(res, 200, "secret", 6, err);
	error_set(err, ERR_QUERY, "It did not work.");
	return error_detail(err, "relation \"media\" does not exist");
}

static bool
etag_handler(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	if (!request_if_match(req, 7, err))
		return false;
	json_object(j, NULL);
	json_object_end(j);
	return response_json_etag(req, res, 200, j, "7-99", err);
}

static bool
open_handler(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	return response_json(res, 200, j, err);
}

static const struct field_rule input[] = { { "n", FIELD_INT, .min = 1, .max = 9 },
	{ .name = NULL } };
static const struct route routes[] = {
	{ METHOD_GET, "/api/free", plain_handler, RATE_NONE, PUBLIC, .input = NULL },
	{ METHOD_GET, "/api/own", plain_handler, RATE_TIER, PERM_SIGNED_IN, input },
	{ METHOD_POST, "/api/own", plain_handler, RATE_TIER, PERM_SIGNED_IN, input },
	{ METHOD_GET, "/api/public", plain_handler, RATE_TIER, PUBLIC, .input = NULL },
	{ METHOD_GET, "/api/fails", failing_handler, RATE_NONE, PUBLIC, .input = NULL },
	{ METHOD_GET, "/api/etag", etag_handler, RATE_NONE, PUBLIC, .input = NULL },
	{ METHOD_PATCH, "/api/etag", etag_handler, RATE_NONE, PUBLIC, .input = NULL },
	{ METHOD_GET, "/api/open", open_handler, RATE_NONE, PUBLIC, .input = NULL },
	{ .path = NULL },
};
static const struct route_module module = { "test", routes };
static const struct route_module *const modules[] = { &module, NULL };

static bool
authenticate(struct request *req, struct error *err)
{
	mark("a");
	if (req->authorization == NULL)
		return true;
	if (strcmp(req->authorization, "good") != 0)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid", "No.");
	str_copy(req->who->user_id, sizeof(req->who->user_id),
	    "0192f0c1-2345-7abc-8def-0123456789ab");
	return true;
}

static bool
admit(struct request *req, struct error *err)
{
	mark("l");
	req->limit = (struct limit_state) { .known = true,
		.limit = 10,
		.remaining = 3,
		.reset = clock_now() / US_PER_SEC + 30,
		.window = 60,
		.policy = "anonymous" };
	if (!limited)
		return true;
	error_set(err, ERR_RATE_LIMITED, "Too many.");
	err->retry_after = 7;
	return false;
}

static bool
authorize(struct request *req, struct error *err)
{
	mark("p");
	return true;
}

static bool
origin_allowed(const struct request *req, const char *origin)
{
	return strcmp(origin, "https://page.example") == 0;
}

static const struct guards guards = { .authenticate = authenticate,
	.admit = admit,
	.authorize = authorize,
	.origin_allowed = origin_allowed };
static struct request *req;
static struct response *res;

static struct request *
prepare(const char *method, const char *uri)
{
	char *envp[] = { arena_printf(&arena, "REQUEST_METHOD=%s", method),
		arena_printf(&arena, "REQUEST_URI=%s", uri), NULL };
	char **copy = arena_memdup(&arena, envp, sizeof(envp));
	size_t body;

	req = arena_alloc(&arena, sizeof(*req));
	res = arena_alloc(&arena, sizeof(*res));
	response_init(res, &arena);
	req->arena = &arena;
	req->log = &quiet;
	req->timing.start = clock_monotonic();
	request_parse(req, copy, &body);
	order[0] = '\0';
	limited = false;
	return req;
}

static int
run(const struct guards *with)
{
	struct app app = { modules, with };

	dispatch(&app, req, res);
	return res->status;
}

static const char *
code(void)
{
	static struct error err;
	const cJSON *tree = json_parse(&arena, res->body, res->body_len, &err);

	return json_str(tree, "code", "");
}

static bool
header_is(const char *name, const char *want)
{
	const char *got = response_find(res, name);

	return got != NULL && strcmp(got, want) == 0;
}

static void
test_order(void)
{
	prepare("GET", "/api/own")->authorization = "good";
	is_int(run(&guards), 200, "signed in");
	is_str(order, "alpH", "authentication, limits, permission, handler");
	ok(header_is("Cache-Control", "private, no-store"), "a signed-in answer is private");
	ok(header_is("X-RateLimit-Remaining", "3") &&
		header_is("RateLimit-Policy", "\"anonymous\";q=10;w=60"),
	    "what is left is told");
	prepare("GET", "/api/own");
	is_int(run(&guards), 401, "nobody");
	is_str(order, "al", "is counted, then refused");
	ok(header_is("WWW-Authenticate", "Bearer realm=\"medianest\"") &&
		header_is("X-RateLimit-Limit", "10"),
	    "with the headers of both");
	prepare("GET", "/api/own")->authorization = "bad";
	is_int(run(&guards), 401, "a bad token");
	is_str(code(), "token_invalid", "says so");
	is_str(order, "al", "after it was counted");
	prepare("GET", "/api/own")->authorization = "bad";
	limited = true;
	is_int(run(&guards), 429, "and 429 comes before 401");
	ok(header_is("Retry-After", "7"), "with Retry-After");
	prepare("GET", "/api/own?n=10");
	is_int(run(&guards), 400, "input is judged first");
	is_str(order, "", "without any I/O");
	prepare("GET", "/api/public")->authorization = "bad";
	is_int(run(&guards), 200, "a public route does not mind a bad token");
	prepare("GET", "/api/free")->authorization = "good";
	is_int(run(&guards), 200, "an unguarded route");
	is_str(order, "H", "asks no guard");
	prepare("GET", "/api/free");
	is_int(run(NULL), 200, "and needs none");
	prepare("GET", "/api/public");
	is_int(run(NULL), 500, "any other does");
}

static void
test_body(void)
{
	prepare("POST", "/api/own")->authorization = "good";
	req->body = "{\"n\":1}";
	req->body_len = 7;
	is_int(run(&guards), 415, "a body without a type");
	prepare("POST", "/api/own")->authorization = "good";
	req->body = "{\"n\":1}";
	req->body_len = 7;
	req->content_type = "Application/JSON; charset=utf-8";
	is_int(run(&guards), 200, "JSON with a parameter");
	prepare("POST", "/api/own")->authorization = "good";
	req->body = "n=1";
	req->body_len = 3;
	req->content_type = "application/x-www-form-urlencoded";
	is_int(run(&guards), 415, "a form");
	prepare("POST", "/api/own?n=1")->authorization = "good";
	is_int(run(&guards), 400, "a query where a body belongs");
	prepare("GET", "/api/own")->authorization = "good";
	req->body = "{}";
	req->body_len = 2;
	is_int(run(&guards), 400, "a body where a query belongs");
}

static void
test_problems(void)
{
	prepare("GET", "/api/nothing");
	is_int(run(&guards), 404, "no such path");
	is_str(code(), "not_found", "as a problem");
	is_str(res->content_type, "application/problem+json", "of its type");
	prepare("PUT", "/api/free");
	is_int(run(&guards), 405, "another method");
	ok(header_is("Allow", "GET, HEAD, OPTIONS"), "Allow");
	prepare("GET", "/api/../x");
	is_int(run(&guards), 400, "a bad path");
	prepare("GET", "/api/fails");
	is_int(run(&guards), 500, "a query that failed");
	ok(strstr(res->body, "relation") == NULL && strstr(res->body, "secret") == NULL,
	    "tells nothing of the database");
	ok(response_find(res, "ETag") == NULL, "and keeps no header of the handler");
	ok(response_find(res, "X-Request-Id") != NULL &&
		response_find(res, "Server-Timing") != NULL &&
		header_is("X-Content-Type-Options", "nosniff") &&
		header_is("Referrer-Policy", "no-referrer"),
	    "every answer has these");
	prepare("GET", "/api/open");
	is_int(run(&guards), 500, "half a JSON text is not sent");
}

static void
test_cors(void)
{
	prepare("OPTIONS", "/api/own")->origin = "https://page.example";
	is_int(run(&guards), 204, "a preflight");
	is_str(order, "", "before authentication");
	ok(header_is("Access-Control-Allow-Origin", "https://page.example") &&
		header_is("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"),
	    "from a known origin");
	prepare("OPTIONS", "/api/own")->origin = "https://evil.example";
	is_int(run(&guards), 204, "from another");
	ok(response_find(res, "Access-Control-Allow-Origin") == NULL && header_is("Vary", "Origin"),
	    "allows nothing");
	prepare("GET", "/api/own")->origin = "https://page.example";
	is_int(run(&guards), 401, "a refusal");
	ok(header_is("Access-Control-Allow-Origin", "https://page.example"),
	    "is readable to the page");
	ok(response_find(res, "Access-Control-Allow-Credentials") == NULL, "no credentials, ever");
}

static void
test_etag(void)
{
	prepare("GET", "/api/etag")->if_none_match = "\"x\", W/\"7-99\"";
	is_int(run(&guards), 304, "a known version");
	ok(res->body_len == 0 && header_is("ETag", "\"7-99\""), "without a body");
	prepare("GET", "/api/etag")->if_none_match = "\"7-98\"";
	is_int(run(&guards), 200, "another bucket");
	prepare("HEAD", "/api/etag")->if_none_match = "*";
	is_int(run(&guards), 304, "any version");
	prepare("PATCH", "/api/etag")->if_match = "\"7-1\"";
	is_int(run(&guards), 200, "If-Match compares the version only");
	prepare("PATCH", "/api/etag")->if_match = "\"70-99\", \"6-99\", junk";
	is_int(run(&guards), 412, "another version");
	prepare("PATCH", "/api/etag")->if_match = "*";
	is_int(run(&guards), 200, "any version");
}

int
main(void)
{
	log_set_level(LOG_L_CRIT);
	arena_init(&arena);
	test_order();
	test_body();
	test_problems();
	test_cors();
	test_etag();
	arena_clear(&arena);
	return done_testing();
}
