#include "service/notify/hook_endpoints.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "client/http_many.h"
#include "client/http_out.h"
#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/job.h"
#include "service/notify/hook_alert.h"
#include "service/notify/hook_header.h"
#include "service/notify/hook_message.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_endpoints.h"
#include "store/store_seals.h"

#include "core/banned.h"

#define TEST_WAIT_MS 100 /* between looks at its end */

static bool
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "There is no such endpoint.");
}

static bool
audit(const struct call *call, const char *action, const struct hook_endpoint *endpoint,
    struct error *err)
{
	struct json *detail = json_new(call->arena, 0);
	struct audit_event event = {
		.action = action,
		.target_type = "webhook_endpoint",
		.target_id = endpoint->id,
	};

	json_object(detail, NULL);
	json_put_str(detail, "origin", endpoint->origin);
	json_put_bool(detail, "enabled", endpoint->enabled);
	json_object_end(detail);
	event.detail = detail->buf.data;
	return audit_add(call, &event, err);
}

/* A new secret: its text, and the same sealed for the row. */
static bool
make_secret(const struct call *call, const char *id, const char **text, const char **sealed,
    struct error *err)
{
	unsigned char key[HOOK_SECRET_BYTES];

	random_bytes(key, sizeof(key));
	*text = arena_printf(call->arena, HOOK_SECRET_PREFIX "%s",
	    base64_encode(call->arena, key, sizeof(key)));
	return seal_text(call, hook_place(id, "secret"), *text, strlen(*text), sealed, err);
}

/* "https://host:port" of a URL. */
static const char *
origin_of(const struct call *call, const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return arena_strndup(call->arena, url, (size_t)(host - url) + strcspn(host, "/?#"));
}

static bool
set_url(const struct call *call, const char *url, struct hook_endpoint *endpoint, struct error *err)
{
	if (!http_out_is_url(url))
		return error_field(err, "url", "format",
		    "must start with http:// or https:// and contain no user name or password");
	endpoint->origin = origin_of(call, url);
	return seal_text(call, hook_place(endpoint->id, "url"), url, strlen(url),
	    &endpoint->sealed_url, err);
}

/* Applies what a person has set; its address and headers are checked and sealed here. */
static bool
apply(const struct call *call, const struct hook_endpoint_change *change,
    struct hook_endpoint *endpoint, struct error *err)
{
	if (change->url != NULL && !set_url(call, change->url, endpoint, err))
		return false;
	if (change->events.n > 0)
		endpoint->events = change->events;
	if (change->set_enabled)
		endpoint->enabled = change->enabled;
	return change->headers == NULL || hook_headers_set(call, change->headers, endpoint, err);
}

/* In the transaction. */
static bool
create_in(const struct call *call, const struct hook_endpoint *endpoint, struct error *err)
{
	bool added;

	if (!store_endpoint_add(call->svc->db, call->arena, endpoint, HOOK_ENDPOINTS_MAX, &added,
		err))
		return false;
	if (!added)
		return error_slug(err, ERR_CONFLICT, "too_many_endpoints",
		    "There are already %d endpoints. Delete one first.", HOOK_ENDPOINTS_MAX);
	return audit(call, "webhook_endpoint.created", endpoint, err);
}

bool
hook_endpoint_create(const struct call *call, const struct hook_endpoint_change *change,
    struct hook_endpoint *endpoint, const char **secret, struct error *err)
{
	char *id = arena_alloc(call->arena, UUID_TEXT);

	uuid_v7(id);
	*endpoint = (struct hook_endpoint) { .id = id, .enabled = true };
	return apply(call, change, endpoint, err) &&
	    make_secret(call, id, secret, &endpoint->secret, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, create_in(call, endpoint, err), err) &&
	    hook_endpoint_get(call, id, endpoint, err);
}

bool
hook_endpoint_get(const struct call *call, const char *id, struct hook_endpoint *endpoint,
    struct error *err)
{
	return store_endpoint_get(call->svc->db, call->arena, id, false, endpoint, err) &&
	    (endpoint->id != NULL || not_found(err)) &&
	    hook_url_open(call, id, endpoint->sealed_url, &endpoint->url, err);
}

bool
hook_endpoint_list(const struct call *call, const struct list_ask *ask,
    struct hook_endpoint **items, struct page *page, struct error *err)
{
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_ENDPOINTS, ask->cursor, &after, err) ||
	    !store_endpoint_list(call->svc->db, call->arena, after.number, after.id, ask->limit + 1,
		items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*items)[page->n - 1].created_at;
		after.id = (*items)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_ENDPOINTS, &after);
	}
	return true;
}

/* In a transaction: reads and locks it. */
static bool
lock(const struct call *call, const char *id, int64_t version, struct hook_endpoint *endpoint,
    struct error *err)
{
	if (!store_endpoint_get(call->svc->db, call->arena, id, true, endpoint, err))
		return false;
	if (endpoint->id == NULL)
		return not_found(err);
	return version == 0 || endpoint->version == version ||
	    error_set(err, ERR_PRECONDITION,
		"This endpoint has changed since you loaded it. Reload it and try again.");
}

/* In the transaction. */
static bool
change_in(const struct call *call, const char *id, const struct hook_endpoint_change *change,
    struct error *err)
{
	struct hook_endpoint endpoint;

	/* What waits goes out when it is switched on again. */
	return lock(call, id, change->version, &endpoint, err) &&
	    apply(call, change, &endpoint, err) &&
	    store_endpoint_change(call->svc->db, call->arena, &endpoint, err) &&
	    (!endpoint.enabled ||
		(job_add(call, JOB_HOOK_DELIVER, NULL, NULL, 0, err) &&
		    hook_alert_over(call, &endpoint, "are switched on again", err))) &&
	    audit(call, "webhook_endpoint.updated", &endpoint, err);
}

bool
hook_endpoint_change(const struct call *call, const char *id,
    const struct hook_endpoint_change *change, struct hook_endpoint *endpoint, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, change_in(call, id, change, err), err) &&
	    hook_endpoint_get(call, id, endpoint, err);
}

/* In the transaction. */
static bool
delete_in(const struct call *call, const char *id, struct error *err)
{
	struct hook_endpoint endpoint;
	bool deleted;

	return lock(call, id, 0, &endpoint, err) &&
	    store_endpoint_delete(call->svc->db, call->arena, id, &deleted, err) &&
	    hook_alert_over(call, &endpoint, "are no longer wanted", err) &&
	    audit(call, "webhook_endpoint.deleted", &endpoint, err);
}

bool
hook_endpoint_delete(const struct call *call, const char *id, struct error *err)
{
	return db_begin(call->svc->db, err) && db_end(call->svc->db, delete_in(call, id, err), err);
}

/* In the transaction. */
static bool
rotate_in(const struct call *call, const char *id, const char *sealed, struct error *err)
{
	struct hook_endpoint endpoint;

	if (!lock(call, id, 0, &endpoint, err))
		return false;
	endpoint.previous_secret = endpoint.secret;
	endpoint.previous_until = clock_now() + HOOK_PREVIOUS_US;
	endpoint.secret = sealed;
	return store_endpoint_change(call->svc->db, call->arena, &endpoint, err) &&
	    audit(call, "webhook_endpoint.rotated", &endpoint, err);
}

bool
hook_endpoint_rotate(const struct call *call, const char *id, struct hook_endpoint *endpoint,
    const char **secret, struct error *err)
{
	const char *sealed;

	return make_secret(call, id, secret, &sealed, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, rotate_in(call, id, sealed, err), err) &&
	    hook_endpoint_get(call, id, endpoint, err);
}

static const char *
test_body(const struct call *call, const char *endpoint_id)
{
	struct json *body = json_new(call->arena, 0);

	json_object(body, NULL);
	json_put_str(body, "type", "webhook.test");
	json_put_time(body, "timestamp", clock_now());
	json_object(body, "data");
	json_put_str(body, "endpointId", endpoint_id);
	json_object_end(body);
	json_object_end(body);
	return body->buf.data;
}

/* Outside a transaction. */
static bool
send_once(const struct http_out *out, struct http_end *end, struct error *err)
{
	struct http_many *many = http_many_new(1);
	bool ended = false;

	if (many == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl could not be started.");
	for (http_many_start(many, out, NULL); !ended; ended = http_many_next(many, end))
		http_many_wait(many, TEST_WAIT_MS);
	http_many_free(many);
	return true;
}

bool
hook_endpoint_test(const struct call *call, const char *id, struct hook_test *test,
    struct error *err)
{
	struct hook_endpoint endpoint;
	struct hook_target target;
	struct http_out out;
	struct http_end end;
	char message_id[UUID_TEXT];

	uuid_v7(message_id);
	if (!hook_endpoint_get(call, id, &endpoint, err) ||
	    !hook_target_open(call,
		&(const struct hook_sealed) { endpoint.id, endpoint.sealed_url, endpoint.headers,
		    endpoint.secret,
		    endpoint.previous_until > clock_now() ? endpoint.previous_secret : NULL },
		&target, err))
		return false;
	hook_message(call->arena, &target, message_id, test_body(call, id), &out);
	if (!send_once(&out, &end, err))
		return false;
	*test = (struct hook_test) { .status = end.status,
		.ms = end.us / US_PER_MS,
		.error = hook_failure(end.end, end.status) };
	test->delivered = test->error == NULL;
	return true;
}

bool
hook_urls_seal(const struct call *call, struct error *err)
{
	struct db *db = call->svc->db;
	struct seal_row *rows;
	const char *sealed;
	bool replaced;
	size_t n;

	if (!store_seals_other(db, call->arena, SEAL_ENDPOINT_URL, NULL, SEAL_PREFIX,
		HOOK_ENDPOINTS_MAX, &rows, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!seal_text(call, hook_place(rows[i].id, "url"), rows[i].sealed,
			strlen(rows[i].sealed), &sealed, err) ||
		    !store_seals_replace(db, call->arena, SEAL_ENDPOINT_URL, rows[i].id,
			rows[i].sealed, sealed, &replaced, err))
			return false;
	return true;
}
