#include "service/notify/hook_message.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"

#include "core/banned.h"

#define OWN_HEADERS 5 /* besides those of the endpoint */

struct seal_place
hook_place(const char *endpoint_id, const char *column)
{
	return (struct seal_place) { "webhook_endpoints", endpoint_id, column };
}

static bool
open_key(const struct call *call, const struct hook_sealed *from, const char *sealed,
    struct hook_target *target, struct error *err)
{
	struct sealed text, *key = &target->keys[target->nkeys];

	if (sealed == NULL)
		return true;
	if (!seal_open(call, hook_place(from->id, "secret"), sealed, &text, err))
		return false;
	key->data = hook_key(call->arena, text.data, text.len, &key->len);
	if (key->data == NULL)
		return error_set(err, ERR_INTERNAL, "The secret of an endpoint is not one.");
	target->nkeys++;
	return true;
}

static bool
open_headers(const struct call *call, const struct hook_sealed *from, struct hook_target *target,
    struct error *err)
{
	const struct cJSON *object, *member;
	struct sealed text;
	const char **lines;

	if (from->headers == NULL)
		return true;
	if (!seal_open(call, hook_place(from->id, "headers"), from->headers, &text, err) ||
	    (object = json_parse(call->arena, (const char *)text.data, text.len, err)) == NULL)
		return false;
	lines = arena_array(call->arena, (size_t)cJSON_GetArraySize(object), sizeof(*lines));
	cJSON_ArrayForEach (member, object) {
		/* libcurl sends a header without a value only if a semicolon ends it. */
		lines[target->nheaders++] = member->valuestring[0] == '\0' ?
		    arena_printf(call->arena, "%s;", member->string) :
		    arena_printf(call->arena, "%s: %s", member->string, member->valuestring);
	}
	target->headers = lines;
	return true;
}

bool
hook_url_open(const struct call *call, const char *endpoint_id, const char *sealed,
    const char **url, struct error *err)
{
	struct sealed text;

	*url = sealed;
	if (!str_starts(sealed, SEAL_PREFIX)) /* from before sql/0023, until it is sealed */
		return true;
	if (!seal_open(call, hook_place(endpoint_id, "url"), sealed, &text, err))
		return false;
	*url = (const char *)text.data;
	return true;
}

bool
hook_target_open(const struct call *call, const struct hook_sealed *from,
    struct hook_target *target, struct error *err)
{
	struct outbound rules = outbound_of(call->svc->config);
	const char *url;

	*target = (struct hook_target) { .rules = { arena_strdup(call->arena, rules.allow),
					     arena_strdup(call->arena, rules.ca_file) } };
	return hook_url_open(call, from->id, from->url, &url, err) &&
	    (target->url = arena_strdup(call->arena, url)) != NULL &&
	    open_key(call, from, from->secret, target, err) &&
	    open_key(call, from, from->previous_secret, target, err) &&
	    open_headers(call, from, target, err);
}

static const char *
signature(struct arena *arena, const struct hook_target *target, const char *id,
    const char *timestamp, const char *body)
{
	const struct hook_signed what = { id, timestamp, body, strlen(body) };
	unsigned char mac[SHA256_SIZE];
	struct buf header;

	buf_init(&header, arena, 0);
	buf_adds(&header, "webhook-signature:");
	for (size_t i = 0; i < target->nkeys; i++) {
		hook_mac(arena, target->keys[i].data, target->keys[i].len, &what, mac);
		buf_addf(&header, " " HOOK_SIGNATURE_VERSION "%s",
		    base64_encode(arena, mac, sizeof(mac)));
	}
	return header.data;
}

void
hook_message(struct arena *arena, const struct hook_target *target, const char *id,
    const char *body, struct http_out *out)
{
	const char **headers =
	    arena_array(arena, target->nheaders + OWN_HEADERS + 1, sizeof(*headers));
	const char *timestamp = arena_printf(arena, "%lld", (long long)(clock_now() / US_PER_SEC));
	size_t n = 0;

	headers[n++] = "Content-Type: application/json";
	headers[n++] = "User-Agent: MediaNest";
	headers[n++] = arena_printf(arena, "webhook-id: %s", id);
	headers[n++] = arena_printf(arena, "webhook-timestamp: %s", timestamp);
	headers[n++] = signature(arena, target, id, timestamp, body);
	for (size_t i = 0; i < target->nheaders; i++)
		headers[n++] = target->headers[i];
	*out = (struct http_out) { .method = "POST",
		.service = "webhook",
		.url = target->url,
		.headers = headers,
		.body = body,
		.body_len = strlen(body),
		.timeout_ms = HOOK_TIMEOUT_MS,
		.answer_max = HOOK_RESPONSE_MAX,
		.rules = target->rules };
}

const char *
hook_failure(enum call_end end, int status)
{
	switch (end) {
	case CALL_ANSWERED:
		if (status / 100 == 2)
			return NULL;
		return status / 100 == 3 ? "redirect" : status == 410 ? "gone" : "status";
	case CALL_REFUSED_ADDRESS: return "refused_address";
	case CALL_TLS: return "tls";
	case CALL_TIMEOUT: return "timeout";
	case CALL_PROTOCOL: return "protocol";
	case CALL_UNREACHABLE:
	case CALL_TOO_LONG:
	case CALL_SUSPENDED:
	case CALL_REFUSED:
	default: return "unreachable";
	}
}
