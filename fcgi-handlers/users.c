#include "fcgi-handlers/users.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/account_input.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/user_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/account/account_flow.h"
#include "service/account/activity.h"
#include "service/account/invites.h"
#include "service/account/people.h"
#include "service/account/session.h"
#include "service/account/time_zone.h"

#include "core/banned.h"

#define QUOTA_MAX (1LL << 50) /* bytes */

static bool
user_reply(const struct request *req, struct response *res, int status, const struct user *user,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	char etag[USER_ETAG];

	user_etag(user, etag);
	user_view(j, NULL, user);
	return response_json_etag(req, res, status, j, etag, err);
}

static bool
storage_reply(const struct request *req, struct response *res, const struct user *user,
    struct error *err)
{
	int64_t quota_default = config_int(req->config, CFG_QUOTA_DEFAULT);
	struct json *j = json_new(req->arena, 0);
	struct person_storage *storage;
	char etag[USER_STORAGE_ETAG];

	if (!people_storage(req->call, user, 1, &storage, err))
		return false;
	user_storage_etag(user, storage, quota_default, etag);
	user_storage_view(j, user, storage, quota_default);
	return response_json_etag(req, res, 200, j, etag, err);
}

static bool
user_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct user found;

	if (!people_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/* GET /api/users/me */
static bool
me_get(const struct request *req, struct response *res, struct error *err)
{
	struct user user;

	return session_user(req->call, &user, err) && storage_reply(req, res, &user, err);
}

static const struct field_rule me_input[] = {
	DISPLAY_NAME_RULE,
	{ "email", FIELD_EMAIL },
	{ "locale", FIELD_STRING, .min = 2, .max = 35 },
	{ "timeZone", FIELD_STRING, .min = 1, .max = TIME_ZONE_MAX },
	PROOF_PASSWORD_RULE(0),
	TOTP_RULE,
	{ .name = NULL },
};

/* PATCH /api/users/me */
static bool
me_patch(const struct request *req, struct response *res, struct error *err)
{
	struct profile_change change = {
		.display_name = input_str(req->input, "displayName"),
		.email = input_str(req->input, "email"),
		.locale = input_str(req->input, "locale"),
		.time_zone = input_str(req->input, "timeZone"),
		.proof = login_proof_of(req->input),
	};
	struct user user;

	return request_expects(req, user_version, req->who->user_id, &change.version, err) &&
	    account_profile(req->call, &change, &user, err) &&
	    user_reply(req, res, 200, &user, err);
}

/* GET /api/users/me/activity */
static bool
me_activity(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct activity *items;
	struct page page;

	if (!activity_list(req->call, req->who->user_id, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", items[i].id);
		json_put_time(j, "at", items[i].at);
		json_put_str(j, "kind", items[i].kind);
		json_put_raw(j, "data", items[i].data);
		json_object_end(j);
	}
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/users/me/statistics */
static bool
me_statistics(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct month *months;
	size_t n;

	if (!activity_statistics(req->call, req->who->user_id, &months, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "month", months[i].month);
		json_put_int(j, "uploads", months[i].uploads);
		json_put_int(j, "bytes", months[i].bytes);
		json_put_int(j, "plays", months[i].plays);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule list_input[] = {
	{ "q", FIELD_STRING, .min = 1, .max = 100 },
	{ "role", FIELD_ENUM, .choices = ROLE_CHOICES },
	{ "tier", FIELD_ENUM, .choices = TIER_CHOICES },
	{ "status", FIELD_ENUM, .choices = CHOICES(ACCOUNT_STATUS_LIST) },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* GET /api/users */
static bool
users_list(const struct request *req, struct response *res, struct error *err)
{
	const struct people_filter filter = {
		.q = input_str(req->input, "q"),
		.role = input_str(req->input, "role"),
		.tier = input_str(req->input, "tier"),
		.status = input_str(req->input, "status"),
	};
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct person_storage *storage;
	struct user *users;
	struct page page;

	if (!people_list(req->call, &filter, &ask, &users, &page, err) ||
	    !people_storage(req->call, users, page.n, &storage, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		user_storage_view(j, &users[i], &storage[i],
		    config_int(req->config, CFG_QUOTA_DEFAULT));
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule create_input[] = {
	{ "invite", FIELD_BOOL },
	{ "email", FIELD_EMAIL },
	NEW_PASSWORD_RULE("password", 0),
	DISPLAY_NAME_RULE,
	{ "role", FIELD_ENUM, .choices = ROLE_CHOICES },
	{ "tier", FIELD_ENUM, .choices = TIER_CHOICES },
	{ .name = NULL },
};

static void
invite_view(struct json *j, const struct invite *invite)
{
	json_object(j, NULL);
	json_put_str(j, "id", invite->id);
	json_put_str(j, "email", invite->email);
	json_put_str(j, "role", role_name(invite->role));
	json_put_str(j, "tier", tier_name(invite->tier));
	json_put_time(j, "createdAt", invite->created_at);
	json_put_time(j, "expiresAt", invite->expires_at);
	json_put_str(j, "createdBy", invite->created_by);
	json_put_str(j, "createdByName", invite->created_by_name);
	json_object_end(j);
}

/* An invitation: only the response to its request has its token and link. */
static struct json *
invite_made_view(struct arena *arena, const struct invite_made *invite,
    const struct invite_new *new, bool secrets)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_put_str(j, "id", invite->id);
	if (secrets) {
		json_put_str(j, "invite", invite->token);
		json_put_str(j, "url", invite->url);
	}
	json_put_str(j, "email", new->email);
	json_put_str(j, "role", role_name(new->role));
	json_put_str(j, "tier", tier_name(new->tier));
	json_put_time(j, "expiresAt", invite->expires_at);
	json_object_end(j);
	return j;
}

static bool
users_invite(const struct request *req, struct response *res, const struct invite_new *new,
    struct error *err)
{
	struct invite_made invite;

	if (!invite_add(req->call, new, &invite, err))
		return false;
	res->memo = invite_made_view(req->arena, &invite, new, false)->buf.data;
	return response_json(res, 201, invite_made_view(req->arena, &invite, new, true), err);
}

/* POST /api/users: creates an account, or with {"invite":true} an invitation. */
static bool
users_post(const struct request *req, struct response *res, struct error *err)
{
	struct person_new new = { .email = input_str(req->input, "email"),
		.password = input_str(req->input, "password"),
		.display_name = input_str(req->input, "displayName"),
		.role = ROLE_USER,
		.tier = TIER_STANDARD };
	struct invite_new invite;
	struct user user;

	if (input_has(req->input, "role"))
		role_parse(input_str(req->input, "role"), &new.role);
	if (input_has(req->input, "tier"))
		tier_parse(input_str(req->input, "tier"), &new.tier);
	if (input_bool(req->input, "invite", false)) {
		if (new.password != NULL || new.display_name != NULL)
			return error_field(err, "invite", "choice",
			    "must be false when a password or a name is given: invited"
			    " people choose their own");
		invite =
		    (struct invite_new) { .email = new.email, .role = new.role, .tier = new.tier };
		return users_invite(req, res, &invite, err);
	}
	if (new.email == NULL)
		error_field(err, "email", "required", "must be given");
	if (new.password == NULL)
		error_field(err, "password", "required", "must be given");
	if (err->nfields > 0)
		return false;
	return people_create(req->call, &new, &user, err) && user_reply(req, res, 201, &user, err);
}

/* GET /api/users/invites: those that can still be used, newest first. */
static bool
invites_list(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct invite *invites;
	struct page page;

	if (!invite_list(req->call, &ask, &invites, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		invite_view(j, &invites[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* DELETE /api/users/invites/{id} */
static bool
invite_delete(const struct request *req, struct response *res, struct error *err)
{
	return invite_revoke(req->call, request_param(req, "id"), err) && response_empty(res, 204);
}

/* GET /api/users/{id} */
static bool
user_get(const struct request *req, struct response *res, struct error *err)
{
	struct user user;

	return people_get(req->call, request_param(req, "id"), &user, err) &&
	    storage_reply(req, res, &user, err);
}

static const struct field_rule patch_input[] = {
	DISPLAY_NAME_RULE,
	{ "role", FIELD_ENUM, .choices = ROLE_CHOICES },
	{ "tier", FIELD_ENUM, .choices = TIER_CHOICES },
	{ "status", FIELD_ENUM, .choices = CHOICES(ACCOUNT_STATUS_LIST) },
	{ "quota", FIELD_INT, .min = 0, .max = QUOTA_MAX, .flags = FIELD_NULLABLE },
	{ .name = NULL },
};

/* PATCH /api/users/{id} */
static bool
user_patch(const struct request *req, struct response *res, struct error *err)
{
	struct person_change change = {
		.display_name = input_str(req->input, "displayName"),
		.role = input_str(req->input, "role"),
		.tier = input_str(req->input, "tier"),
		.status = input_str(req->input, "status"),
		.quota =
		    input_is_null(req->input, "quota") ? -2 : input_int(req->input, "quota", -1),
	};
	const char *id = request_param(req, "id");
	struct user user;

	return request_expects(req, user_version, id, &change.version, err) &&
	    people_change(req->call, id, &change, &user, err) &&
	    storage_reply(req, res, &user, err);
}

static const struct field_rule delete_input[] = {
	{ "items", FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = "trash|transfer" },
	{ "to", FIELD_UUID },
	{ .name = NULL },
};

/* DELETE /api/users/{id}?items=trash|transfer&to=ID */
static bool
user_delete(const struct request *req, struct response *res, struct error *err)
{
	bool transfer = str_eq(input_str(req->input, "items"), "transfer");

	if (transfer != input_has(req->input, "to"))
		return error_field(err, "to", transfer ? "required" : "choice",
		    transfer ? "must be given with items=transfer" :
			       "must not be given without items=transfer");
	return people_delete(req->call, request_param(req, "id"), input_str(req->input, "to"),
		   err) &&
	    response_empty(res, 204);
}

/* DELETE /api/users/{id}/totp */
static bool
user_totp_delete(const struct request *req, struct response *res, struct error *err)
{

	return people_reset_totp(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

static const struct route users_routes[] = {
	{ METHOD_GET, "/api/users/me", me_get, AUTH_BEARER, PERM_PROFILE_VIEW, RATE_TIER, BODY_NONE,
	    NULL },
	{ METHOD_PATCH, "/api/users/me", me_patch, AUTH_SESSION, PERM_PROFILE_EDIT, RATE_TIER,
	    BODY_JSON, me_input },
	{ METHOD_GET, "/api/users/me/activity", me_activity, AUTH_BEARER, PERM_PROFILE_VIEW,
	    RATE_TIER, BODY_NONE, list_page_input },
	{ METHOD_GET, "/api/users/me/statistics", me_statistics, AUTH_BEARER, PERM_PROFILE_VIEW,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/users", users_list, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, list_input },
	{ METHOD_POST, "/api/users", users_post, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_JSON, create_input, .flags = ROUTE_IDEMPOTENT },
	{ METHOD_GET, "/api/users/invites", invites_list, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, list_page_input },
	{ METHOD_DELETE, "/api/users/invites/{id}", invite_delete, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/users/{id}", user_get, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/users/{id}", user_patch, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_JSON, patch_input },
	{ METHOD_DELETE, "/api/users/{id}", user_delete, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, delete_input },
	{ METHOD_DELETE, "/api/users/{id}/totp", user_totp_delete, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module users_module = { "users", users_routes };
