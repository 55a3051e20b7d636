/* Fuzz target: the field rules. The first byte tells whether the rest is a query or a JSON body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "http/input.h"

#include "core/banned.h"

#define TITLE_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct field_rule part_rules[] = {
	{ "number", FIELD_INT, .min = 1, .max = 10000, .flags = FIELD_REQUIRED },
	{ "name", FIELD_STRING, .min = 1, .max = 8 },
	{ .name = NULL },
};
static const struct field_rule rules[] = {
	{ "title", FIELD_STRING, .min = 1, .max = TITLE_MAX, .flags = FIELD_NULLABLE },
	{ "year", FIELD_INT, .min = 1800, .max = 2100 },
	{ "flag", FIELD_BOOL },
	{ "id", FIELD_UUID },
	{ "at", FIELD_TIME },
	{ "sort", FIELD_ENUM, .choices = "newest|oldest" },
	{ "email", FIELD_EMAIL },
	{ "tags", FIELD_STRINGS, .max = 3, .item_max = 4 },
	{ "ids", FIELD_UUIDS, .max = 2 },
	{ "numbers", FIELD_INTS, .max = 3, .item_max = 9 },
	{ "parts", FIELD_OBJECTS, .max = 2, .fields = part_rules },
	{ "raw", FIELD_JSON },
	{ .name = NULL },
};

static void
check(const struct input *in)
{
	const char *title = input_str(in, "title");
	int64_t year = input_int(in, "year", 1800);

	if (title != NULL && (*title == '\0' || utf8_length(title) > TITLE_MAX))
		abort();
	if (year < 1800 || year > 2100 || input_count(in, "tags") > 3)
		abort();
	for (size_t i = 0; i < input_count(in, "parts"); i++) {
		if (input_int(input_object_at(in, "parts", i), "number", 0) < 1)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct error err;
	const struct input *in;
	struct arena arena;
	bool ok;

	if (size == 0)
		return 0;
	arena_init(&arena);
	error_clear(&err);
	if (data[0] == '?')
		ok = input_from_query(&arena, rules,
		    arena_strndup(&arena, (const char *)data + 1, size - 1), &in, &err);
	else
		ok = input_from_json(&arena, rules, (const char *)data, size, &in, &err);
	if (ok)
		check(in);
	else if (err.code == ERR_NONE)
		abort();
	arena_clear(&arena);
	return 0;
}
