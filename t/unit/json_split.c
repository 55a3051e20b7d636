/* Long lists, element by element: cut anywhere, with what looks like structure inside strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_split.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ELEMENT_MAX 64
#define REST_MAX 256

static struct arena arena;
static char seen[4096];
static int left; /* elements before the reader stops; -1: never */

static bool
on_element(void *context, const char *text, size_t len)
{
	size_t used = strlen(seen);

	(void)context;
	if (left == 0)
		return false;
	left -= left > 0;
	snprintf(seen + used, sizeof(seen) - used, "%s%.*s", used > 0 ? "|" : "", (int)len, text);
	return true;
}

/* Feeds the text in pieces; *rest is what is around the elements. */
static bool
split_by(const char *text, size_t piece, const char **rest, enum json_split_state *state)
{
	const struct json_split_limits limits = { ELEMENT_MAX, REST_MAX };
	struct json_split split;
	struct error err;
	size_t len = strlen(text);
	bool ok;

	seen[0] = '\0';
	json_split_init(&split, &arena, "MediaContainer", "Metadata", &limits, on_element, NULL);
	for (size_t at = 0; at < len; at += piece)
		if (!json_split_feed(&split, text + at, len - at < piece ? len - at : piece))
			break;
	ok = json_split_end(&split, &err);
	*rest = split.rest.data;
	*state = split.state;
	return ok && (len == 0 || json_parse(&arena, *rest, split.rest.len, &err) != NULL);
}

static const struct {
	const char *what, *text, *elements, *rest;
} good[] = {
	{ "a list", "{\"MediaContainer\":{\"totalSize\":2,\"Metadata\":[{\"a\":1},{\"b\":[{}]}]}}",
	    "{\"a\":1}|{\"b\":[{}]}", "{\"MediaContainer\":{\"totalSize\":2,\"Metadata\":[]}}" },
	{ "white space",
	    " { \"MediaContainer\" : { \"Metadata\" : [ { \"a\" : \"x y\" } , { } ] } } \n",
	    "{ \"a\" : \"x y\" }|{ }", " { \"MediaContainer\" : { \"Metadata\" : [] } } \n" },
	{ "brackets and quotes in strings",
	    "{\"MediaContainer\":{\"x\":\"}]\\\"{\",\"Metadata\":[{\"t\":\"]},{\\\\\\\"\"}]}}",
	    "{\"t\":\"]},{\\\\\\\"\"}",
	    "{\"MediaContainer\":{\"x\":\"}]\\\"{\",\"Metadata\":[]}}" },
	{ "a list of that name elsewhere",
	    "{\"Metadata\":[{\"a\":1}],\"MediaContainer\":{\"Hub\":[{\"Metadata\":[{}]}]}}", "",
	    "{\"Metadata\":[{\"a\":1}],\"MediaContainer\":{\"Hub\":[{\"Metadata\":[{}]}]}}" },
	{ "a value of that name", "{\"MediaContainer\":{\"x\":\"Metadata\",\"y\":[{\"a\":1}]}}", "",
	    "{\"MediaContainer\":{\"x\":\"Metadata\",\"y\":[{\"a\":1}]}}" },
	{ "no list", "{\"MediaContainer\":{\"size\":0}}", "", "{\"MediaContainer\":{\"size\":0}}" },
	{ "an empty list", "{\"MediaContainer\":{\"Metadata\":[]}}", "",
	    "{\"MediaContainer\":{\"Metadata\":[]}}" },
	{ "members after the list", "{\"MediaContainer\":{\"Metadata\":[{}],\"size\":1},\"z\":[1]}",
	    "{}", "{\"MediaContainer\":{\"Metadata\":[],\"size\":1},\"z\":[1]}" },
};

static const char *const bad[] = { "", "{\"MediaContainer\":{\"Metadata\":[{\"a\":1}",
	"{\"MediaContainer\":{\"Metadata\":[{\"a\":1}]}", "{\"MediaContainer\":{\"Metadata\":[1]}}",
	"{\"MediaContainer\":{\"Metadata\":[\"a\"]}}", "{\"MediaContainer\":{}} x", "<html></html>",
	"}", "{\"MediaContainer\":{\"Metadata\":[{}]}}{}" };

int
main(void)
{
	const char *rest;
	enum json_split_state state;
	char *text;

	arena_init(&arena);
	left = -1;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool same = true;

		for (size_t piece = 1; piece < 100; piece++)
			same = same && split_by(good[i].text, piece, &rest, &state) &&
			    strcmp(seen, good[i].elements) == 0 && strcmp(rest, good[i].rest) == 0;
		ok(same, "%s, cut anywhere", good[i].what);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!split_by(bad[i], 3, &rest, &state), "refused: %s", bad[i]);
	text = arena_printf(&arena, "{\"MediaContainer\":{\"Metadata\":[{\"a\":\"%0*d\"}]}}",
	    ELEMENT_MAX, 0);
	ok(!split_by(text, 5, &rest, &state) && state == JSON_SPLIT_LONG, "an element too long");
	text = arena_printf(&arena, "{\"MediaContainer\":{\"x\":\"%0*d\"}}", REST_MAX, 0);
	ok(!split_by(text, 5, &rest, &state) && state == JSON_SPLIT_LONG, "a rest too long");
	left = 1;
	ok(!split_by("{\"MediaContainer\":{\"Metadata\":[{},{\"b\":1},{}]}}", 7, &rest, &state) &&
		state == JSON_SPLIT_STOPPED && strcmp(seen, "{}") == 0,
	    "a reader that stops");
	arena_clear(&arena);
	return done_testing();
}
