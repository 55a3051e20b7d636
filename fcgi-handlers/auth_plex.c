#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "fcgi-handlers/auth.h"
#include "http/request.h"
#include "http/response.h"
#include "service/account/plex_signin.h"
#include "service/account/session.h"

#include "core/banned.h"

/*
 * POST /api/auth/plex/pin: with a bearer token the PIN links that account; a bad token is an error
 * here, never anonymous.
 */
static bool
plex_pin_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct plex_signin_pin pin;

	if (req->auth_error != NULL) {
		*err = *req->auth_error;
		return false;
	}
	if (!plex_signin_begin(req->call, &pin, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "id", pin.id);
	json_put_str(j, "code", pin.code);
	json_put_str(j, "url", pin.url);
	json_put_time(j, "expiresAt", pin.expires_at);
	json_object_end(j);
	return response_json(res, 201, j, err);
}

/* GET /api/auth/plex/pin/{id} */
static bool
plex_pin_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct session_grant grant;
	bool pending;

	if (!plex_signin_poll(req->call, request_param(req, "id"), &pending, &grant, err))
		return false;
	if (!pending)
		return auth_grant_reply(req, res, 200, &grant, err);
	json_object(j, NULL);
	json_put_str(j, "status", "pending");
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* DELETE /api/auth/plex */
static bool
plex_delete(const struct request *req, struct response *res, struct error *err)
{

	return plex_unlink(req->call, err) && response_empty(res, 204);
}

static const struct route auth_plex_routes[] = {
	{ METHOD_POST, "/api/auth/plex/pin", plex_pin_post, AUTH_BEARER, PUBLIC, RATE_TIER,
	    BODY_JSON, NULL },
	{ METHOD_GET, "/api/auth/plex/pin/{id}", plex_pin_get, AUTH_BEARER, PUBLIC, RATE_PIN,
	    BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/auth/plex", plex_delete, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module auth_plex_module = { "auth_plex", auth_plex_routes };
