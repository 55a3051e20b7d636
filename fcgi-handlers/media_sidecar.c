/* PUT /api/media/{id}/sidecar: what another program says of an item, in a file beside it. */
#include "core/clock.h"
#include "core/json.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "model/media.h"
#include "service/catalogue/media_sidecar.h"

#include "core/banned.h"

static const struct field_rule sidecar_input[] = {
	{ "text", FIELD_STRING, .min = 1, .max = MEDIA_SIDECAR_MAX,
	    .flags = FIELD_REQUIRED | FIELD_TEXT },
	{ .name = NULL },
};

static bool
media_sidecar_put(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct media media;

	if (!media_set_sidecar(req->call, request_param(req, "id"), input_str(req->input, "text"),
		&media, err))
		return false;
	media_view(req, j, NULL, &media, clock_now());
	return response_json(res, 202, j, err);
}

static const struct route sidecar_routes[] = {
	{ METHOD_PUT, "/api/media/{id}/sidecar", media_sidecar_put, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, sidecar_input },
	{ .path = NULL },
};

const struct route_module media_sidecar_module = { "media-sidecar", sidecar_routes };
