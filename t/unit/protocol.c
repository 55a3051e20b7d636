/* A pool with a protocol of its own passes the same entry: measured, in the log. */
#include <fcntl.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/dispatch.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/response.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define LOG_TEXT_MAX 4096

static struct arena arena;
static int measured;

static bool
serve(const struct request *req, struct response *res, struct error *err)
{
	if (str_eq(req->path, "/good"))
		return response_empty(res, 204);
	response_header(res, "ETag", "x");
	return error_slug(err, ERR_MALFORMED, "InvalidBucketName", "No such form.");
}

static void
refuse(const struct request *req, struct response *res, const struct error *err)
{
	(void)req;
	res->status = error_class(err->code)->status;
	res->body = error_slug_of(err);
	res->body_len = strlen(res->body);
}

static const char *
name(const struct request *req)
{
	(void)req;
	return "own write";
}

static void
measure(struct request *req)
{
	(void)req;
	measured++;
}

static const struct protocol protocol = { name, serve, refuse };
static const struct guards guards = { .measure = measure };
static const struct app app = { .protocol = &protocol, .guards = &guards };

/* Serves a request; returns what it wrote to the log. */
static const char *
run(const char *uri, struct response *res)
{
	char *text = arena_alloc(&arena, LOG_TEXT_MAX),
	     *envp[] = { arena_strdup(&arena, "REQUEST_METHOD=PUT"),
		     arena_printf(&arena, "REQUEST_URI=%s", uri),
		     arena_strdup(&arena, "HTTP_AUTHORIZATION=secret"), NULL };
	struct log log = { .component = "test" };
	struct request req = { .arena = &arena, .log = &log };
	int saved = dup(STDERR_FILENO), pipes[2];
	size_t announced;

	if (saved < 0 || pipe(pipes) != 0)
		return "";
	dup2(pipes[1], STDERR_FILENO);
	response_init(res, &arena);
	req.timing.start = clock_monotonic();
	request_parse(&req, envp, &announced);
	is_int((int)dispatch_open(&app, &req, 5), 0, "its bodies lie elsewhere");
	dispatch(&app, &req, res);
	dispatch_sent(&app, &req, res);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipes[1]);
	if (read(pipes[0], text, LOG_TEXT_MAX - 1) < 0)
		text[0] = '\0';
	close(pipes[0]);
	return text;
}

int
main(void)
{
	struct response res;
	const char *line;

	arena_init(&arena);
	line = run("/good?X-Amz-Signature=secret", &res);
	is_int(res.status, 204, "it answers itself");
	ok(res.nheaders == 0, "with its own headers only");
	is_int(measured, 1, "and measured");
	ok(strstr(line, "\"method\":\"PUT\",\"route\":\"own write\"") != NULL &&
		strstr(line, "\"status\":204") != NULL,
	    "and in the log");
	ok(strstr(line, "secret") == NULL, "without query and credentials");

	line = run("/bad", &res);
	ok(res.status == 400 && strcmp(res.body, "InvalidBucketName") == 0,
	    "it refuses in its words");
	ok(response_find(&res, "ETag") == NULL, "without what half an answer left");
	ok(strstr(line, "\"code\":\"InvalidBucketName\"") != NULL &&
		strstr(line, "\"level\":\"info\"") != NULL,
	    "and the log says so, quietly");

	line = run("/../bad", &res);
	is_int(res.status, 400, "what our own paths may not be is its matter");
	arena_clear(&arena);
	return done_testing();
}
