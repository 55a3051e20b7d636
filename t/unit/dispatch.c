/* The order of the guard chain, problem documents and the headers of every response. */
#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "http/dispatch.h"
#include "http/guard.h"
#include "http/multipart.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;
static struct log quiet = { .component = "test" };
static char order[64];
static bool limited, away;
static const char *counted; /* whom the limiter counted: a person, a source, or "" */

#define PERSON "0192f0c1-2345-7abc-8def-0123456789ab"
#define OWNER "0192f0c1-2345-7abc-8def-0123456789ac"

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

/* What came in, by its kind. */
static bool
echo_handler(const struct request *req, struct response *res, struct error *err)
{
	const struct multipart_part *part;

	if (req->form == NULL)
		return response_json_text(res, 200, req->body, req->body_len, err);
	if (multipart_find(req->form, "payload", 20, &part) != PART_FOUND)
		return error_set(err, ERR_MALFORMED, "no payload");
	return response_json_text(res, 200, part->data, part->len, err);
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
static const struct field_rule refresh_input[] = {
	{ "refreshToken", FIELD_STRING, .min = 1, .max = 43 }, { .name = NULL }
};

static const char *
cache_key(const struct request *req)
{
	mark("k");
	return "own";
}

#define FREE AUTH_NONE, PUBLIC, RATE_NONE
#define OWN AUTH_BEARER, PERM_SIGNED_IN, RATE_TIER
static const struct route routes[] = {
	{ METHOD_GET, "/api/free", plain_handler, FREE, BODY_NONE, NULL },
	{ METHOD_GET, "/api/own", plain_handler, OWN, BODY_NONE, input, cache_key },
	{ METHOD_POST, "/api/own", plain_handler, OWN, BODY_JSON, input },
	{ METHOD_GET, "/api/public", plain_handler, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE,
	    NULL },
	{ METHOD_GET, "/api/login", plain_handler, AUTH_NONE, PUBLIC, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/session", plain_handler, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_GET, "/api/users", plain_handler, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, "/api/refresh", plain_handler, AUTH_REFRESH, PUBLIC, RATE_TIER, BODY_JSON,
	    refresh_input },
	{ METHOD_POST, "/api/webhooks/{key}", echo_handler, AUTH_HOOK, PUBLIC, RATE_WEBHOOK,
	    BODY_RAW, NULL, .body_max = 32 },
	{ METHOD_POST, "/api/form", echo_handler, FREE, BODY_MULTIPART, input },
	{ METHOD_GET, "/api/metrics", plain_handler, AUTH_SCRAPER, PERM_SYSTEM_SETTINGS, RATE_NONE,
	    BODY_NONE, NULL },
	{ METHOD_GET, "/api/fails", failing_handler, FREE, BODY_NONE, NULL },
	{ METHOD_GET, "/api/etag", etag_handler, FREE, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/etag", etag_handler, FREE, BODY_JSON, NULL },
	{ METHOD_GET, "/api/open", open_handler, FREE, BODY_NONE, NULL },
	{ .path = NULL },
};
static const struct route_module module = { "test", routes };
static const struct route_module *const modules[] = { &module, NULL };

/* "good" is a person's access token, "api" the API token of one who may manage people. */
static bool
bearer(struct request *req, struct error *err)
{
	bool good = str_eq(req->authorization, "good"), api = str_eq(req->authorization, "api");
	struct error why;

	mark("a");
	if (req->authorization == NULL)
		return true;
	if (!good && !api) {
		error_slug(&why, ERR_UNAUTHENTICATED, "token_invalid", "No.");
		request_refuse_later(req, &why);
		return true;
	}
	str_copy(req->who->user_id, sizeof(req->who->user_id), PERSON);
	req->who->scoped = api;
	return true;
}

static bool
refresh(struct request *req, struct error *err)
{
	static struct principal owner = { .user_id = OWNER };

	mark("r");
	req->subject.who =
	    str_eq(input_str(req->input, "refreshToken"), "valid") ? &owner : req->subject.who;
	return true;
}

/* The key is in the path, or the body ends with its signature. */
static bool
hook(struct request *req, struct error *err)
{
	static const char signature[] = ";signed";
	size_t n = sizeof(signature) - 1;
	struct error why;

	mark("h");
	if (str_eq(request_param(req, "key"), "secret") ||
	    (req->body_len >= n && memcmp(req->body + req->body_len - n, signature, n) == 0)) {
		req->source = req->subject.source = "plex";
		return true;
	}
	error_slug(&why, ERR_UNAUTHENTICATED, "invalid_credentials", "No.");
	request_refuse_later(req, &why);
	return true;
}

static bool
scraper(struct request *req, struct error *err)
{
	mark("s");
	if (req->authorization != NULL)
		return bearer(req, err);
	if (str_eq(req->client, "127.0.0.1"))
		req->source = "scraper";
	return true;
}

static bool
admit(struct request *req, struct error *err)
{
	mark("l");
	counted = req->subject.source != NULL ? req->subject.source : req->subject.who->user_id;
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
permissions(struct request *req, struct error *err)
{
	mark("p");
	if (away)
		return error_set(err, ERR_UNAVAILABLE, "No roles.");
	req->who->permissions = req->who->scoped ? PERM_BIT(PERM_USERS_MANAGE) : 0;
	return true;
}

static bool
origin_allowed(const struct request *req, const char *origin)
{
	return strcmp(origin, "https://page.example") == 0;
}

static const struct guards guards = { .identify = { [AUTH_BEARER] = bearer,
					  [AUTH_SESSION] = bearer,
					  [AUTH_REFRESH] = refresh,
					  [AUTH_HOOK] = hook,
					  [AUTH_SCRAPER] = scraper },
	.admit = admit,
	.permissions = permissions,
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
	limited = away = false;
	counted = NULL;
	return req;
}

static int
run_announced(const struct guards *with, size_t announced)
{
	struct app app = { .modules = modules, .guards = with };

	if (dispatch_open(&app, req, announced != 0 ? announced : req->body_len) == 0)
		req->body_len = 0;
	dispatch(&app, req, res);
	return res->status;
}

static int
run(const struct guards *with)
{
	return run_announced(with, 0);
}

static void
send(const char *type, const char *body)
{
	req->content_type = type;
	req->body = body;
	req->body_len = strlen(body);
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
	is_str(order, "aklpH", "identity, cache key, limits, permission, handler");
	is_str(req->log->user_id, PERSON, "the log knows the person");
	is_str(counted, PERSON, "and so does the limiter");
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
	is_str(counted, "", "as anonymous");
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
	prepare("GET", "/api/own")->authorization = "good";
	away = true;
	is_int(run(&guards), 503, "without roles nobody is let in");
	prepare("GET", "/api/public");
	away = true;
	is_int(run(&guards), 200, "but to what is public");
}

static void
test_bearer(void)
{
	prepare("GET", "/api/login")->authorization = "good";
	is_int(run(&guards), 200, "where no credentials are looked at");
	is_str(order, "lpH", "nobody is asked for");
	is_str(counted, "", "and nobody is counted");
	prepare("GET", "/api/own")->authorization = "api";
	is_int(run(&guards), 200, "an API token");
	is_str(req->log->user_id, PERSON, "is in the log");
	is_str(counted, PERSON, "and counts for its owner");
	ok(req->cache_key != NULL, "and has a cache key");
	prepare("GET", "/api/users")->authorization = "api";
	is_int(run(&guards), 200, "with the permission");
	prepare("GET", "/api/users")->authorization = "good";
	is_int(run(&guards), 403, "without it");
	is_str(code(), "forbidden", "says so");
	prepare("GET", "/api/session")->authorization = "good";
	is_int(run(&guards), 200, "a session where one is wanted");
	prepare("GET", "/api/session")->authorization = "api";
	is_int(run(&guards), 403, "an API token there");
	is_str(code(), "session_required", "says so");
	is_str(order, "alp", "after it was counted");
	is_str(counted, PERSON, "for its owner");
	prepare("GET", "/api/session");
	is_int(run(&guards), 401, "nobody there");
}

static void
test_refresh(void)
{
	prepare("POST", "/api/refresh");
	send("application/json", "{\"refreshToken\":\"valid\"}");
	is_int(run(&guards), 200, "a refresh");
	is_str(counted, OWNER, "counts for its owner");
	ok(req->who->user_id[0] == '\0', "who is not signed in by that");
	prepare("POST", "/api/refresh");
	send("application/json", "{\"refreshToken\":\"other\"}");
	is_int(run(&guards), 200, "an invalid one comes to the handler");
	is_str(counted, "", "and counts for nobody");
}

static void
test_hook(void)
{
	prepare("POST", "/api/webhooks/secret");
	send("text/plain", "a\r\n b");
	is_int(run(&guards), 200, "the key of a source");
	is_str(order, "hlp", "identity, limits, settings");
	is_str(counted, "plex", "counts for the source");
	ok(res->body_len == 5 && memcmp(res->body, "a\r\n b", 5) == 0,
	    "and the handler sees the bytes as they came");
	prepare("POST", "/api/webhooks/other");
	send("", "{};signed");
	is_int(run(&guards), 200, "a signature over them");
	prepare("POST", "/api/webhooks/other");
	send("", "{};signet");
	is_int(run(&guards), 401, "a bad one");
	is_str(code(), "invalid_credentials", "says so");
	is_str(order, "hl", "after it was counted");
	is_str(counted, "", "as anonymous");
	prepare("POST", "/api/webhooks/other")->authorization = "good";
	is_int(run(&guards), 401, "a person is no source");
	prepare("POST", "/api/webhooks/other");
	limited = true;
	is_int(run(&guards), 429, "429 comes before 401");
	prepare("POST", "/api/webhooks/secret");
	away = true;
	is_int(run(&guards), 200, "a source has no role");
}

static void
test_scraper(void)
{
	prepare("GET", "/api/metrics")->client = "127.0.0.1";
	is_int(run(&guards), 200, "an allowed address");
	is_str(order, "slpH", "passes every step");
	prepare("GET", "/api/metrics")->client = "203.0.113.1";
	is_int(run(&guards), 401, "another");
	prepare("GET", "/api/metrics")->client = "127.0.0.1";
	req->authorization = "api";
	is_int(run(&guards), 403, "credentials are judged where they come");
	prepare("GET", "/api/metrics")->client = "127.0.0.1";
	is_int(run(NULL), 500, "without a guard for it");
}

static void
test_body(void)
{
	prepare("POST", "/api/own")->authorization = "good";
	send("", "{\"n\":1}");
	is_int(run(&guards), 415, "a body without a type");
	prepare("POST", "/api/own")->authorization = "good";
	send("Application/JSON; charset=utf-8", "{\"n\":1}");
	is_int(run(&guards), 200, "JSON with a parameter");
	prepare("POST", "/api/own")->authorization = "good";
	send("application/x-www-form-urlencoded", "n=1");
	is_int(run(&guards), 415, "a form");
	prepare("POST", "/api/own?n=1")->authorization = "good";
	is_int(run(&guards), 400, "a query where a body belongs");
	prepare("GET", "/api/own")->authorization = "good";
	send("application/json", "{}");
	is_int(run(&guards), 400, "a body where a query belongs");
	is_str(code(), "malformed_request", "says so");
}

static void
test_body_size(void)
{
	prepare("POST", "/api/own")->authorization = "good";
	is_int(run_announced(&guards, BODY_JSON_MAX + 1), 413, "more than JSON may have");
	is_str(code(), "payload_too_large", "says so");
	is_str(order, "", "before anything else is looked at");
	prepare("POST", "/api/webhooks/secret");
	is_int(run_announced(&guards, 33), 413, "more than this row allows");
	prepare("POST", "/api/webhooks/secret");
	is_int(run_announced(&guards, 32), 200, "as much as it allows");
	prepare("GET", "/api/own");
	is_int(run_announced(&guards, BODY_JSON_MAX + 1), 400, "any where none belongs");
	prepare("POST", "/api/nothing");
	is_int(run_announced(&guards, BODY_JSON_MAX + 1), 404, "of a path that is not there");
}

#define FORM "multipart/form-data; boundary=b"
static void
test_form(void)
{
	prepare("POST", "/api/form");
	send(FORM,
	    "--b\r\nContent-Disposition: form-data; name=\"payload\"\r\n\r\n{}\r\n--b--\r\n");
	is_int(run(&guards), 200, "a form");
	ok(res->body_len == 2 && memcmp(res->body, "{}", 2) == 0, "is taken apart");
	ok(req->body_len > 60, "and the body is kept");
	prepare("POST", "/api/form");
	send("application/json", "{}");
	is_int(run(&guards), 415, "JSON where a form belongs");
	prepare("POST", "/api/form");
	send(FORM, "--c--\r\n");
	is_int(run(&guards), 400, "a form that is none");
	prepare("POST", "/api/form?n=10");
	send(FORM, "--b--\r\n");
	is_int(run(&guards), 400, "the rules speak of the query");
	prepare("POST", "/api/form");
	is_int(run_announced(&guards, BODY_MULTIPART_MAX + 1), 413, "a form that is too large");
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
	test_bearer();
	test_refresh();
	test_hook();
	test_scraper();
	test_body();
	test_body_size();
	test_form();
	test_problems();
	test_cors();
	test_etag();
	arena_clear(&arena);
	return done_testing();
}
