#include "core/json_split.h"

#include <string.h>

#include "core/error.h"
#include "core/json.h"

#include "core/banned.h"

#define KEY_MAX 64 /* bytes; a longer key is none of those that are looked for */

void
json_split_init(struct json_split *split, struct arena *arena, const char *outer, const char *array,
    const struct json_split_limits *limits, json_split_fn *element, void *context)
{
	*split = (struct json_split) {
		.outer = outer, .array = array, .element = element, .context = context
	};
	buf_init(&split->rest, arena, limits->rest);
	buf_init(&split->item, arena, limits->element);
	buf_init(&split->key, arena, KEY_MAX);
}

static void
clear(struct buf *buf)
{
	buf->len = 0;
	buf->overflow = false;
}

static bool
key_is(const struct json_split *split, const char *name)
{
	return !split->key.overflow && split->key.len == strlen(name) &&
	    memcmp(split->key.data, name, split->key.len) == 0;
}

/* A colon says that the string before it was a key. */
static void
take_key(struct json_split *split)
{
	if (!split->is_key)
		return;
	if (split->depth == 1)
		split->outer_key = key_is(split, split->outer);
	split->named = split->depth == 2 && split->in_outer && key_is(split, split->array);
	split->is_key = false;
}

static void
open_bracket(struct json_split *split, char c)
{
	if (split->depth == 1)
		split->in_outer = c == '{' && split->outer_key;
	if (c == '[' && split->named && split->inside == 0)
		split->inside = split->depth + 1;
	split->named = false;
	if (++split->depth > JSON_DEPTH_MAX)
		split->state = JSON_SPLIT_BROKEN;
}

static void
close_bracket(struct json_split *split)
{
	if (split->depth == 0) {
		split->state = JSON_SPLIT_BROKEN;
		return;
	}
	if (split->depth == split->inside)
		split->inside = 0;
	split->depth--;
	split->ended = split->depth == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Inside a string: to the text that it belongs to, and to the key that it may be. */
static void
string_byte(struct json_split *split, struct buf *to, char c)
{
	buf_addc(to, c);
	if (split->escaped) {
		split->escaped = false;
	} else if (c == '\\') {
		split->escaped = true;
	} else if (c == '"') {
		split->in_string = false;
		split->is_key = true;
		return;
	}
	buf_addc(&split->key, c);
}

/* An element of the array is complete. */
static void
hand_out(struct json_split *split)
{
	if (split->item.overflow)
		split->state = JSON_SPLIT_LONG;
	else if (!split->element(split->context, split->item.data, split->item.len))
		split->state = JSON_SPLIT_STOPPED;
	clear(&split->item);
}

static void
plain_byte(struct json_split *split, char c)
{
	bool within = split->inside != 0;
	struct buf *to = within && split->depth > split->inside ? &split->item : &split->rest;

	if (c == '"') {
		split->in_string = true;
		clear(&split->key);
	} else if (c == ':') {
		take_key(split);
	} else if (!is_space(c)) {
		split->is_key = false;
		if (c != '[')
			split->named = false;
	}
	/* Between elements there are commas only, and elements are objects. */
	if (within && split->depth == split->inside && c != ']') {
		if (c == '{') {
			open_bracket(split, c);
			buf_addc(&split->item, c);
		} else if (c != ',' && !is_space(c)) {
			split->state = JSON_SPLIT_BROKEN;
		}
		return;
	}
	buf_addc(to, c);
	if (c == '{' || c == '[') {
		open_bracket(split, c);
	} else if (c == '}' || c == ']') {
		close_bracket(split);
		if (split->inside != 0 && split->depth == split->inside)
			hand_out(split);
	}
}

bool
json_split_feed(struct json_split *split, const char *data, size_t len)
{
	for (size_t i = 0; i < len && split->state == JSON_SPLIT_RUNS; i++) {
		if (split->in_string)
			string_byte(split,
			    split->inside != 0 && split->depth > split->inside ? &split->item :
										 &split->rest,
			    data[i]);
		else if (split->ended && !is_space(data[i]))
			split->state = JSON_SPLIT_BROKEN;
		else
			plain_byte(split, data[i]);
		if (split->rest.overflow)
			split->state = JSON_SPLIT_LONG;
	}
	return split->state == JSON_SPLIT_RUNS;
}

bool
json_split_end(const struct json_split *split, struct error *err)
{
	if (split->state == JSON_SPLIT_RUNS && split->ended)
		return true;
	error_slug(err, ERR_MALFORMED, "malformed_json", "The list is not complete JSON.");
	return error_detail(err, "%s",
	    split->state == JSON_SPLIT_LONG        ? "too long" :
		split->state == JSON_SPLIT_STOPPED ? "stopped" :
		split->state == JSON_SPLIT_BROKEN  ? "broken" :
						     "cut off");
}
