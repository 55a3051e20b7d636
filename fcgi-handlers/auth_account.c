#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/account_input.h"
#include "fcgi-handlers/auth.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/account/account_flow.h"
#include "service/account/api_token.h"
#include "service/account/session.h"
#include "service/account/totp.h"

#include "core/banned.h"

#define LINK_TOKEN_MAX 128

static const struct field_rule register_input[] = {
	{ "email", FIELD_EMAIL, .flags = FIELD_REQUIRED },
	NEW_PASSWORD_RULE("password", FIELD_REQUIRED),
	DISPLAY_NAME_RULE,
	{ "invite", FIELD_STRING, .min = 1, .max = LINK_TOKEN_MAX, .flags = FIELD_SECRET },
	{ .name = NULL },
};

static bool
accepted(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "status", "accepted");
	json_object_end(j);
	return response_json(res, 202, j, err);
}

/* POST /api/auth/register */
static bool
auth_register(const struct request *req, struct response *res, struct error *err)
{
	const struct registration reg = {
		.email = input_str(req->input, "email"),
		.password = input_str(req->input, "password"),
		.display_name = input_str(req->input, "displayName"),
		.invite = input_str(req->input, "invite"),
	};
	struct session_grant grant;
	bool opened;

	if (!account_register(req->call, &reg, &opened, &grant, err))
		return false;
	return opened ? auth_grant_reply(req, res, 201, &grant, err) : accepted(req, res, err);
}

static const struct field_rule link_input[] = {
	{ "token", FIELD_STRING, .min = 1, .max = LINK_TOKEN_MAX,
	    .flags = FIELD_REQUIRED | FIELD_SECRET },
	{ .name = NULL },
};

/* POST /api/auth/confirm */
static bool
auth_confirm(const struct request *req, struct response *res, struct error *err)
{

	return account_confirm(req->call, input_str(req->input, "token"), err) &&
	    response_empty(res, 204);
}

static const struct field_rule forgot_input[] = {
	{ "email", FIELD_EMAIL, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

/* POST /api/auth/password/forgot: the same response for every address. */
static bool
auth_forgot(const struct request *req, struct response *res, struct error *err)
{

	return account_forgot(req->call, input_str(req->input, "email"), err) &&
	    accepted(req, res, err);
}

static const struct field_rule reset_input[] = {
	{ "token", FIELD_STRING, .min = 1, .max = LINK_TOKEN_MAX,
	    .flags = FIELD_REQUIRED | FIELD_SECRET },
	NEW_PASSWORD_RULE("password", FIELD_REQUIRED),
	{ .name = NULL },
};

/* POST /api/auth/password/reset */
static bool
auth_reset(const struct request *req, struct response *res, struct error *err)
{

	return account_reset(req->call, input_str(req->input, "token"),
		   input_str(req->input, "password"), err) &&
	    response_empty(res, 204);
}

static const struct field_rule password_input[] = {
	PASSWORD_RULE("current"),
	NEW_PASSWORD_RULE("password", FIELD_REQUIRED),
	{ "revokeTokens", FIELD_BOOL },
	{ .name = NULL },
};

/* POST /api/auth/password */
static bool
auth_password(const struct request *req, struct response *res, struct error *err)
{
	const struct password_new new = {
		.current = input_str(req->input, "current"),
		.password = input_str(req->input, "password"),
		.end_tokens = input_bool(req->input, "revokeTokens", false),
	};

	return account_password(req->call, &new, err) && response_empty(res, 204);
}

/* GET /api/auth/sessions */
static bool
sessions_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct session *sessions;
	size_t n;

	if (!session_list(req->call, req->who->user_id, &sessions, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", sessions[i].id);
		json_put_str(j, "device", sessions[i].device);
		json_put_str(j, "address", sessions[i].address);
		json_put_time(j, "createdAt", sessions[i].created_at);
		json_put_time(j, "lastUsedAt", sessions[i].last_used_at);
		json_put_bool(j, "current", str_eq(sessions[i].id, req->who->session_id));
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* DELETE /api/auth/sessions/{id} */
static bool
session_delete(const struct request *req, struct response *res, struct error *err)
{
	return session_end(req->call, request_param(req, "id"), err) && response_empty(res, 204);
}

/* DELETE /api/auth/sessions: all but this one. */
static bool
sessions_delete(const struct request *req, struct response *res, struct error *err)
{
	return session_end_others(req->call, err) && response_empty(res, 204);
}

static const struct field_rule proof_input[] = {
	PROOF_PASSWORD_RULE(FIELD_REQUIRED),
	TOTP_RULE,
	{ .name = NULL },
};

/* POST /api/auth/totp */
static bool
totp_post(const struct request *req, struct response *res, struct error *err)
{
	const struct login_proof proof = login_proof_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct totp_enrolment enrolment;
	struct verified verified;

	if (!login_prove(req->call, &proof, &verified, err) ||
	    !totp_begin(req->call, &verified, &enrolment, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "secret", enrolment.secret);
	json_put_str(j, "uri", enrolment.uri);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule code_input[] = {
	{ "code", FIELD_STRING, .min = TOTP_DIGITS, .max = TOTP_DIGITS,
	    .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_DIGITS },
	{ .name = NULL },
};

/* POST /api/auth/totp/confirm */
static bool
totp_confirm_post(const struct request *req, struct response *res, struct error *err)
{
	const char *codes[RECOVERY_CODES];
	struct json *j = json_new(req->arena, 0);

	if (!totp_confirm(req->call, input_str(req->input, "code"), codes, err))
		return false;
	json_object(j, NULL);
	json_put_strs(j, "recoveryCodes", codes, RECOVERY_CODES);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/auth/totp/disable */
static bool
totp_disable_post(const struct request *req, struct response *res, struct error *err)
{
	const struct login_proof proof = login_proof_of(req->input);
	struct verified verified;

	return login_prove(req->call, &proof, &verified, err) &&
	    totp_disable(req->call, &verified, err) && response_empty(res, 204);
}

static void
token_members(struct json *j, const struct api_token *token)
{
	json_put_str(j, "id", token->id);
	json_put_str(j, "name", token->name);
	json_put_str(j, "hint", token->hint);
	permissions_put(j, "scopes", token->scopes);
	json_put_time(j, "createdAt", token->created_at);
	json_put_time(j, "expiresAt", token->expires_at);
	json_put_time(j, "lastUsedAt", token->last_used_at);
}

/* GET /api/auth/tokens */
static bool
tokens_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct api_token *tokens;
	size_t n;

	if (!api_token_list(req->call, req->who->user_id, &tokens, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		token_members(j, &tokens[i]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule token_input[] = {
	{ "name", FIELD_STRING, .min = 1, .max = API_TOKEN_NAME_MAX, .flags = FIELD_REQUIRED },
	{ "scopes", FIELD_STRINGS, .min = 1, .max = PERMISSIONS_GRANTABLE, .flags = FIELD_REQUIRED,
	    .choices = PERMISSION_CHOICES },
	{ "expiresAt", FIELD_TIME },
	{ .name = NULL },
};

/* POST /api/auth/tokens: the token is only shown in this response. */
static bool
tokens_post(const struct request *req, struct response *res, struct error *err)
{
	struct api_token_new new = { .name = input_str(req->input, "name"),
		.expires_at = input_time(req->input, "expiresAt") };
	struct json *j = json_new(req->arena, 0);
	enum permission permission;
	struct api_token made;
	const char *token;

	for (size_t i = 0; i < input_count(req->input, "scopes"); i++) {
		if (permission_parse(input_str_at(req->input, "scopes", i), &permission))
			new.scopes |= PERM_BIT(permission);
	}
	if (!api_token_create(req->call, &new, &made, &token, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "token", token);
	token_members(j, &made);
	json_object_end(j);
	return response_json(res, 201, j, err);
}

/* DELETE /api/auth/tokens/{id} */
static bool
token_delete(const struct request *req, struct response *res, struct error *err)
{

	return api_token_revoke(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

static const struct route auth_account_routes[] = {
	{ METHOD_POST, "/api/auth/register", auth_register, AUTH_NONE, PUBLIC, RATE_TIER, BODY_JSON,
	    register_input },
	{ METHOD_POST, "/api/auth/confirm", auth_confirm, AUTH_NONE, PUBLIC, RATE_TIER, BODY_JSON,
	    link_input },
	{ METHOD_POST, "/api/auth/password/forgot", auth_forgot, AUTH_NONE, PUBLIC, RATE_TIER,
	    BODY_JSON, forgot_input },
	{ METHOD_POST, "/api/auth/password/reset", auth_reset, AUTH_NONE, PUBLIC, RATE_TIER,
	    BODY_JSON, reset_input },
	{ METHOD_POST, "/api/auth/password", auth_password, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_JSON, password_input },
	{ METHOD_GET, "/api/auth/sessions", sessions_get, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/auth/sessions", sessions_delete, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/auth/sessions/{id}", session_delete, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/auth/totp", totp_post, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_JSON, proof_input },
	{ METHOD_POST, "/api/auth/totp/confirm", totp_confirm_post, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_JSON, code_input },
	{ METHOD_POST, "/api/auth/totp/disable", totp_disable_post, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_JSON, proof_input },
	{ METHOD_GET, "/api/auth/tokens", tokens_get, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_POST, "/api/auth/tokens", tokens_post, AUTH_SESSION, PERM_SIGNED_IN, RATE_TIER,
	    BODY_JSON, token_input },
	{ METHOD_DELETE, "/api/auth/tokens/{id}", token_delete, AUTH_SESSION, PERM_SIGNED_IN,
	    RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module auth_account_module = { "auth_account", auth_account_routes };
