#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_playback.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/playback.h"

#include "core/banned.h"

static const struct field_rule playback_input[] = {
	{ "original", FIELD_BOOL },
	{ .name = NULL },
};

bool
media_playback_answer(const struct request *req, struct response *res, int status,
    const struct playback *p, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "status", p->state);
	if (p->url != NULL) {
		json_put_str(j, "url", p->url);
		json_put_str(j, "contentType", p->content_type);
		json_put_bool(j, "transcoded", p->transcoded);
	}
	if (p->file_url != NULL) {
		json_object(j, "file");
		json_put_str(j, "url", p->file_url);
		json_put_str(j, "contentType", p->file_type);
		json_object_end(j);
	}
	if (str_eq(p->state, "running") && p->progress >= 0)
		json_put_int(j, "progress", p->progress);
	if (p->failure_code != NULL) {
		json_object(j, "failure");
		json_put_str(j, "code", p->failure_code);
		json_put_str(j, "message", p->failure_message);
		json_object_end(j);
	}
	json_object_end(j);
	return response_json(res, status, j, err);
}

/* GET /api/media/{id}/playback: what there is to play; nothing is begun. */
static bool
playback_state_get(const struct request *req, struct response *res, struct error *err)
{
	struct playback p;

	return playback_get(req->call, request_param(req, "id"),
		   !input_bool(req->input, "original", true), &p, err) &&
	    media_playback_answer(req, res, 200, &p, err);
}

/* POST /api/media/{id}/playback: a URL to play, or 202 while a version for it is made. */
static bool
playback_post(const struct request *req, struct response *res, struct error *err)
{
	struct playback p;

	return playback_ask(req->call, request_param(req, "id"),
		   !input_bool(req->input, "original", true), &p, err) &&
	    media_playback_answer(req, res, p.url != NULL ? 200 : 202, &p, err);
}

static const struct route playback_routes[] = {
	{ METHOD_GET, "/api/media/{id}/playback", playback_state_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, playback_input },
	{ METHOD_POST, "/api/media/{id}/playback", playback_post, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, playback_input },
	{ .path = NULL },
};

const struct route_module media_playback_module = { "media_playback", playback_routes };
