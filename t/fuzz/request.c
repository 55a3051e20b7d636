/*
 * Fuzz target: a raw request target through path decoding and route matching. Accepted paths
 * contain no '..' and no hidden slash.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "http/request.h"
#include "http/route.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct route rows[] = {
	{ METHOD_GET, "/api/media/{id}/thumbnail/{size}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, "/api/webhooks/plex/{key}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_JSON,
	    NULL },
	{ METHOD_GET, "/api/{a}/{b}/{c}/{d}/{e}", NULL, AUTH_BEARER, PUBLIC, RATE_TIER, BODY_NONE,
	    NULL },
	{ .path = NULL },
};
static const struct route_module module = { "fuzz", rows };
static const struct route_module *const modules[] = { &module, NULL };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *envp[] = { NULL, NULL, NULL };
	struct arena arena;
	struct request *req;
	char allow[64];
	size_t body;

	arena_init(&arena);
	req = arena_alloc(&arena, sizeof(*req));
	req->arena = &arena;
	envp[0] = arena_strdup(&arena, "REQUEST_METHOD=GET");
	envp[1] =
	    arena_printf(&arena, "REQUEST_URI=%s", arena_strndup(&arena, (const char *)data, size));
	request_parse(req, envp, &body);
	if (req->framing == NULL) {
		if (req->path[0] != '/' || strstr(req->path, "//") != NULL ||
		    strstr(req->path, "/../") != NULL || str_ends(req->path, "/..") ||
		    strchr(req->path, '\\') != NULL || !utf8_valid(req->path, strlen(req->path)))
			abort();
		route_find(modules, req, allow, sizeof(allow));
	}
	arena_clear(&arena);
	return 0;
}
