#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "fcgi-handlers/account_input.h"
#include "fcgi-handlers/auth.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/account/plex_signin.h"
#include "service/account/session.h"

#include "core/banned.h"

/* A bad token is an error on the routes of PINs, never anonymous. */
static bool
nobody_or_good(const struct request *req, struct error *err)
{
	if (req->auth_error == NULL)
		return true;
	*err = *req->auth_error;
	return false;
}

static const struct field_rule pin_input[] = {
	PROOF_PASSWORD_RULE(0),
	TOTP_RULE,
	{ .name = NULL },
};

/* POST /api/auth/plex/pin: with a bearer token the PIN links that account. */
static bool
plex_pin_post(const struct request *req, struct response *res, struct error *err)
{
	const struct login_proof proof = login_proof_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct plex_signin_pin pin;

	if (!nobody_or_good(req, err) || !plex_signin_begin(req->call, &proof, &pin, err))
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
	enum plex_poll poll;

	if (!nobody_or_good(req, err) ||
	    !plex_signin_poll(req->call, request_param(req, "id"), &poll, &grant, err))
		return false;
	if (poll == PLEX_SIGNED_IN)
		return auth_grant_reply(req, res, 200, &grant, err);
	json_object(j, NULL);
	json_put_str(j, "status", poll == PLEX_LINKED ? "linked" : "pending");
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule unlink_input[] = {
	PROOF_PASSWORD_RULE(FIELD_REQUIRED),
	TOTP_RULE,
	{ .name = NULL },
};

/* POST /api/auth/plex/unlink */
static bool
plex_unlink_post(const struct request *req, struct response *res, struct error *err)
{
	const struct login_proof proof = login_proof_of(req->input);
	struct verified verified;

	return login_prove(req->call, &proof, &verified, err) &&
	    plex_unlink(req->call, &verified, err) && response_empty(res, 204);
}

static const struct route auth_plex_routes[] = {
	{ METHOD_POST, "/api/auth/plex/pin", plex_pin_post, AUTH_BEARER, PUBLIC, RATE_TIER,
	    BODY_JSON, pin_input },
	{ METHOD_GET, "/api/auth/plex/pin/{id}", plex_pin_get, AUTH_BEARER, PUBLIC, RATE_PIN,
	    BODY_NONE, NULL },
	{ METHOD_POST, "/api/auth/plex/unlink", plex_unlink_post, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_JSON, unlink_input },
	{ .path = NULL },
};

const struct route_module auth_plex_module = { "auth_plex", auth_plex_routes };
