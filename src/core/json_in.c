#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"

#include "core/banned.h"

#define NUMBER_MAX 63 /* bytes: what cJSON copies before it converts */
#define FEW_MEMBERS 8 /* up to this number, duplicates are found by comparing all pairs */

/*
 * The prescan: a whole RFC 8259 recogniser without recursion, so that cJSON only builds the tree.
 */
struct scan {
	const char *start, *p, *end;
	const char *why;
};

static bool
refuse(struct scan *s, const char *why)
{
	s->why = why;
	return false;
}

static void
skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool
scan_hex4(struct scan *s, unsigned *value)
{
	*value = 0;
	if (s->end - s->p < 4)
		return refuse(s, "incomplete escape");
	for (int i = 0; i < 4; i++, s->p++) {
		char c = *s->p;
		int digit = c >= '0' && c <= '9' ? c - '0' :
		    c >= 'a' && c <= 'f'         ? c - 'a' + 10 :
		    c >= 'A' && c <= 'F'         ? c - 'A' + 10 :
						   -1;

		if (digit < 0)
			return refuse(s, "bad hexadecimal digit in an escape");
		*value = *value << 4 | (unsigned)digit;
	}
	return true;
}

/* After "\u": no NUL, and surrogates only in pairs. */
static bool
scan_unicode(struct scan *s)
{
	unsigned high, low;

	if (!scan_hex4(s, &high))
		return false;
	if (high == 0)
		return refuse(s, "\\u0000 is not allowed");
	if (high < 0xd800 || high > 0xdfff)
		return true;
	if (high > 0xdbff || s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
		return refuse(s, "unpaired surrogate");
	s->p += 2;
	if (!scan_hex4(s, &low))
		return false;
	return low >= 0xdc00 && low <= 0xdfff ? true : refuse(s, "unpaired surrogate");
}

static bool
scan_string(struct scan *s)
{
	s->p++;
	while (s->p < s->end) {
		unsigned char c = (unsigned char)*s->p++;

		if (c == '"')
			return true;
		if (c < 0x20)
			return refuse(s, "raw control character in a string");
		if (c != '\\')
			continue;
		if (s->p == s->end)
			break;
		c = (unsigned char)*s->p++;
		if (c == 'u') {
			if (!scan_unicode(s))
				return false;
		} else if (c == '\0' || strchr("\"\\/bfnrt", c) == NULL) {
			return refuse(s, "unknown escape");
		}
	}
	return refuse(s, "unterminated string");
}

static size_t
scan_digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - from);
}

static bool
number_in_range(struct scan *s, const char *from, bool integer)
{
	char text[NUMBER_MAX + 1];
	size_t len = (size_t)(s->p - from);
	int64_t value;

	if (len > NUMBER_MAX)
		return refuse(s, "number too long");
	memcpy(text, from, len);
	text[len] = '\0';
	if (integer)
		return str_to_int(text, -JSON_INT_MAX, JSON_INT_MAX, &value) ?
		    true :
		    refuse(s, "integer out of range");
	return isfinite(strtod(text, NULL)) ? true : refuse(s, "number out of range");
}

static bool
scan_number(struct scan *s)
{
	const char *from = s->p;
	bool integer = true;

	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (scan_digits(s) == 0)
		return refuse(s, "value expected");
	if (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		return refuse(s, "leading zero");
	if (s->p < s->end && *s->p == '.') {
		integer = false;
		s->p++;
		if (scan_digits(s) == 0)
			return refuse(s, "digit expected after the decimal point");
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		integer = false;
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (scan_digits(s) == 0)
			return refuse(s, "digit expected in the exponent");
	}
	return number_in_range(s, from, integer);
}

static bool
scan_word(struct scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return refuse(s, "value expected");
	s->p += len;
	return true;
}

static bool
scan_scalar(struct scan *s)
{
	switch (*s->p) {
	case '"': return scan_string(s);
	case 't': return scan_word(s, "true");
	case 'f': return scan_word(s, "false");
	case 'n': return scan_word(s, "null");
	default: return scan_number(s);
	}
}

/* A member's name and colon. */
static bool
scan_name(struct scan *s)
{
	skip_space(s);
	if (s->p == s->end || *s->p != '"')
		return refuse(s, "member name expected");
	if (!scan_string(s))
		return false;
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return refuse(s, "':' expected");
	s->p++;
	return true;
}

/* After a value: closes the objects and arrays that end here. *more: another value follows. */
static bool
scan_after(struct scan *s, uint32_t objects, unsigned *depth, bool *more)
{
	for (;;) {
		bool object = *depth > 0 && (objects >> (*depth - 1) & 1) != 0;

		skip_space(s);
		if (*depth == 0) {
			*more = false;
			return s->p == s->end ? true : refuse(s, "text after the value");
		}
		if (s->p == s->end)
			return refuse(s, "unexpected end");
		if (*s->p == ',') {
			s->p++;
			*more = true;
			return object ? scan_name(s) : true;
		}
		if (*s->p != (object ? '}' : ']'))
			return refuse(s, object ? "',' or '}' expected" : "',' or ']' expected");
		s->p++;
		(*depth)--;
	}
}

static bool
scan_text(struct scan *s)
{
	uint32_t objects = 0; /* bit d set: level d is an object */
	unsigned depth = 0;
	size_t values = 0;
	bool more = true;

	while (more) {
		bool opened;

		skip_space(s);
		if (s->p == s->end)
			return refuse(s, "unexpected end");
		if (++values > JSON_VALUES_MAX)
			return refuse(s, "too many values");
		opened = *s->p == '{' || *s->p == '[';
		if (!opened) {
			if (!scan_scalar(s))
				return false;
		} else {
			bool object = *s->p++ == '{';

			if (depth == JSON_DEPTH_MAX)
				return refuse(s, "nested too deeply");
			objects = object ? objects | 1u << depth : objects & ~(1u << depth);
			depth++;
			skip_space(s);
			if (s->p == s->end)
				return refuse(s, "unexpected end");
			if (*s->p != (object ? '}' : ']')) {
				if (object && !scan_name(s))
					return false;
				continue;
			}
		}
		if (!scan_after(s, objects, &depth, &more))
			return false;
	}
	return true;
}

static bool
prescan(struct scan *s)
{
	size_t len = (size_t)(s->end - s->start);

	if (len >= 3 && memcmp(s->start, "\xef\xbb\xbf", 3) == 0)
		return refuse(s, "byte order mark");
	if (memchr(s->start, '\0', len) != NULL)
		return refuse(s, "NUL byte");
	if (!utf8_valid(s->start, len))
		return refuse(s, "invalid UTF-8");
	return scan_text(s);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A member name that occurs twice in the object, or NULL. */
static const char *
repeated_name(struct arena *arena, const cJSON *object)
{
	const char **names;
	const cJSON *item;
	size_t n = 0, i = 0;

	cJSON_ArrayForEach (item, object)
		n++;
	if (n <= FEW_MEMBERS) {
		cJSON_ArrayForEach (item, object)
			for (const cJSON *other = item->next; other != NULL; other = other->next)
				if (strcmp(item->string, other->string) == 0)
					return item->string;
		return NULL;
	}
	names = arena_array(arena, n, sizeof(*names));
	cJSON_ArrayForEach (item, object)
		names[i++] = item->string;
	qsort(names, n, sizeof(*names), compare_names);
	for (i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return names[i];
	return NULL;
}

/* Depth is bounded by the prescan. */
static const char *
find_repeated(struct arena *arena, const cJSON *value)
{
	const char *name = cJSON_IsObject(value) ? repeated_name(arena, value) : NULL;
	const cJSON *item;

	if (name != NULL || (!cJSON_IsObject(value) && !cJSON_IsArray(value)))
		return name;
	cJSON_ArrayForEach (item, value) {
		name = find_repeated(arena, item);
		if (name != NULL)
			return name;
	}
	return NULL;
}

static void
free_tree(void *tree)
{
	cJSON_Delete(tree);
}

cJSON *
json_parse(struct arena *arena, const char *text, size_t len, struct error *err)
{
	struct scan scan = { .start = text, .p = text, .end = text + len };
	const char *name;
	cJSON *tree;

	if (!prescan(&scan)) {
		error_slug(err, ERR_MALFORMED, "malformed_json",
		    "The body is not valid JSON: %s at byte %zu.", scan.why,
		    (size_t)(scan.p - scan.start));
		return NULL;
	}
	tree = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
	if (tree == NULL) {
		error_slug(err, ERR_MALFORMED, "malformed_json", "The body is not valid JSON.");
		return NULL;
	}
	arena_defer(arena, free_tree, tree);
	name = find_repeated(arena, tree);
	if (name != NULL) {
		error_slug(err, ERR_MALFORMED, "malformed_json",
		    "The body is not valid JSON: the name '%s' occurs twice.",
		    utf8_clean(arena, name, strlen(name), ERROR_FIELD_NAME_MAX));
		return NULL;
	}
	return tree;
}

const cJSON *
json_get(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *
json_str(const cJSON *object, const char *key, const char *fallback)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsString(item) ? item->valuestring : fallback;
}

int64_t
json_int(const cJSON *object, const char *key, int64_t fallback)
{
	const cJSON *item = json_get(object, key);
	double value;

	if (!cJSON_IsNumber(item))
		return fallback;
	value = item->valuedouble;
	if (value != floor(value) || value > (double)JSON_INT_MAX || value < -(double)JSON_INT_MAX)
		return fallback;
	return (int64_t)value;
}

double
json_num(const cJSON *object, const char *key, double fallback)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : fallback;
}

bool
json_bool(const cJSON *object, const char *key, bool fallback)
{
	const cJSON *item = json_get(object, key);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}
