#include "fcgi-handlers/webhooks_out.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/notify/hook_deliveries.h"
#include "service/notify/hook_endpoints.h"

#include "core/banned.h"

#define EVENT_CHOICES ("*" HOOK_OUT_EVENT_LIST(WORDS_CHOICE))

/* `secret`: only in the response to the request that made it; else NULL. */
static void
endpoint_view(struct json *j, const struct hook_endpoint *e, const char *secret)
{
	json_object(j, NULL);
	json_put_str(j, "id", e->id);
	json_put_str(j, "origin", e->origin);
	json_opt_str(j, "url", e->url);
	json_put_strs(j, "events", e->events.items, e->events.n);
	json_object(j, "headers");
	for (size_t i = 0; i < e->header_names.n; i++)
		json_put_str_dyn(j, e->header_names.items[i], NULL);
	json_object_end(j);
	json_put_bool(j, "enabled", e->enabled);
	json_opt_str(j, "offReason", e->off_reason);
	if (e->failing_since != 0)
		json_put_time(j, "failingSince", e->failing_since);
	if (e->delivered_at != 0)
		json_put_time(j, "lastDeliveredAt", e->delivered_at);
	if (e->previous_until > clock_now())
		json_put_time(j, "previousSecretUntil", e->previous_until);
	json_opt_str(j, "secret", secret);
	json_put_time(j, "createdAt", e->created_at);
	json_put_time(j, "updatedAt", e->updated_at);
	json_object_end(j);
}

/* If-Match compares the version; what changes by sending is in the second part. */
static bool
endpoint_reply(const struct request *req, struct response *res, int status,
    const struct hook_endpoint *e, const char *secret, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	const char *etag = arena_printf(req->arena, "%lld-%llx", (long long)e->version,
	    (unsigned long long)(e->failing_since ^ e->delivered_at ^ e->previous_until));

	endpoint_view(j, e, secret);
	return response_json_etag(req, res, status, j, etag, err);
}

/* GET /api/webhooks/endpoints */
static bool
endpoints_list(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct hook_endpoint *items;
	struct page page;

	if (!hook_endpoint_list(req->call, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		endpoint_view(j, &items[i], NULL);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

#define URL_RULE(marks) { "url", FIELD_STRING, .min = 1, .max = HOOK_URL_MAX, .flags = (marks) }
#define EVENTS_RULE(marks) \
	{ "events", FIELD_STRINGS, .min = 1, .max = HOOK_OUT_EVENTS_MAX, .flags = (marks), \
		.choices = EVENT_CHOICES }
#define HEADERS_RULE { "headers", FIELD_JSON }
#define ENABLED_RULE { "enabled", FIELD_BOOL }

static const struct field_rule create_input[] = {
	URL_RULE(FIELD_REQUIRED),
	EVENTS_RULE(FIELD_REQUIRED),
	HEADERS_RULE,
	ENABLED_RULE,
	{ .name = NULL },
};
static const struct field_rule patch_input[] = {
	URL_RULE(0),
	EVENTS_RULE(0),
	HEADERS_RULE,
	ENABLED_RULE,
	{ .name = NULL },
};

static struct hook_endpoint_change
change_of(const struct request *req)
{
	size_t n = input_count(req->input, "events");
	const char **events = arena_array(req->arena, n, sizeof(*events));

	for (size_t i = 0; i < n; i++)
		events[i] = input_str_at(req->input, "events", i);
	return (struct hook_endpoint_change) {
		.url = input_str(req->input, "url"),
		.events = { events, n },
		.headers = input_json(req->input, "headers"),
		.set_enabled = input_has(req->input, "enabled"),
		.enabled = input_bool(req->input, "enabled", true),
	};
}

/* POST /api/webhooks/endpoints */
static bool
endpoints_post(const struct request *req, struct response *res, struct error *err)
{
	const struct hook_endpoint_change change = change_of(req);
	struct hook_endpoint endpoint;
	const char *secret;

	return hook_endpoint_create(req->call, &change, &endpoint, &secret, err) &&
	    endpoint_reply(req, res, 201, &endpoint, secret, err);
}

/* GET /api/webhooks/endpoints/{id} */
static bool
endpoint_get(const struct request *req, struct response *res, struct error *err)
{
	struct hook_endpoint endpoint;

	return hook_endpoint_get(req->call, request_param(req, "id"), &endpoint, err) &&
	    endpoint_reply(req, res, 200, &endpoint, NULL, err);
}

static bool
endpoint_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct hook_endpoint found;

	if (!hook_endpoint_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/* PATCH /api/webhooks/endpoints/{id} */
static bool
endpoint_patch(const struct request *req, struct response *res, struct error *err)
{
	struct hook_endpoint_change change = change_of(req);
	const char *id = request_param(req, "id");
	struct hook_endpoint endpoint;

	return request_expects(req, endpoint_version, id, &change.version, err) &&
	    hook_endpoint_change(req->call, id, &change, &endpoint, err) &&
	    endpoint_reply(req, res, 200, &endpoint, NULL, err);
}

/* DELETE /api/webhooks/endpoints/{id} */
static bool
endpoint_delete(const struct request *req, struct response *res, struct error *err)
{
	return hook_endpoint_delete(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

/* POST /api/webhooks/endpoints/{id}/rotate */
static bool
endpoint_rotate(const struct request *req, struct response *res, struct error *err)
{
	struct hook_endpoint endpoint;
	const char *secret;

	return hook_endpoint_rotate(req->call, request_param(req, "id"), &endpoint, &secret, err) &&
	    endpoint_reply(req, res, 200, &endpoint, secret, err);
}

/* POST /api/webhooks/endpoints/{id}/test */
static bool
endpoint_test(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct hook_test test;

	if (!hook_endpoint_test(req->call, request_param(req, "id"), &test, err))
		return false;
	json_object(j, NULL);
	json_put_bool(j, "delivered", test.delivered);
	if (test.status != 0)
		json_put_int(j, "status", test.status);
	else
		json_put_null(j, "status");
	json_put_int(j, "durationMs", test.ms);
	json_opt_str(j, "error", test.error);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static void
delivery_view(struct json *j, const struct hook_delivery *d)
{
	json_object(j, NULL);
	json_put_str(j, "id", d->id);
	json_put_str(j, "endpointId", d->endpoint_id);
	json_put_str(j, "event", d->event);
	json_put_str(j, "status", d->status);
	json_put_int(j, "attempts", d->attempts);
	if (d->response_status != 0)
		json_put_int(j, "responseStatus", d->response_status);
	if (d->attempted)
		json_put_int(j, "durationMs", d->duration_ms);
	json_opt_str(j, "error", d->error);
	json_put_time(j, "createdAt", d->created_at);
	if (d->next_attempt_at != 0)
		json_put_time(j, "nextAttemptAt", d->next_attempt_at);
	if (d->delivered_at != 0)
		json_put_time(j, "deliveredAt", d->delivered_at);
	if (d->payload != NULL)
		json_put_raw(j, "payload", d->payload);
	json_object_end(j);
}

static const struct field_rule deliveries_input[] = {
	{ "status", FIELD_ENUM, .choices = CHOICES(DELIVERY_STATUS_LIST) },
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* GET /api/webhooks/endpoints/{id}/deliveries */
static bool
deliveries_list(const struct request *req, struct response *res, struct error *err)
{
	const struct delivery_filter filter = {
		.status = input_str(req->input, "status"),
		.from = input_time(req->input, "from"),
		.to = input_time(req->input, "to"),
	};
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct hook_delivery *items;
	struct page page;

	if (!hook_delivery_list(req->call, request_param(req, "id"), &filter, &ask, &items, &page,
		err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		delivery_view(j, &items[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/webhooks/endpoints/{id}/deliveries/{deliveryId} */
static bool
delivery_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct hook_delivery delivery;

	if (!hook_delivery_get(req->call, request_param(req, "id"),
		request_param(req, "deliveryId"), &delivery, err))
		return false;
	delivery_view(j, &delivery);
	return response_json(res, 200, j, err);
}

static const struct field_rule replay_input[] = {
	{ "deliveryId", FIELD_UUID },
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	{ "missing", FIELD_BOOL },
	{ .name = NULL },
};

/*
 * POST /api/webhooks/endpoints/{id}/replay: one delivery, those of a time, those that never
 * arrived, or the last of a time.
 */
static bool
endpoint_replay(const struct request *req, struct response *res, struct error *err)
{
	const struct delivery_replay what = {
		.delivery_id = input_str(req->input, "deliveryId"),
		.from = input_time(req->input, "from"),
		.to = input_time(req->input, "to"),
		.missing = input_bool(req->input, "missing", false),
	};
	bool window = what.from != 0 || what.to != 0;
	struct json *j = json_new(req->arena, 0);
	int64_t n;

	if (what.delivery_id != NULL && (window || what.missing))
		return error_field(err, "deliveryId", "choice", "must be given alone");
	if (what.delivery_id == NULL && !window && !what.missing)
		return error_field(err, "deliveryId", "required",
		    "must be given, or a time (from, to), or missing");
	if (!hook_delivery_replay(req->call, request_param(req, "id"), &what, &n, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "replayed", n);
	json_object_end(j);
	return response_json(res, 202, j, err);
}

static const struct route webhooks_out_routes[] = {
	{ METHOD_GET, "/api/webhooks/endpoints", endpoints_list, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_NONE, list_page_input },
	{ METHOD_POST, "/api/webhooks/endpoints", endpoints_post, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_JSON, create_input },
	{ METHOD_GET, "/api/webhooks/endpoints/{id}", endpoint_get, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/webhooks/endpoints/{id}", endpoint_patch, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, patch_input },
	{ METHOD_DELETE, "/api/webhooks/endpoints/{id}", endpoint_delete, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/webhooks/endpoints/{id}/rotate", endpoint_rotate, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, "/api/webhooks/endpoints/{id}/test", endpoint_test, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, "/api/webhooks/endpoints/{id}/replay", endpoint_replay, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, replay_input },
	{ METHOD_GET, "/api/webhooks/endpoints/{id}/deliveries", deliveries_list, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_NONE, deliveries_input },
	{ METHOD_GET, "/api/webhooks/endpoints/{id}/deliveries/{deliveryId}", delivery_get,
	    AUTH_BEARER, PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module webhooks_out_module = { "webhooks_out", webhooks_out_routes };
