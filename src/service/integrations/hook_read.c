#include "service/integrations/hook_read.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/integrations/hook_sources.h"

#include "core/banned.h"

#define MASK "***"
#define PLACEHOLDER "{{"
#define MASKED_MIN 16 /* characters of a key of ours: shorter ones are words */

/* Parts of the names of members, and of parameters in URLs, whose values are secrets. */
static const char *const secret_names[] = { "token", "secret", "password", "passwd", "apikey",
	"api_key", "api-key", "authorization", "cookie", "signature" };

/* --- masks --- */

static bool
is_secret_name(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(secret_names) / sizeof(secret_names[0]); i++) {
		size_t n = strlen(secret_names[i]);

		for (size_t at = 0; at + n <= len; at++)
			if (strncasecmp(name + at, secret_names[i], n) == 0)
				return true;
	}
	return false;
}

/* Length of a key or secret of ours that starts here; 0: none. */
static size_t
own_secret(const char *text)
{
	size_t len;

	if (str_starts(text, HOOK_KEY_PREFIX))
		len = strlen(HOOK_KEY_PREFIX);
	else if (str_starts(text, HOOK_SECRET_PREFIX))
		len = strlen(HOOK_SECRET_PREFIX);
	else
		return 0;
	while (isalnum((unsigned char)text[len]) ||
	    (text[len] != '\0' && strchr("+/=_-", text[len])))
		len++;
	return len >= MASKED_MIN ? len : 0;
}

/* Length of "name=" with a secret name, of a URL's query, that starts behind ? or &; 0: none. */
static size_t
secret_parameter(const char *text)
{
	size_t name = 1;

	if (*text != '?' && *text != '&')
		return 0;
	while (isalnum((unsigned char)text[name]) || text[name] == '_' || text[name] == '-')
		name++;
	return text[name] == '=' &&
		(is_secret_name(text + 1, name - 1) ||
		    (name == 4 && strncasecmp(text + 1, "key", 3) == 0)) ?
	    name + 1 :
	    0;
}

static const char *
masked_text(struct arena *arena, const char *text)
{
	struct buf buf;
	size_t skip;

	if (strstr(text, HOOK_KEY_PREFIX) == NULL && strstr(text, HOOK_SECRET_PREFIX) == NULL &&
	    strchr(text, '=') == NULL)
		return text;
	buf_init(&buf, arena, 0);
	while (*text != '\0') {
		if ((skip = own_secret(text)) > 0) {
			buf_adds(&buf, MASK);
			text += skip;
		} else if ((skip = secret_parameter(text)) > 0) {
			buf_add(&buf, text, skip);
			buf_adds(&buf, MASK);
			text += skip;
			text += strcspn(text, "&# \t\r\n\"'");
		} else {
			buf_addc(&buf, *text++);
		}
	}
	return buf.data;
}

/* The writer takes names as they are. NULL: there is a secret in it, and the member is left out. */
static const char *
escaped_name(struct arena *arena, const char *name)
{
	struct json *j = json_new(arena, 0);

	if (strcmp(masked_text(arena, name), name) != 0)
		return NULL;
	json_put_str(j, NULL, name);
	return arena_strndup(arena, j->buf.data + 1, j->buf.len - 2);
}

static void put_masked(struct json *, const char *name, const struct cJSON *, bool secret);

static void
put_members(struct json *j, const struct cJSON *object)
{
	const struct cJSON *one;

	cJSON_ArrayForEach (one, object) {
		const char *name = escaped_name(j->buf.arena, one->string);

		if (name != NULL)
			put_masked(j, name, one, is_secret_name(one->string, strlen(one->string)));
	}
}

static void
put_masked(struct json *j, const char *name, const struct cJSON *value, bool secret)
{
	const struct cJSON *one;

	if (cJSON_IsObject(value)) {
		json_object(j, name);
		put_members(j, value);
		json_object_end(j);
	} else if (cJSON_IsArray(value)) {
		json_array(j, name);
		cJSON_ArrayForEach (one, value)
			put_masked(j, NULL, one, secret);
		json_array_end(j);
	} else if (secret && (cJSON_IsString(value) || cJSON_IsNumber(value))) {
		json_put_str(j, name, MASK);
	} else if (cJSON_IsString(value)) {
		json_put_str(j, name, masked_text(j->buf.arena, value->valuestring));
	} else if (cJSON_IsNumber(value)) {
		json_put_num(j, name, value->valuedouble);
	} else if (cJSON_IsBool(value)) {
		json_put_bool(j, name, cJSON_IsTrue(value));
	} else {
		json_put_null(j, name);
	}
}

/* --- what it says --- */

const char *
hook_text(struct arena *arena, const struct cJSON *object, const char *name, size_t max)
{
	const struct cJSON *value = object == NULL ? NULL : json_get(object, name);
	const char *text;

	if (cJSON_IsNumber(value))
		return value->valuedouble >= 0 && value->valuedouble <= (double)JSON_INT_MAX ?
		    arena_printf(arena, "%.0f", value->valuedouble) :
		    NULL;
	if (!cJSON_IsString(value) || strstr(value->valuestring, PLACEHOLDER) != NULL)
		return NULL;
	text =
	    str_trim(arena, utf8_clean(arena, value->valuestring, strlen(value->valuestring), max));
	return text[0] == '\0' ? NULL : text;
}

const struct cJSON *
hook_object(struct arena *arena, const struct cJSON *object, const char *name)
{
	const struct cJSON *value = json_get(object, name);

	if (!cJSON_IsObject(value))
		value = json_get(object, arena_printf(arena, "{{%s}}", name));
	return cJSON_IsObject(value) ? value : NULL;
}

/* Keys become parts of paths on the server. */
static bool
is_key(const char *text)
{
	while (isalnum((unsigned char)*text))
		text++;
	return *text == '\0';
}

static void
read_plex(struct arena *arena, const struct cJSON *tree, struct hook_reading *out)
{
	out->type = hook_text(arena, tree, "event", HOOK_TYPE_MAX);
	out->machine_id =
	    hook_text(arena, hook_object(arena, tree, "Server"), "uuid", HOOK_SUBJECT_MAX);
	out->subject =
	    hook_text(arena, hook_object(arena, tree, "Metadata"), "ratingKey", HOOK_SUBJECT_MAX);
	if (out->subject != NULL && !is_key(out->subject))
		out->subject = NULL;
}

static void
read_overseerr(struct arena *arena, const struct cJSON *tree, struct hook_reading *out)
{
	out->type = hook_text(arena, tree, "notification_type", HOOK_TYPE_MAX);
	out->subject =
	    hook_text(arena, hook_object(arena, tree, "request"), "request_id", HOOK_SUBJECT_MAX);
}

static void
read_generic(struct arena *arena, const struct cJSON *tree, struct hook_reading *out)
{
	out->type = hook_text(arena, tree, "type", HOOK_TYPE_MAX);
	if (out->type == NULL)
		out->type = hook_text(arena, tree, "event", HOOK_TYPE_MAX);
}

bool
hook_read(struct arena *arena, const char *source, const char *text, size_t len,
    struct hook_reading *out, struct error *err)
{
	const struct cJSON *tree = json_parse(arena, text, len, err);
	struct json *j;

	if (tree == NULL)
		return false;
	if (!cJSON_IsObject(tree))
		return error_set(err, ERR_MALFORMED, "The payload must be a JSON object.");
	*out = (struct hook_reading) { .type = NULL };
	if (str_eq(source, "plex"))
		read_plex(arena, tree, out);
	else if (str_eq(source, "overseerr"))
		read_overseerr(arena, tree, out);
	else
		read_generic(arena, tree, out);
	if (out->type == NULL)
		out->type = HOOK_TYPE_UNKNOWN;
	j = json_new(arena, 0);
	put_masked(j, NULL, tree, false);
	if (j->buf.overflow)
		return error_set(err, ERR_MALFORMED, "The payload is nested too deeply.");
	out->masked = j->buf.data;
	return true;
}
