#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"

#include "core/banned.h"

struct json *
json_new(struct arena *arena, size_t max)
{
	struct json *json = arena_alloc(arena, sizeof(*json));

	buf_init(&json->buf, arena, max);
	return json;
}

/* Writes the comma and the name where the current level needs them. */
static void
begin_value(struct json *json, const char *key)
{
	uint32_t level = 1u << (json->depth & 31);

	if (json->depth > 0 && (json->need_comma & level) != 0)
		buf_addc(&json->buf, ',');
	json->need_comma |= level;
	if (key != NULL) {
		buf_addc(&json->buf, '"');
		buf_adds(&json->buf, key);
		buf_add(&json->buf, "\":", 2);
	}
}

static void
open_level(struct json *json, const char *key, char c)
{
	begin_value(json, key);
	buf_addc(&json->buf, c);
	if (json->depth + 1 >= JSON_WRITE_DEPTH_MAX) {
		json->buf.overflow = true;
		return;
	}
	json->depth++;
	json->need_comma &= ~(1u << json->depth);
}

static void
close_level(struct json *json, char c)
{
	if (json->depth == 0) {
		json->buf.overflow = true; /* more ends than starts: the text must not be sent */
		return;
	}
	json->depth--;
	buf_addc(&json->buf, c);
}

void
json_object(struct json *json, const char *key)
{
	open_level(json, key, '{');
}

void
json_object_end(struct json *json)
{
	close_level(json, '}');
}

void
json_array(struct json *json, const char *key)
{
	open_level(json, key, '[');
}

void
json_array_end(struct json *json)
{
	close_level(json, ']');
}

static void
add_escape(struct buf *buf, unsigned char c)
{
	static const char shorts[] = "btn\0fr"; /* U+0008 .. U+000D */

	if (c == '"' || c == '\\') {
		buf_addc(buf, '\\');
		buf_addc(buf, (char)c);
	} else if (c >= 8 && c <= 13 && c != 11) {
		buf_addc(buf, '\\');
		buf_addc(buf, shorts[c - 8]);
	} else {
		buf_addf(buf, "\\u%04x", c);
	}
}

/*
 * Length of the part of s that can be copied: it needs no escapes and, being ASCII, no check of its
 * encoding.
 */
static size_t
plain_span(const char *s, size_t len)
{
	static const uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
	size_t i = 0;

	/*
	 * Eight bytes at a time: most of a response consists of ids, times and signed URLs. (x - n)
	 * & ~x has a high bit where a byte is below n.
	 */
	for (; i + 8 <= len; i += 8) {
		uint64_t word, quote, backslash;

		memcpy(&word, s + i, 8);
		quote = word ^ (ones * '"');
		backslash = word ^ (ones * '\\');
		if (((word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) |
			 ((backslash - ones) & ~backslash)) &
			highs) != 0)
			break;
	}
	while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x80 &&
	    s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static void
add_string(struct buf *buf, const char *s, size_t len)
{
	size_t start = 0, i = plain_span(s, len);

	buf_addc(buf, '"');
	/*
	 * Readers reject a whole text for invalid UTF-8: one broken name must not make a list
	 * unreadable.
	 */
	if (i < len && !utf8_valid(s + i, len - i)) {
		s = utf8_clean(buf->arena, s, len, len * 3);
		len = strlen(s);
		i = 0;
	}
	for (; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(buf, s + start, i - start);
		add_escape(buf, c);
		start = i + 1;
	}
	buf_add(buf, s + start, len - start);
	buf_addc(buf, '"');
}

void
json_put_strn(struct json *json, const char *key, const char *value, size_t len)
{
	begin_value(json, key);
	add_string(&json->buf, value, len);
}

void
json_put_str(struct json *json, const char *key, const char *value)
{
	if (value == NULL)
		json_put_null(json, key);
	else
		json_put_strn(json, key, value, strlen(value));
}

void
json_put_raw(struct json *json, const char *key, const char *json_text)
{
	begin_value(json, key);
	buf_adds(&json->buf, json_text);
}

void
json_put_int(struct json *json, const char *key, int64_t value)
{
	char digits[24];
	size_t at = sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		digits[--at] = '-';
	begin_value(json, key);
	buf_add(&json->buf, digits + at, sizeof(digits) - at);
}

void
json_put_num(struct json *json, const char *key, double value)
{
	char text[40];

	if (!isfinite(value)) {
		json_put_null(json, key);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		(void)snprintf(text, sizeof(text), "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	json_put_raw(json, key, text);
}

void
json_put_bool(struct json *json, const char *key, bool value)
{
	json_put_raw(json, key, value ? "true" : "false");
}

void
json_put_null(struct json *json, const char *key)
{
	json_put_raw(json, key, "null");
}

void
json_put_time(struct json *json, const char *key, int64_t us)
{
	char text[RFC3339_MAX];

	if (us == 0) {
		json_put_null(json, key);
		return;
	}
	time_rfc3339(us, text);
	json_put_strn(json, key, text, strlen(text));
}

void
json_opt_str(struct json *json, const char *key, const char *value)
{
	if (value != NULL)
		json_put_str(json, key, value);
}

void
json_put_str_dyn(struct json *json, const char *key, const char *value)
{
	begin_value(json, NULL);
	add_string(&json->buf, key, strlen(key));
	buf_addc(&json->buf, ':');
	if (value == NULL)
		buf_add(&json->buf, "null", 4);
	else
		add_string(&json->buf, value, strlen(value));
}

void
json_put_strs(struct json *j, const char *key, const char *const *items, size_t n)
{
	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		json_put_str(j, NULL, items[i]);
	json_array_end(j);
}
