/* Paths and requests as nginx passes them on. */
#include "core/arena.h"
#include "core/error.h"
#include "http/request.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;

static const char *
decoded(const char *raw)
{
	static struct error err;
	const char *path = NULL;

	error_clear(&err);
	return request_path_decode(&arena, raw, strlen(raw), &path, &err) ? path : NULL;
}

static void
test_paths(void)
{
	static const struct {
		const char *raw, *want;
	} rows[] = {
		{ "/", "/" },
		{ "/api/media", "/api/media" },
		{ "/api/media/", "/api/media/" },
		{ "/api/v1/media/x", "/api/media/x" },
		{ "/api/v1", "/api" },
		{ "/api/v10/media", "/api/v10/media" },
		{ "/api/%6dedia", "/api/media" },
		{ "/api/m+x", "/api/m+x" },
		{ "/api/%c3%a4", "/api/\xc3\xa4" },
		{ "/api/...", "/api/..." },
		{ "/api/a%25b", "/api/a%b" },
		{ "", NULL },
		{ "api", NULL },
		{ "/api//media", NULL },
		{ "//api", NULL },
		{ "/api/./x", NULL },
		{ "/api/..", NULL },
		{ "/api/../x", NULL },
		{ "/api/%2e%2E/x", NULL },
		{ "/api/.%2e/x", NULL },
		{ "/api/a%2fb", NULL },
		{ "/api/a%2Fb", NULL },
		{ "/api/a\\b", NULL },
		{ "/api/a%5cb", NULL },
		{ "/api/a%00b", NULL },
		{ "/api/a%0ab", NULL },
		{ "/api/a%7fb", NULL },
		{ "/api/%", NULL },
		{ "/api/%4", NULL },
		{ "/api/%zz", NULL },
		{ "/api/%ff", NULL },
		{ "/api/%c0%ae%c0%ae/x", NULL },
	};
	char big[REQUEST_PATH_MAX + 2];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(decoded(rows[i].raw), rows[i].want, "path '%s'", rows[i].raw);
	memset(big, 'a', sizeof(big));
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	is_str(decoded(big), NULL, "a path past the limit is refused");
	big[sizeof(big) - 2] = '\0';
	ok(decoded(big) != NULL, "one at the limit is taken");
}

static struct request *
parsed(char *const *envp, size_t *body_len)
{
	struct request *req = arena_alloc(&arena, sizeof(*req));

	req->arena = &arena;
	request_parse(req, envp, body_len);
	return req;
}

static void
test_parse(void)
{
	char *good[] = { "REQUEST_METHOD=HEAD", "REQUEST_URI=/api/v1/x?a=b?c", "CONTENT_LENGTH=12",
		"REQUEST_ID=client-id-1", "REMOTE_ADDR=127.0.0.1", "HTTP_ORIGIN=https://x",
		"REQUEST_METHODX=POST", NULL };
	char *length[] = { "REQUEST_METHOD=POST", "REQUEST_URI=/", "CONTENT_LENGTH=-1", NULL };
	char *chunked[] = { "REQUEST_METHOD=POST", "REQUEST_URI=/",
		"HTTP_TRANSFER_ENCODING=chunked", NULL };
	char *method[] = { "REQUEST_METHOD=BREW", "REQUEST_URI=/", "REQUEST_ID=x y", NULL };
	char *none[] = { NULL };
	struct request *req;
	size_t body;

	req = parsed(good, &body);
	ok(req->method == METHOD_GET && req->head, "HEAD is routed as GET");
	is_str(req->path, "/api/x", "the path ends at the question mark");
	is_str(req->query, "a=b?c", "the query is the rest");
	is_str(req->request_id, "client-id-1", "a good request id is kept");
	is_str(req->origin, "https://x", "Origin");
	is_str(req->authorization, NULL, "a header that did not come is NULL");
	is_str(req->user_agent, "", "or empty");
	ok(body == 12 && req->framing == NULL, "Content-Length is read");
	ok(parsed(length, &body)->framing != NULL, "a negative Content-Length is a framing error");
	req = parsed(chunked, &body);
	is_str(error_slug_of(req->framing), "length_required", "a transfer encoding is refused");
	req = parsed(method, &body);
	ok(req->method == METHODS && req->framing == NULL,
	    "an unknown method is left to the routes");
	ok(strcmp(req->request_id, "x y") != 0 && strlen(req->request_id) == 36,
	    "a bad request id is replaced");
	ok(parsed(none, &body)->framing != NULL, "no parameters at all: a framing error");
}

int
main(void)
{
	arena_init(&arena);
	test_paths();
	test_parse();
	arena_clear(&arena);
	return done_testing();
}
