#include "service/notify/hook_header.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "model/hook_out.h"
#include "service/call.h"
#include "service/notify/hook_endpoints.h"
#include "service/notify/hook_message.h"

#include "core/banned.h"

/* Those of the connection and the framing (RFC 9110 section 7.6.1), and those that we set. */
static const char *const reserved[] = { "connection", "content-encoding", "content-length",
	"content-type", "date", "expect", "host", "keep-alive", "te", "trailer",
	"transfer-encoding", "upgrade", "user-agent" };
static const char *const reserved_prefixes[] = { "proxy-", "webhook-" };

/* RFC 9110 section 5.6.2. */
static bool
is_token(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= HOOK_HEADER_NAME_MAX &&
	    strspn(name,
		"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len;
}

static bool
is_reserved(struct arena *arena, const char *name)
{
	const char *lower = str_lower(arena, name);

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (str_eq(lower, reserved[i]))
			return true;
	for (size_t i = 0; i < sizeof(reserved_prefixes) / sizeof(reserved_prefixes[0]); i++)
		if (str_starts(lower, reserved_prefixes[i]))
			return true;
	return false;
}

/* Visible ASCII, with spaces inside (RFC 9110 section 5.5, without obs-text). */
static bool
is_value(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len <= HOOK_HEADER_VALUE_MAX && text[0] != ' ' && (len == 0 || text[len - 1] != ' ');
}

static bool
check_name(struct arena *arena, const struct cJSON *headers, const struct cJSON *member,
    struct error *err)
{
	const char *field = arena_printf(arena, "headers.%.40s", member->string);

	if (!is_token(member->string))
		return error_field(err, "headers", "format",
		    "must have names of header fields, of at most %d bytes", HOOK_HEADER_NAME_MAX);
	if (is_reserved(arena, member->string))
		return error_field(err, field, "choice", "must not be set: it is not yours to set");
	for (const struct cJSON *other = headers->child; other != member; other = other->next)
		if (str_ieq(other->string, member->string))
			return error_field(err, field, "duplicate", "must be given once");
	return true;
}

/* The text of a member: its own, or for null the one that is kept. NULL: an error is set. */
static const char *
value_of(struct arena *arena, const struct cJSON *member, const struct cJSON *kept,
    struct error *err)
{
	const char *field = arena_printf(arena, "headers.%.40s", member->string);
	const struct cJSON *old = NULL;

	if (cJSON_IsString(member) && is_value(member->valuestring))
		return member->valuestring;
	if (cJSON_IsNull(member) && kept != NULL)
		cJSON_ArrayForEach (old, kept)
			if (str_ieq(old->string, member->string))
				return old->valuestring;
	if (cJSON_IsNull(member))
		error_field(err, field, "required", "must have a value");
	else
		error_field(err, field, "format",
		    "must be visible ASCII with spaces inside, of at most %d bytes",
		    HOOK_HEADER_VALUE_MAX);
	return NULL;
}

/* *kept: the headers that the endpoint has now, NULL without any. */
static bool
open_kept(const struct call *call, const struct hook_endpoint *endpoint, const struct cJSON **kept,
    struct error *err)
{
	struct sealed text;

	*kept = NULL;
	if (endpoint->headers == NULL)
		return true;
	if (!seal_open(call, hook_place(endpoint->id, "headers"), endpoint->headers, &text, err))
		return false;
	*kept = json_parse(call->arena, (const char *)text.data, text.len, err);
	return *kept != NULL;
}

static bool
write_all(const struct call *call, const struct cJSON *headers, const struct cJSON *kept,
    struct hook_endpoint *endpoint, struct json *j, struct error *err)
{
	size_t n = 0;
	const char **names =
	    arena_array(call->arena, (size_t)cJSON_GetArraySize(headers), sizeof(*names));
	const struct cJSON *member;
	bool ok = true;

	json_object(j, NULL);
	cJSON_ArrayForEach (member, headers) {
		const char *value = NULL;

		if (check_name(call->arena, headers, member, err))
			value = value_of(call->arena, member, kept, err);
		ok = ok && value != NULL;
		if (ok)
			json_put_str_dyn(j, member->string, value);
		names[n++] = member->string;
	}
	json_object_end(j);
	endpoint->header_names = (struct strings) { names, n };
	return ok &&
	    (!j->buf.overflow ||
		error_field(err, "headers", "too_long", "must have at most %d bytes in all",
		    HOOK_HEADERS_BYTES));
}

bool
hook_headers_set(const struct call *call, const struct cJSON *headers,
    struct hook_endpoint *endpoint, struct error *err)
{
	struct json *j = json_new(call->arena, HOOK_HEADERS_BYTES);
	const struct cJSON *kept;

	if (!cJSON_IsObject(headers))
		return error_field(err, "headers", "type", "must be an object");
	if (cJSON_GetArraySize(headers) > HOOK_HEADERS_MAX)
		return error_field(err, "headers", "too_long", "must have at most %d members",
		    HOOK_HEADERS_MAX);
	if (!open_kept(call, endpoint, &kept, err) ||
	    !write_all(call, headers, kept, endpoint, j, err))
		return false;
	endpoint->headers = NULL;
	return endpoint->header_names.n == 0 ||
	    seal_text(call, hook_place(endpoint->id, "headers"), j->buf.data, j->buf.len,
		&endpoint->headers, err);
}
