/*
 * Fuzz target: a request whose route takes a signed raw body. The first line is the request target,
 * the rest the body. The verifier and the handler see the unchanged bytes, and requests without a
 * source do not reach the handler.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "http/dispatch.h"
#include "http/guard.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t *sent;
static size_t sent_len;

static void
check_body(const struct request *req)
{
	if (req->body_len != sent_len || (sent_len > 0 && memcmp(req->body, sent, sent_len) != 0))
		abort();
}

static bool
handler(const struct request *req, struct response *res, struct error *err)
{
	(void)err;
	check_body(req);
	if (req->source == NULL)
		abort();
	return response_empty(res, 204);
}

static bool
hook(struct request *req, struct error *err)
{
	struct error why;

	(void)err;
	check_body(req);
	if (req->body_len > 0 && req->body[req->body_len - 1] == '!') {
		req->source = req->subject.source = request_param(req, "key");
		return true;
	}
	error_clear(&why);
	error_set(&why, ERR_UNAUTHENTICATED, "No.");
	request_refuse_later(req, &why);
	return true;
}

static bool
pass(struct request *req, struct error *err)
{
	(void)req;
	(void)err;
	return true;
}

static const struct route rows[] = {
	{ METHOD_POST, "/api/webhooks/plex/{key}", handler, AUTH_HOOK, PUBLIC, RATE_WEBHOOK,
	    BODY_RAW, NULL, .body_max = 4096 },
	{ .path = NULL },
};
static const struct route_module module = { "fuzz", rows };
static const struct route_module *const modules[] = { &module, NULL };
static const struct guards guards = {
	.identify = { [AUTH_HOOK] = hook }, .admit = pass, .permissions = pass
};
static const struct app app = { .modules = modules, .guards = &guards };
static struct log quiet = { .component = "fuzz" };

static void
serve(struct arena *arena, const char *target)
{
	char *envp[] = { arena_strdup(arena, "REQUEST_METHOD=POST"),
		arena_printf(arena, "REQUEST_URI=%s", target),
		arena_printf(arena, "CONTENT_LENGTH=%zu", sent_len), NULL };
	struct request *req = arena_alloc(arena, sizeof(*req));
	struct response *res = arena_alloc(arena, sizeof(*res));
	size_t announced;

	response_init(res, arena);
	req->arena = arena;
	req->log = &quiet;
	request_parse(req, envp, &announced);
	if (dispatch_open(&app, req, announced) > 0) {
		req->body = arena_memdup(arena, sent, sent_len);
		req->body_len = sent_len;
	}
	dispatch(&app, req, res);
	if (res->status < 200 || res->status > 499)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct arena arena;

	if (line == NULL)
		return 0;
	log_set_level(LOG_L_CRIT);
	arena_init(&arena);
	sent = line + 1;
	sent_len = size - (size_t)(line + 1 - data);
	serve(&arena, arena_strndup(&arena, (const char *)data, (size_t)(line - data)));
	arena_clear(&arena);
	return 0;
}
