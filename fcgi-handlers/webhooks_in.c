#include "fcgi-handlers/webhooks_in.h"

#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/multipart.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "model/hook.h"
#include "service/integrations/hook_in.h"
#include "service/integrations/hook_read.h"
#include "service/integrations/hook_sources.h"

#include "core/banned.h"

#define HOOK_BODY_MAX (16UL << 20) /* bytes, as nginx lets pass: Plex sends pictures too */
#define FORM "multipart/form-data"

static const struct field_rule hook_params[] = {
	{ "key", FIELD_STRING, .min = 1, .max = HOOK_KEY_MAX, .flags = FIELD_SECRET },
	{ "source", FIELD_UUID },
	{ .name = NULL },
};

static const struct field_rule hook_query[] = {
	{ "key", FIELD_STRING, .min = 1, .max = HOOK_KEY_MAX, .flags = FIELD_SECRET },
	{ .name = NULL },
};

static const struct field_rule source_input[] = {
	{ "source", FIELD_ENUM, .choices = CHOICES(HOOK_SOURCE_LIST), .flags = FIELD_REQUIRED },
	{ "name", FIELD_STRING, .min = 1, .max = HOOK_NAME_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static const struct field_rule source_change_input[] = {
	{ "name", FIELD_STRING, .min = 1, .max = HOOK_NAME_MAX },
	{ "enabled", FIELD_BOOL, .flags = 0 },
	{ .name = NULL },
};

static const struct field_rule events_input[] = {
	LIST_LIMIT_RULE,
	LIST_CURSOR_RULE,
	{ "status", FIELD_ENUM, .choices = CHOICES(HOOK_STATUS_LIST) },
	{ "source", FIELD_ENUM, .choices = CHOICES(HOOK_SOURCE_LIST) },
	{ "type", FIELD_STRING, .min = 1, .max = HOOK_TYPE_MAX },
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	{ .name = NULL },
};

static const struct field_rule replay_input[] = {
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	{ "status", FIELD_ENUM, .choices = CHOICES(HOOK_STATUS_LIST) },
	{ .name = NULL },
};

/* --- what comes in --- */

static bool
is_form(const char *type)
{
	size_t len = strcspn(type, "; \t");

	return len == strlen(FORM) && strncasecmp(type, FORM, len) == 0;
}

static bool
too_large(struct error *err)
{
	return error_set(err, ERR_TOO_LARGE, "The payload may have at most %lu bytes.",
	    HOOK_PAYLOAD_MAX);
}

/*
 * The JSON: the body, or of a form the part `payload`. Pictures beside it are of no use: posters
 * come from the server.
 */
static bool
take_payload(const struct request *req, struct hook_arrival *out, struct error *err)
{
	const struct multipart_part *part;
	struct multipart *form;

	out->payload = req->body != NULL ? req->body : "";
	out->len = req->body_len;
	if (!is_form(req->content_type))
		return out->len <= HOOK_PAYLOAD_MAX || too_large(err);
	form = arena_alloc(req->arena, sizeof(*form));
	if (!multipart_parse(req->arena, req->content_type, out->payload, out->len, form, err))
		return false;
	switch (multipart_find(form, "payload", HOOK_PAYLOAD_MAX, &part)) {
	case PART_FOUND:
		out->payload = part->data;
		out->len = part->len;
		return true;
	case PART_TOO_LARGE: return too_large(err);
	case PART_ABSENT:
	default: return error_set(err, ERR_MALFORMED, "The form has no part named payload.");
	}
}

/* The answer comes when the event is stored, not when it is processed: senders do not wait. */
static bool
receive(const struct request *req, struct response *res, const char *source, struct error *err)
{
	struct hook_arrival delivery = { .source_id = req->source,
		.source = source,
		.id = request_env(req, "HTTP_WEBHOOK_ID") };
	struct json *j = json_new(req->arena, 0);
	struct hook_receipt receipt;

	if (!take_payload(req, &delivery, err) ||
	    !hook_receive(req->call, &delivery, &receipt, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "id", receipt.id);
	json_put_str(j, "status", receipt.duplicate ? "duplicate" : "received");
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/webhooks/plex[/{key}] */
static bool
plex_hook(const struct request *req, struct response *res, struct error *err)
{
	return receive(req, res, "plex", err);
}

/* POST /api/webhooks/overseerr[/{key}] */
static bool
overseerr_hook(const struct request *req, struct response *res, struct error *err)
{
	return receive(req, res, "overseerr", err);
}

/* POST /api/webhooks/generic/{source} */
static bool
generic_hook(const struct request *req, struct response *res, struct error *err)
{
	return receive(req, res, "generic", err);
}

/* --- sources --- */

static void
source_members(const struct request *req, struct json *j, const struct hook_source *source,
    const struct hook_credentials *credentials)
{
	json_put_str(j, "id", source->id);
	json_put_str(j, "source", source->source);
	json_put_str(j, "name", source->name);
	json_put_bool(j, "enabled", source->enabled);
	json_put_str(j, "url",
	    credentials != NULL ? credentials->url : hook_source_url(req->call, source));
	if (credentials != NULL) {
		json_put_str(j, "key", credentials->key);
		json_put_str(j, "secret", credentials->secret);
	}
	json_put_time(j, "createdAt", source->created_at);
	if (source->rotated_at != 0)
		json_put_time(j, "rotatedAt", source->rotated_at);
	if (source->last_event_at != 0)
		json_put_time(j, "lastEventAt", source->last_event_at);
}

static bool
source_reply(const struct request *req, struct response *res, int status,
    const struct hook_source *source, const struct hook_credentials *credentials, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	source_members(req, j, source, credentials);
	json_object_end(j);
	return response_json(res, status, j, err);
}

/* GET /api/webhooks/sources */
static bool
sources_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct hook_source *sources;
	size_t n;

	if (!hook_source_list(req->call, &sources, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		source_members(req, j, &sources[i], NULL);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/webhooks/sources: the only answer with key and secret, besides a rotation's. */
static bool
sources_post(const struct request *req, struct response *res, struct error *err)
{
	struct hook_source source;
	struct hook_credentials credentials;

	return hook_source_add(req->call, input_str(req->input, "source"),
		   input_str(req->input, "name"), &source, &credentials, err) &&
	    source_reply(req, res, 201, &source, &credentials, err);
}

/* PATCH /api/webhooks/sources/{id} */
static bool
source_patch(const struct request *req, struct response *res, struct error *err)
{
	bool enabled = input_bool(req->input, "enabled", true);
	struct hook_source source;

	return hook_source_change(req->call, request_param(req, "id"),
		   input_str(req->input, "name"),
		   input_has(req->input, "enabled") ? &enabled : NULL, &source, err) &&
	    source_reply(req, res, 200, &source, NULL, err);
}

/* POST /api/webhooks/sources/{id}/rotate */
static bool
source_rotate(const struct request *req, struct response *res, struct error *err)
{
	struct hook_source source;
	struct hook_credentials credentials;

	return hook_source_rotate(req->call, request_param(req, "id"), &source, &credentials,
		   err) &&
	    source_reply(req, res, 200, &source, &credentials, err);
}

/* DELETE /api/webhooks/sources/{id} */
static bool
source_delete(const struct request *req, struct response *res, struct error *err)
{
	return hook_source_delete(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

/* --- the inbox --- */

static void
event_view(struct json *j, const struct hook_event *event)
{
	json_object(j, NULL);
	json_put_str(j, "id", event->id);
	json_put_str(j, "source", event->source);
	json_put_str(j, "type", event->type);
	json_put_str(j, "status", event->status);
	json_opt_str(j, "sourceId", event->source_id);
	json_opt_str(j, "sourceName", event->source_name);
	json_put_int(j, "attempts", event->attempts);
	json_put_time(j, "receivedAt", event->received_at);
	if (event->processed_at != 0)
		json_put_time(j, "processedAt", event->processed_at);
	json_opt_str(j, "error", event->error);
	if (event->payload != NULL)
		json_put_raw(j, "payload", event->payload);
	json_object_end(j);
}

static struct hook_filter
filter_of(const struct input *in)
{
	return (struct hook_filter) {
		.status = input_str(in, "status"),
		.from = input_time(in, "from"),
		.to = input_time(in, "to"),
	};
}

/* GET /api/webhooks/events */
static bool
events_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct hook_filter filter = filter_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct hook_event *events;
	struct page page;

	filter.source = input_str(req->input, "source");
	filter.type = input_str(req->input, "type");
	if (!hook_list(req->call, &filter, &ask, &events, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		event_view(j, &events[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static bool
event_reply(const struct request *req, struct response *res, int status,
    const struct hook_event *event, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	event_view(j, event);
	return response_json(res, status, j, err);
}

/* GET /api/webhooks/events/{id} */
static bool
event_get(const struct request *req, struct response *res, struct error *err)
{
	struct hook_event event;

	return hook_get(req->call, request_param(req, "id"), &event, err) &&
	    event_reply(req, res, 200, &event, err);
}

/* POST /api/webhooks/events/{id}/replay */
static bool
event_replay(const struct request *req, struct response *res, struct error *err)
{
	struct hook_event event;

	return hook_replay(req->call, request_param(req, "id"), &event, err) &&
	    event_reply(req, res, 202, &event, err);
}

/* POST /api/webhooks/events/replay */
static bool
events_replay(const struct request *req, struct response *res, struct error *err)
{
	const struct hook_filter filter = filter_of(req->input);
	struct json *j = json_new(req->arena, 0);
	size_t n;
	bool more;

	if (filter.status == NULL && filter.from == 0 && filter.to == 0)
		return error_field(err, "status", "required",
		    "must be there where neither from nor to is");
	if (!hook_replay_many(req->call, &filter, &n, &more, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "replayed", (int64_t)n);
	json_put_bool(j, "more", more);
	json_object_end(j);
	return response_json(res, 202, j, err);
}

static const struct route webhooks_in_routes[] = {
	/* Raw, because a signature covers the bytes: the sender is known before a form is read. */
	{ METHOD_POST, "/api/webhooks/plex", plex_hook, AUTH_HOOK, PUBLIC, RATE_WEBHOOK, BODY_RAW,
	    hook_query, .body_max = HOOK_BODY_MAX },
	{ METHOD_POST, "/api/webhooks/plex/{key}", plex_hook, AUTH_HOOK, PUBLIC, RATE_WEBHOOK,
	    BODY_RAW, NULL, .body_max = HOOK_BODY_MAX },
	{ METHOD_POST, "/api/webhooks/overseerr", overseerr_hook, AUTH_HOOK, PUBLIC, RATE_WEBHOOK,
	    BODY_RAW, hook_query },
	{ METHOD_POST, "/api/webhooks/overseerr/{key}", overseerr_hook, AUTH_HOOK, PUBLIC,
	    RATE_WEBHOOK, BODY_RAW, NULL },
	{ METHOD_POST, "/api/webhooks/generic/{source}", generic_hook, AUTH_HOOK, PUBLIC,
	    RATE_WEBHOOK, BODY_RAW, hook_query },
	{ METHOD_GET, "/api/webhooks/sources", sources_get, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/webhooks/sources", sources_post, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_JSON, source_input },
	{ METHOD_PATCH, "/api/webhooks/sources/{id}", source_patch, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, source_change_input },
	{ METHOD_DELETE, "/api/webhooks/sources/{id}", source_delete, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/webhooks/sources/{id}/rotate", source_rotate, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_GET, "/api/webhooks/events", events_get, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_NONE, events_input },
	{ METHOD_POST, "/api/webhooks/events/replay", events_replay, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, replay_input },
	{ METHOD_GET, "/api/webhooks/events/{id}", event_get, AUTH_BEARER, PERM_WEBHOOKS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/webhooks/events/{id}/replay", event_replay, AUTH_BEARER,
	    PERM_WEBHOOKS_MANAGE, RATE_TIER, BODY_JSON, NULL },
	{ .path = NULL },
};

const struct route_module webhooks_in_module = { "webhooks_in", webhooks_in_routes, hook_params };
