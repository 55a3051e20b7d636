/* Fuzz target: json_parse() on anything. What it accepts must survive being written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct error err;
	struct arena arena;
	const cJSON *tree;

	arena_init(&arena);
	tree = json_parse(&arena, (const char *)data, size, &err);
	if (tree != NULL) {
		char *printed = cJSON_PrintUnformatted(tree);

		if (printed == NULL || json_parse(&arena, printed, strlen(printed), &err) == NULL)
			abort();
		cJSON_free(printed);
	}
	arena_clear(&arena);
	return 0;
}
