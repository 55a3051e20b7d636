/* Field rules: accepted input, refused input, and the code of each refusal. */
#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "http/input.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ID "0192f0c1-2345-7abc-8def-0123456789ab"

static const struct field_rule part_rules[] = {
	{ "number", FIELD_INT, .min = 1, .max = 10000, .flags = FIELD_REQUIRED },
	{ "etag", FIELD_STRING, .min = 1, .max = 8 },
	{ .name = NULL },
};
static const struct field_rule rules[] = {
	{ "title", FIELD_STRING, .min = 1, .max = 5 },
	{ "text", FIELD_STRING, .max = 20, .flags = FIELD_TEXT | FIELD_NULLABLE },
	{ "secret", FIELD_STRING, .min = 2, .max = 4, .flags = FIELD_SECRET },
	{ "year", FIELD_INT, .min = 1800, .max = 2100 },
	{ "any", FIELD_INT },
	{ "flag", FIELD_BOOL },
	{ "id", FIELD_UUID },
	{ "at", FIELD_TIME },
	{ "day", FIELD_DATE },
	{ "sort", FIELD_ENUM, .choices = "newest|oldest|title" },
	{ "email", FIELD_EMAIL },
	{ "one", FIELD_OBJECT, .fields = part_rules },
	{ "tags", FIELD_STRINGS, .max = 3, .item_max = 4 },
	{ "ids", FIELD_UUIDS, .min = 1, .max = 2 },
	{ "numbers", FIELD_INTS, .max = 3, .item_max = 9 },
	{ "parts", FIELD_OBJECTS, .min = 1, .max = 2, .fields = part_rules },
	{ "raw", FIELD_JSON },
	{ "digits", FIELD_STRING, .min = 2, .max = 2, .flags = FIELD_DIGITS },
	{ "hex", FIELD_STRING, .max = 4, .flags = FIELD_HEX },
	{ "roles", FIELD_STRINGS, .max = 2, .choices = "guest|user" },
	{ "counted", FIELD_INTS, .max = 2, .item_min = 1, .item_max = 9 },
	{ .name = NULL },
};
static const struct field_rule file_rules[] = {
	{ "name", FIELD_STRING, .min = 1, .max = 9, .flags = FIELD_REQUIRED },
	{ "note", FIELD_STRING, .max = 9 },
	{ .name = NULL },
};
/* One file, or a list of them. */
static const struct field_rule forms[] = {
	{ "name", FIELD_STRING, .min = 1, .max = 9 },
	{ "note", FIELD_STRING, .max = 9 },
	{ "files", FIELD_OBJECTS, .min = 1, .max = 2, .flags = FIELD_ALONE, .fields = file_rules },
	{ .name = NULL },
};
static const struct field_rule needs[] = {
	{ "q", FIELD_STRING, .min = 1, .max = 10, .flags = FIELD_REQUIRED },
	{ "limit", FIELD_INT, .min = 1, .max = 100 },
	{ .name = NULL },
};

static struct arena arena;
static struct error err;
static const struct input *in;

static bool
json(const char *text)
{
	error_clear(&err);
	return input_from_json(&arena, rules, text, strlen(text), &in, &err);
}

static bool
query(const char *text)
{
	error_clear(&err);
	return input_from_query(&arena, rules, text, &in, &err);
}

/* The first error is about this field, with this code. */
static void
refused(bool taken, const char *what, const char *field, const char *code)
{
	ok(!taken && err.code == ERR_VALIDATION && err.nfields > 0 &&
		strcmp(err.fields[0].field, field) == 0 && strcmp(err.fields[0].code, code) == 0,
	    "%s -> %s %s", what, field, code);
	if (err.nfields > 0)
		printf("# %s %s %s\n", err.fields[0].field, err.fields[0].code,
		    err.fields[0].message);
}

static void
test_json_taken(void)
{
	ok(json("{\"title\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\",\"text\":null,\"year\":"
		"2023,\"flag\":true,\"id\":\"" ID "\","
		"\"at\":\"2026-11-22T08:00:00Z\",\"sort\":\"oldest\",\"email\":"
		"\"A.B@Example.org\",\"one\":{\"number\":3},\"tags\":[\"a\",\"b\"],"
		"\"ids\":[\"" ID
		"\"],\"numbers\":[1,2],\"parts\":[{\"number\":1,\"etag\":\"x\"},{\"number\":2}],"
		"\"raw\":[1]}"),
	    "all of it");
	is_str(input_str(in, "title"), "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
	    "lengths count code points");
	ok(input_is_null(in, "text") && !input_has(in, "text") && input_str(in, "text") == NULL,
	    "null");
	is_int(input_int(in, "year", 0), 2023, "a number");
	is_int(input_int(in, "any", 7), 7, "an absent number falls back");
	ok(input_bool(in, "flag", false), "a boolean");
	is_int(input_time(in, "at"), 1795334400000000LL, "a time in us");
	is_str(input_str(in, "email"), "a.b@example.org", "an address in lower case");
	is_int(input_int(input_object(in, "one"), "number", 0), 3, "an object");
	is_int((long long)input_count(in, "tags"), 2, "an array's length");
	is_str(input_str_at(in, "tags", 1), "b", "its elements");
	is_str(input_str_at(in, "tags", 2), NULL, "none past the end");
	is_int(input_int_at(in, "numbers", 1), 2, "numbers");
	is_int(input_int(input_object_at(in, "parts", 1), "number", 0), 2, "objects in an array");
	ok(cJSON_IsArray(input_json(in, "raw")), "a value as it is");
	ok(!input_has(in, "secret") && input_str(in, "secret") == NULL &&
		!input_has(input_object(in, "nothing"), "x"),
	    "what is absent");
	ok(json("{}") && !input_has(in, "title"), "an empty object where nothing is required");
	ok(json(""), "no body where nothing is required");
	ok(json("{\"text\":\"a\\nb\\tc\"}"), "line breaks in a text");
}

static void
test_json_refused(void)
{
	refused(json("{\"title\":\"\"}"), "empty", "title", "required");
	refused(json("{\"title\":\"123456\"}"), "six of five", "title", "too_long");
	refused(json("{\"title\":\"a\\nb\"}"), "a line break", "title", "format");
	refused(json("{\"title\":\"a\\u009bb\"}"), "a C1 control", "title", "format");
	refused(json("{\"title\":7}"), "a number for a string", "title", "type");
	refused(json("{\"title\":null}"), "null where it may not be", "title", "type");
	refused(json("{\"Title\":\"a\"}"), "another case", "Title", "unknown");
	refused(json("{\"secret\":\"\xc3\xa4\xc3\xa4\xc3\xa4\"}"), "a secret counts bytes",
	    "secret", "too_long");
	refused(json("{\"year\":1799}"), "below", "year", "range");
	refused(json("{\"year\":2101}"), "above", "year", "range");
	refused(json("{\"year\":1900.5}"), "half a year", "year", "type");
	refused(json("{\"year\":\"1900\"}"), "a string for a number", "year", "type");
	refused(json("{\"flag\":1}"), "a number for a boolean", "flag", "type");
	refused(json("{\"id\":\"' OR 1=1 --\"}"), "SQL for an id", "id", "format");
	refused(json("{\"at\":\"yesterday\"}"), "no time", "at", "format");
	refused(json("{\"day\":\"2023-02-29\"}"), "no day of that year", "day", "format");
	refused(json("{\"day\":\"2024-2-29\"}"), "a month without its zero", "day", "format");
	refused(json("{\"day\":\"2024-02-29T00:00:00Z\"}"), "a time", "day", "format");
	ok(json("{\"day\":\"2024-02-29\"}"), "a day");
	is_str(input_str(in, "day"), "2024-02-29", "as it came");
	refused(json("{\"sort\":\"newest|oldest\"}"), "two choices", "sort", "choice");
	refused(json("{\"sort\":\"\"}"), "no choice", "sort", "choice");
	refused(json("{\"one\":{}}"), "a required member", "one.number", "required");
	refused(json("{\"one\":{\"number\":1,\"x\":2}}"), "an unknown member", "one.x", "unknown");
	refused(json("{\"one\":[]}"), "an array for an object", "one", "type");
	refused(json("{\"tags\":[\"a\",\"b\",\"c\",\"d\"]}"), "four of three", "tags", "range");
	refused(json("{\"tags\":[\"\"]}"), "an empty element", "tags", "required");
	refused(json("{\"tags\":[\"12345\"]}"), "a long element", "tags", "too_long");
	refused(json("{\"tags\":[1]}"), "an element's type", "tags", "type");
	refused(json("{\"tags\":\"a\"}"), "a string for an array", "tags", "type");
	refused(json("{\"ids\":[]}"), "none of one", "ids", "range");
	refused(json("{\"ids\":[\"x\"]}"), "no id", "ids", "format");
	refused(json("{\"numbers\":[10]}"), "past the element's limit", "numbers", "range");
	refused(json("{\"numbers\":[1e300]}"), "a huge element", "numbers", "type");
	refused(json("{\"parts\":[{\"number\":1},{\"number\":0}]}"), "the second object",
	    "parts[1].number", "range");
	json("{\"title\":\"\",\"year\":1,\"x\":1}");
	is_int(err.nfields, 3, "all complaints are collected");
	ok(!json("[]") && err.code == ERR_MALFORMED, "an array is no body");
	ok(!json("{\"title\":\"a\",\"title\":\"b\"}"), "a field twice");
	ok(!json("{\"title\":\"a\\u0000b\"}"), "NUL");
	ok(!json("{\"year\":1e999}"), "a number past all bounds");
}

static void
test_email(void)
{
	static const char *const good[] = { "a@b", "a.b+c@x-y.example.org", "o'neil@example.org" };
	static const char *const bad[] = { "", "a", "@", "a@", "@b", "a@@b", "a@b@c", "a b@c",
		"a@b c", "a@.b", "a@b.", "a@b..c", "<a@b>", "a@b_c", "a\\@b", "a@-b",
		"a@[127.0.0.1]", "\xc3\xa4@b" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(json(arena_printf(&arena, "{\"email\":\"%s\"}", good[i])), "address %s",
		    good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!json(arena_printf(&arena, "{\"email\":\"%s\"}", bad[i])), "no address: %s",
		    bad[i]);
}

static void
test_query(void)
{
	ok(query("title=a%2Bb&year=2023&flag=false&sort=title&tags=a,b&numbers=1,9&ids=" ID
		 "&&text=a+b"),
	    "all of it");
	is_str(input_str(in, "title"), "a+b", "decoded");
	is_str(input_str(in, "text"), "a b", "plus is a space");
	ok(input_has(in, "flag") && !input_bool(in, "flag", true), "false is not absent");
	is_str(input_str_at(in, "tags", 1), "b", "a list");
	is_int(input_int_at(in, "numbers", 1), 9, "of numbers");
	ok(query(""), "nothing");
	refused(query("x=1"), "unknown", "x", "unknown");
	refused(query("title=a&title=b"), "twice", "title", "duplicate");
	refused(query("year=20x"), "no number", "year", "type");
	refused(query("year=+2000"), "a plus is a space", "year", "type");
	refused(query("year=99999999999999999999"), "too many digits", "year", "type");
	refused(query("flag=1"), "a number for a boolean", "flag", "type");
	refused(query("title"), "no value", "title", "required");
	refused(query("raw=1"), "a tree cannot come here", "raw", "type");
	refused(query("numbers=1,"), "an empty element", "numbers", "range");
	ok(!query("title=%00") && err.code == ERR_MALFORMED, "NUL");
	ok(!query("title=%zz") && err.code == ERR_MALFORMED, "a bad escape");
	ok(!query("title=%ff") && err.code == ERR_MALFORMED, "invalid UTF-8");
	error_clear(&err);
	refused(input_from_query(&arena, needs, "limit=5", &in, &err), "required", "q", "required");
	error_clear(&err);
	refused(input_from_json(&arena, needs, "", 0, &in, &err), "no body where one is needed",
	    "q", "required");
	error_clear(&err);
	ok(!input_from_query(&arena, NULL, "a=1", &in, &err),
	    "a route without rules takes nothing");
	error_clear(&err);
	ok(input_from_json(&arena, NULL, "{}", 2, &in, &err), "but an empty object");
}

static void
test_alphabets_and_choices(void)
{
	ok(json("{\"digits\":\"07\",\"hex\":\"aF09\",\"roles\":[\"user\",\"guest\"],"
		"\"counted\":[1,9]}"),
	    "digits, hexadecimal digits, choices, numbers from one");
	refused(json("{\"digits\":\"0x\"}"), "a letter", "digits", "format");
	refused(json("{\"digits\":\"012\"}"), "three of two", "digits", "too_long");
	refused(json("{\"hex\":\"0g\"}"), "no hexadecimal digit", "hex", "format");
	refused(json("{\"roles\":[\"user\",\"root\"]}"), "none of the choices", "roles", "choice");
	refused(json("{\"roles\":[\"guest|user\"]}"), "two choices in one", "roles", "choice");
	refused(json("{\"counted\":[0]}"), "below the element's limit", "counted", "range");
	refused(query("counted=0"), "and in a query", "counted", "range");
	refused(query("roles=user,root"), "a list's choices", "roles", "choice");
}

static bool
form(const char *text)
{
	error_clear(&err);
	return input_from_json(&arena, forms, text, strlen(text), &in, &err);
}

static void
test_forms(void)
{
	ok(form("{\"name\":\"a\",\"note\":\"b\"}"), "one file");
	ok(form("{\"files\":[{\"name\":\"a\"},{\"name\":\"b\"}]}"), "a list of files");
	refused(form("{\"note\":\"b\"}"), "what one needs", "name", "required");
	refused(form(""), "nothing at all", "name", "required");
	refused(form("{\"files\":[{\"name\":\"a\"}],\"note\":\"b\"}"), "both forms", "note",
	    "unknown");
	refused(form("{\"files\":[{\"note\":\"a\"}]}"), "what each needs", "files[0].name",
	    "required");
	refused(form("{\"files\":[]}"), "an empty list", "files", "range");
	is_int(err.nfields, 1, "whose single form is not asked for");
}

static void
test_param(void)
{
	error_clear(&err);
	ok(input_check_param(&arena, rules, "sort", "oldest", &err) &&
		input_check_param(&arena, rules, "other", "x", &err) &&
		input_check_param(&arena, NULL, "sort", "x", &err),
	    "parts of a path");
	refused(input_check_param(&arena, rules, "sort", "x", &err), "a wrong one", "sort",
	    "choice");
}

static void
test_schema(void)
{
	static const struct field_rule some[] = {
		{ "title", FIELD_STRING, .min = 1, .max = 5, .flags = FIELD_REQUIRED | FIELD_TEXT },
		{ "code", FIELD_STRING, .max = 6, .flags = FIELD_SECRET | FIELD_DIGITS },
		{ "year", FIELD_INT, .min = 1, .max = 9, .flags = FIELD_NULLABLE, .fallback = 3 },
		{ "sort", FIELD_ENUM, .choices = "a|b" },
		{ "numbers", FIELD_INTS, .min = 1, .item_min = 1, .item_max = 9 },
		{ "raw", FIELD_JSON },
		{ .name = NULL },
	};
	struct json *j = json_new(&arena, 0);

	input_schema(j, NULL, some);
	is_str(j->buf.data,
	    "{\"type\":\"object\",\"properties\":{"
	    "\"title\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5,\"x-lines\":true},"
	    "\"code\":{\"type\":\"string\",\"maxLength\":6,\"pattern\":\"^[0-9]*$\","
	    "\"format\":\"password\",\"x-unit\":\"bytes\"},"
	    "\"year\":{\"type\":[\"integer\",\"null\"],\"minimum\":1,\"maximum\":9,"
	    "\"default\":3},"
	    "\"sort\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]},"
	    "\"numbers\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,"
	    "\"items\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9}},"
	    "\"raw\":{}},\"required\":[\"title\"],\"additionalProperties\":false}",
	    "the schema of rules");
	j = json_new(&arena, 0);
	input_schema(j, NULL, forms);
	ok(strncmp(j->buf.data, "{\"oneOf\":[{", 11) == 0 &&
		strstr(j->buf.data, "\"required\":[\"files\"]") != NULL,
	    "two forms of one body");
}

int
main(void)
{
	arena_init(&arena);
	test_json_taken();
	test_json_refused();
	test_email();
	test_query();
	test_alphabets_and_choices();
	test_forms();
	test_param();
	test_schema();
	arena_clear(&arena);
	return done_testing();
}
