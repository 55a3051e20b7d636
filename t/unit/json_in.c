/* JSON in: the leniencies of cJSON that the prescan stops, and the rest of the grammar. */
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;
static struct error err;

static const char *const good[] = {
	"null",
	"true",
	"false",
	"0",
	"-0",
	"1",
	"-1",
	"1.5",
	"1e3",
	"1E+3",
	"1e-3",
	"0.1e1",
	"\"\"",
	"\"a\"",
	"[]",
	"{}",
	" [ ] ",
	"\t{\r\n}\n",
	"[1,2,3]",
	"{\"a\":1}",
	"{\"a\":{\"b\":[{}]},\"c\":[]}",
	"\"\\u00e9\"",
	"\"\\ud83d\\ude00\"",
	"\"\\uD83D\\uDE00\"",
	"\"\xf0\x9f\x98\x80\"",
	"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	"9007199254740992",
	"-9007199254740992",
	"1.7976931348623157e308",
	"\"\x7f\"",
	"{\"a\":1,\"A\":2}",
	"[[],{},\"\",0]",
	"\"\\u0001\"",
};

static const struct {
	const char *text, *what;
} bad[] = {
	{ "", "nothing" },
	{ " ", "white space only" },
	{ "{\"a\":1,\"a\":2}", "duplicate keys" },
	{ "{\"a\":1,\"\\u0061\":2}", "duplicate keys, one of them escaped" },
	{ "[{\"x\":{\"a\":1,\"b\":1,\"a\":1}}]", "duplicate keys further down" },
	{ "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
	  "\"c\":2}",
	    "duplicate keys among many" },
	{ "{}x", "trailing junk" },
	{ "{} {}", "two values" },
	{ "1 2", "two numbers" },
	{ "[]]", "a bracket too many" },
	{ "01", "leading zero" },
	{ "-01", "leading zero after the sign" },
	{ "[00]", "two zeros" },
	{ "\xef\xbb\xbf{}", "byte order mark" },
	{ "\"a\nb\"", "raw line break in a string" },
	{ "\"\x01\"", "raw control character" },
	{ "\"\t\"", "raw tab" },
	{ "\"\xff\"", "invalid UTF-8" },
	{ "\"\xc0\x80\"", "overlong NUL" },
	{ "\"\xed\xa0\x80\"", "encoded surrogate" },
	{ "\"\xf4\x90\x80\x80\"", "past U+10FFFF" },
	{ "\"\xe2\x82\"", "cut sequence" },
	{ "1e999", "infinity" },
	{ "-1e999", "minus infinity" },
	{ "{\"a\":1e400}", "infinity inside" },
	{ "9007199254740993", "2^53 + 1" },
	{ "-9007199254740993", "-2^53 - 1" },
	{ "18446744073709551616", "2^64" },
	{ "\"x\\u0000y\"", "\\u0000" },
	{ "{\"\\u0000\":1}", "\\u0000 in a name" },
	{ "\"\\ud83d\"", "lone high surrogate" },
	{ "\"\\ude00\"", "lone low surrogate" },
	{ "\"\\ud83d\\ud83d\"", "two high surrogates" },
	{ "\"\\ud83dx\"", "high surrogate and a letter" },
	{ "\"\\ud83d\\n\"", "high surrogate and an escape" },
	{ "\"\\u12\"", "short escape" },
	{ "\"\\u12g4\"", "bad escape digit" },
	{ "\"\\x41\"", "unknown escape" },
	{ "\"\\", "escape at the end" },
	{ "\"abc", "unterminated string" },
	{ "'a'", "single quotes" },
	{ "{a:1}", "bare name" },
	{ "{\"a\"}", "name alone" },
	{ "{\"a\":}", "no value" },
	{ "{\"a\":1,}", "comma before the brace" },
	{ "[1,]", "comma before the bracket" },
	{ "[,1]", "leading comma" },
	{ "[1 2]", "no comma" },
	{ "[1}", "wrong bracket" },
	{ "{\"a\":1]", "wrong brace" },
	{ "[", "open array" },
	{ "{", "open object" },
	{ "{\"a\":1", "open object with a member" },
	{ "[1,", "open array with a comma" },
	{ "{1:2}", "number as a name" },
	{ "nul", "cut word" },
	{ "nullx", "longer word" },
	{ "True", "capital" },
	{ "NaN", "NaN" },
	{ "Infinity", "Infinity" },
	{ "-", "sign alone" },
	{ "+1", "plus" },
	{ ".5", "no digit before the point" },
	{ "1.", "no digit after the point" },
	{ "1e", "no exponent" },
	{ "1e+", "no exponent after the sign" },
	{ "0x10", "hexadecimal" },
	{ "1_000", "underscore" },
	{ "// c\n1", "comment" },
	{ "/**/1", "block comment" },
	{ "\xc2\xa0{}", "no-break space outside" },
	{ "{\"a\":1;}", "semicolon" },
	{ "0.00000000000000000000000000000000000000000000000000000000000000000001",
	    "number of 70 digits" },
};

static const cJSON *
parse(const char *text)
{
	error_clear(&err);
	return json_parse(&arena, text, strlen(text), &err);
}

static char *
nested(size_t depth, char open, char close)
{
	char *text = arena_alloc(&arena, 2 * depth + 1);

	memset(text, open, depth);
	memset(text + depth, close, depth);
	return text;
}

/* Many members in little time: the search for duplicates must not be quadratic. */
static void
test_many_members(void)
{
	const int n = 60000;
	struct buf buf;

	buf_init(&buf, &arena, 0);
	buf_addc(&buf, '{');
	for (int i = 0; i < n; i++)
		buf_addf(&buf, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
	buf_addc(&buf, '}');
	ok(parse(buf.data) != NULL, "%d members", n);
	buf.len--;
	buf_adds(&buf, ",\"k59\":0}");
	ok(parse(buf.data) == NULL, "and one of them twice");
}

static void
test_look_ups(void)
{
	const cJSON *tree =
	    parse("{\"s\":\"x\",\"i\":7,\"d\":1.5,\"b\":true,\"n\":null,\"big\":1e300,\"o\":"
		  "{\"s\":\"y\"}}");

	is_str(json_str(tree, "s", "-"), "x", "string");
	is_str(json_str(tree, "S", "-"), "-", "look-ups mind the case");
	is_str(json_str(tree, "i", "-"), "-", "a number is no string");
	is_int(json_int(tree, "i", -1), 7, "integer");
	is_int(json_int(tree, "d", -1), -1, "a fraction is no integer");
	is_int(json_int(tree, "big", -1), -1, "nor is 1e300");
	is_int(json_int(tree, "s", -1), -1, "nor a string");
	ok(json_num(tree, "d", 0) == 1.5, "number");
	ok(json_bool(tree, "b", false), "boolean");
	ok(json_bool(tree, "n", true), "null gives the fallback");
	is_str(json_str(json_get(tree, "o"), "s", "-"), "y", "nested");
	ok(json_get(tree, "none") == NULL, "absent");
	is_str(json_str(NULL, "s", "-"), "-", "look-ups take NULL");
}

int
main(void)
{
	arena_init(&arena);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(parse(good[i]) != NULL, "good %zu: %zu bytes", i, strlen(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(parse(bad[i].text) == NULL, "refused: %s", bad[i].what);
		ok(err.code == ERR_MALFORMED && strcmp(error_slug_of(&err), "malformed_json") == 0,
		    "as malformed_json");
	}
	ok(json_parse(&arena, "{}\0", 3, &err) == NULL, "refused: NUL byte behind the value");
	ok(json_parse(&arena, "\"a\0b\"", 5, &err) == NULL, "refused: NUL byte in a string");
	ok(json_parse(&arena, "[1]garbage", 3, &err) != NULL, "nothing past the length is read");

	ok(parse(nested(32, '[', ']')) != NULL, "depth 32");
	ok(parse(nested(33, '[', ']')) == NULL, "refused: depth 33");
	ok(parse(nested(100000, '[', ']')) == NULL, "refused: depth 100 000");
	ok(strstr(err.message, "deeply") != NULL, "and it says so");
	parse("{\"a\": x}");
	ok(strstr(err.message, "byte 6") != NULL, "the message has the position: %s", err.message);
	test_many_members();
	test_look_ups();
	arena_clear(&arena);
	return done_testing();
}
