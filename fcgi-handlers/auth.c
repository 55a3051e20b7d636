#include "fcgi-handlers/auth.h"

#include "core/arena.h"
#include "core/json.h"
#include "fcgi-handlers/account_input.h"
#include "fcgi-handlers/user_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/account/login.h"
#include "service/account/offer.h"
#include "service/account/session.h"

#include "core/banned.h"

static const struct field_rule login_input[] = {
	{ "email", FIELD_EMAIL, .flags = FIELD_REQUIRED },
	PASSWORD_RULE("password"),
	TOTP_RULE,
	{ .name = NULL },
};

static const struct field_rule refresh_input[] = {
	{ "refreshToken", FIELD_STRING, .min = 1, .max = 2 * REFRESH_TOKEN_TEXT,
	    .flags = FIELD_REQUIRED | FIELD_SECRET },
	{ .name = NULL },
};

static void
grant_members(struct json *j, const struct session_grant *grant)
{
	json_put_str(j, "token", grant->token);
	json_put_str(j, "refreshToken", grant->refresh_token);
	json_put_int(j, "expiresIn", grant->expires_in);
}

bool
auth_grant_reply(const struct request *req, struct response *res, int status,
    const struct session_grant *grant, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	grant_members(j, grant);
	user_view(j, "user", &grant->user);
	json_object_end(j);
	return response_json(res, status, j, err);
}

/* POST /api/auth/login */
static bool
auth_login(const struct request *req, struct response *res, struct error *err)
{
	const struct login_ask ask = {
		.email = input_str(req->input, "email"),
		.password = input_str(req->input, "password"),
		.totp = input_str(req->input, "totp"),
	};
	struct session_grant grant;

	return session_login(req->call, &ask, &grant, err) &&
	    auth_grant_reply(req, res, 200, &grant, err);
}

/* POST /api/auth/refresh */
static bool
auth_refresh(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct session_grant grant;

	if (!session_refresh(req->call, input_str(req->input, "refreshToken"), &grant, err))
		return false;
	json_object(j, NULL);
	grant_members(j, &grant);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/*
 * POST /api/auth/logout: ends the session of the refresh token, and that of the bearer token if one
 * is sent.
 */
static bool
auth_logout(const struct request *req, struct response *res, struct error *err)
{
	return session_logout(req->call, input_str(req->input, "refreshToken"), req->who, err) &&
	    response_empty(res, 204);
}

/* GET /api/auth/session: who am I, and what may I do? */
static bool
auth_session(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct user user;

	if (!session_user(req->call, &user, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "sessionId", req->who->session_id);
	user_view(j, "user", &user);
	json_put_str(j, "role", role_name(req->who->role));
	json_put_str(j, "tier", tier_name(req->who->tier));
	permissions_put(j, "permissions", req->who->permissions);
	json_put_time(j, "expiresAt", req->who->expires_at);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/auth/options: what a sign-in page may offer. Not counted: people need their tries. */
static bool
auth_options(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct account_offer offer;

	if (!account_offer(req->call, &offer, err))
		return false;
	json_object(j, NULL);
	json_put_bool(j, "registration", offer.registration);
	json_put_bool(j, "passwordReset", offer.password_reset);
	json_put_bool(j, "plex", offer.plex);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route auth_routes[] = {
	{ METHOD_GET, "/api/auth/options", auth_options, AUTH_BEARER, PUBLIC, RATE_NONE, BODY_NONE,
	    NULL },
	{ METHOD_POST, "/api/auth/login", auth_login, AUTH_NONE, PUBLIC, RATE_TIER, BODY_JSON,
	    login_input },
	{ METHOD_POST, "/api/auth/refresh", auth_refresh, AUTH_REFRESH, PUBLIC, RATE_TIER,
	    BODY_JSON, refresh_input },
	{ METHOD_POST, "/api/auth/logout", auth_logout, AUTH_REFRESH, PUBLIC, RATE_TIER, BODY_JSON,
	    refresh_input },
	{ METHOD_GET, "/api/auth/session", auth_session, AUTH_BEARER, PERM_SIGNED_IN, RATE_TIER,
	    BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module auth_module = { "auth", auth_routes };
