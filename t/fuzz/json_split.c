/*
 * Fuzz target: a list that json_parse() takes whole has the same elements when it is read as it
 * arrives, in two parts, and the same surroundings.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/json_split.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define TEXT_MAX (1UL << 20)

struct reading {
	struct arena *arena;
	const struct cJSON *next; /* the element that must come */
};

static bool
on_element(void *context, const char *text, size_t len)
{
	static struct error err;
	struct reading *reading = context;
	const struct cJSON *element = json_parse(reading->arena, text, len, &err);

	if (reading->next == NULL || !cJSON_Compare(element, reading->next, true))
		abort();
	reading->next = reading->next->next;
	return true;
}

/* Where the array is written with escapes in its name, it stays in the rest. */
static void
check_rest(const struct cJSON *whole, const struct cJSON *rest, const struct reading *reading)
{
	const struct cJSON *array = json_get(json_get(rest, "MediaContainer"), "Metadata"),
			   *all = json_get(json_get(whole, "MediaContainer"), "Metadata");

	if (cJSON_GetArraySize(array) > 0 ? !cJSON_Compare(array, all, true) :
					    reading->next != NULL)
		abort();
}

static bool
all_objects(const struct cJSON *array)
{
	const struct cJSON *one;

	cJSON_ArrayForEach (one, array)
		if (!cJSON_IsObject(one))
			return false;
	return cJSON_IsArray(array);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_split_limits limits = { TEXT_MAX, TEXT_MAX };
	static struct error err;
	const char *text = (const char *)data;
	struct reading reading = { .next = NULL };
	const struct cJSON *whole, *array, *rest;
	size_t half = size / 2;
	struct json_split split;
	struct arena arena;

	arena_init(&arena);
	reading.arena = &arena;
	whole = json_parse(&arena, text, size, &err);
	array = whole == NULL ? NULL : json_get(json_get(whole, "MediaContainer"), "Metadata");
	if (all_objects(array)) {
		reading.next = array->child;
		json_split_init(&split, &arena, "MediaContainer", "Metadata", &limits, on_element,
		    &reading);
		if (!json_split_feed(&split, text, half) ||
		    !json_split_feed(&split, text + half, size - half) ||
		    !json_split_end(&split, &err))
			abort();
		rest = json_parse(&arena, split.rest.data, split.rest.len, &err);
		if (rest == NULL)
			abort();
		check_rest(whole, rest, &reading);
	}
	arena_clear(&arena);
	return 0;
}
