#include "fcgi-handlers/notifications.h"
#include "fcgi-handlers/list_view.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/notify/notify.h"
#include "service/notify/notify_inbox.h"
#include "service/notify/unsubscribe.h"

#include "core/banned.h"

#define UNSUBSCRIBE_BODY_MAX 4096 /* bytes: List-Unsubscribe=One-Click, in one form or another */

/* "media.ready|media.failed|..." */
#define NOTIFICATION_KIND(kind, event, email, ...) "|" kind
static const char kind_choices[] =
#include "model/notification_kinds.def"
    ;
#undef NOTIFICATION_KIND
#define KIND_CHOICES (&kind_choices[1])

static const struct field_rule list_input[] = {
	LIST_LIMIT_RULE,
	{ "cursor", FIELD_STRING, .min = 1, .max = INBOX_CURSOR_MAX },
	{ "after", FIELD_INT, .min = 0, .max = JSON_INT_MAX },
	{ "unread", FIELD_BOOL, .flags = 0 },
	{ "kind", FIELD_ENUM, .choices = KIND_CHOICES },
	{ .name = NULL },
};

static const struct field_rule unsubscribe_input[] = {
	{ "token", FIELD_STRING, .min = 1, .max = UNSUBSCRIBE_TOKEN_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static const struct field_rule preference_input[] = {
	{ "page", FIELD_BOOL, .flags = 0 },
	{ "email", FIELD_ENUM, .choices = CHOICES(NOTIFICATION_EMAIL_LIST) },
	{ .name = NULL },
};

/* Other kinds are refused as unknown. */
static const struct field_rule kinds_input[] = {
#define NOTIFICATION_KIND(kind, event, email, ...) \
	{ kind, FIELD_OBJECT, .fields = preference_input },
#include "model/notification_kinds.def"
#undef NOTIFICATION_KIND
	{ .name = NULL },
};
#define KINDS (sizeof(kinds_input) / sizeof(kinds_input[0]) - 1)

static const struct field_rule preferences_input[] = {
	{ "kinds", FIELD_OBJECT, .flags = FIELD_REQUIRED, .fields = kinds_input },
	{ .name = NULL },
};

static const struct field_rule broadcast_input[] = {
	{ "title", FIELD_STRING, .min = 1, .max = NOTIFY_TITLE_MAX, .flags = FIELD_REQUIRED },
	{ "message", FIELD_STRING, .min = 1, .max = NOTIFY_MESSAGE_MAX,
	    .flags = FIELD_REQUIRED | FIELD_TEXT },
	{ "roles", FIELD_STRINGS, .min = 1, .max = ROLES, .choices = ROLE_CHOICES },
	{ .name = NULL },
};

static void
notification_view(struct json *j, const struct notification *n)
{
	json_object(j, NULL);
	json_put_str(j, "id", n->id);
	json_put_int(j, "seq", n->seq);
	json_put_str(j, "kind", n->kind);
	json_put_str(j, "title", n->title);
	json_put_str(j, "message", n->message);
	json_put_raw(j, "data", n->data);
	json_put_bool(j, "read", n->read);
	json_put_time(j, "createdAt", n->created_at);
	json_object_end(j);
}

/* GET /api/notifications: newest first, or with `after` the later ones, oldest first. */
static bool
notifications_list(const struct request *req, struct response *res, struct error *err)
{
	const struct inbox_ask ask = {
		.list = list_ask_of(req->input),
		.after = input_int(req->input, "after", -1),
		.unread = input_bool(req->input, "unread", false),
		.kind = input_str(req->input, "kind"),
	};
	struct json *j = json_new(req->arena, 0);
	struct inbox inbox;
	struct page page;

	if (!inbox_list(req->call, &ask, &inbox, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		notification_view(j, &inbox.items[i]);
	list_close(j, &ask.list, &page);
	json_put_int(j, "unread", inbox.unread);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/notifications/{id}/read */
static bool
notifications_read(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct notification n;

	if (!inbox_read(req->call, request_param(req, "id"), &n, err))
		return false;
	notification_view(j, &n);
	return response_json(res, 200, j, err);
}

/* POST /api/notifications/read-all */
static bool
notifications_read_all(const struct request *req, struct response *res, struct error *err)
{
	return inbox_read_all(req->call, err) && response_empty(res, 204);
}

/* DELETE /api/notifications/{id} */
static bool
notifications_delete(const struct request *req, struct response *res, struct error *err)
{
	return inbox_delete(req->call, request_param(req, "id"), err) && response_empty(res, 204);
}

/*
 * GET /api/notifications/unsubscribe: the link in a mail. It changes nothing, as programs follow
 * links too; the page asks.
 */
static bool
unsubscribe_get(const struct request *req, struct response *res, struct error *err)
{
	return response_redirect(res, 303,
	    unsubscribe_page(req->call, input_str(req->input, "token")), "no-store");
}

/* POST /api/notifications/unsubscribe: by the page, or by a mail program (RFC 8058). */
static bool
unsubscribe_post(const struct request *req, struct response *res, struct error *err)
{
	return unsubscribe(req->call, input_str(req->input, "token"), err) &&
	    response_empty(res, 204);
}

/* GET /api/notifications/preferences */
static bool
preferences_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct notification_preference *set;
	size_t n;

	if (!inbox_preferences(req->call, &set, &n, err))
		return false;
	json_object(j, NULL);
	json_object(j, "kinds");
	for (size_t i = 0; i < n; i++) {
		json_object(j, set[i].kind);
		json_put_bool(j, "page", set[i].page);
		json_put_str(j, "email", set[i].email);
		json_object_end(j);
	}
	json_object_end(j);
	json_put_int(j, "digestHour", inbox_digest_hour(req->call));
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* PUT /api/notifications/preferences: omitted kinds and members stay as they are. */
static bool
preferences_put(const struct request *req, struct response *res, struct error *err)
{
	const struct input *kinds = input_object(req->input, "kinds"), *kind;
	struct notification_preference *set, changed[KINDS];
	size_t n, nchanged = 0, i;

	if (!inbox_preferences(req->call, &set, &n, err))
		return false;
	for (i = 0; i < n && nchanged < KINDS; i++) {
		if ((kind = input_object(kinds, set[i].kind)) == NULL)
			continue;
		set[i].page = input_bool(kind, "page", set[i].page);
		if (input_has(kind, "email"))
			set[i].email = input_str(kind, "email");
		changed[nchanged++] = set[i];
	}
	return inbox_prefer(req->call, changed, nchanged, err) && preferences_get(req, res, err);
}

/* POST /api/notifications/ticket: a ticket opens one socket, once. */
static bool
notifications_ticket(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	const char *ticket;

	if (!inbox_ticket(req->call, &ticket, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "ticket", ticket);
	json_put_int(j, "expiresIn", TICKET_SECONDS);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* The requested roles, or all of them. */
static size_t
broadcast_roles(const struct input *input, const char *roles[ROLES])
{
	size_t n = input_count(input, "roles");

	for (size_t i = 0; i < n; i++)
		roles[i] = input_str_at(input, "roles", i);
	if (input_has(input, "roles"))
		return n;
	for (n = 0; n < ROLES; n++)
		roles[n] = role_name((enum role)n);
	return n;
}

/* POST /api/notifications/broadcast */
static bool
notifications_broadcast(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	const char *roles[ROLES];
	struct broadcast what = {
		.title = input_str(req->input, "title"),
		.message = input_str(req->input, "message"),
		.roles = { roles, broadcast_roles(req->input, roles) },
	};
	size_t recipients;

	if (!notify_broadcast(req->call, &what, &recipients, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "recipients", (int64_t)recipients);
	json_object_end(j);
	return response_json(res, 201, j, err);
}

static const struct route notifications_routes[] = {
	{ METHOD_GET, "/api/notifications", notifications_list, AUTH_BEARER, PERM_SIGNED_IN,
	    RATE_TIER, BODY_NONE, list_input },
	{ METHOD_POST, "/api/notifications/{id}/read", notifications_read, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, "/api/notifications/read-all", notifications_read_all, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_DELETE, "/api/notifications/{id}", notifications_delete, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/notifications/unsubscribe", unsubscribe_get, AUTH_NONE, PUBLIC,
	    RATE_TIER, BODY_NONE, unsubscribe_input },
	{ METHOD_POST, "/api/notifications/unsubscribe", unsubscribe_post, AUTH_NONE, PUBLIC,
	    RATE_TIER, BODY_RAW, unsubscribe_input, .body_max = UNSUBSCRIBE_BODY_MAX },
	{ METHOD_GET, "/api/notifications/preferences", preferences_get, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PUT, "/api/notifications/preferences", preferences_put, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_JSON, preferences_input },
	{ METHOD_POST, "/api/notifications/ticket", notifications_ticket, AUTH_BEARER,
	    PERM_SIGNED_IN, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, "/api/notifications/broadcast", notifications_broadcast, AUTH_BEARER,
	    PERM_USERS_MANAGE, RATE_TIER, BODY_JSON, broadcast_input, .flags = ROUTE_IDEMPOTENT },
	{ .path = NULL },
};

const struct route_module notifications_module = { "notifications", notifications_routes };
