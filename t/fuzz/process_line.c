/* Fuzz target: lines from the sandbox. Accepted values are within their bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "service/processing/process_result.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct error err;
	struct process_line line;
	const struct process_result *r = &line.result;
	struct arena arena;

	arena_init(&arena);
	if (process_line_parse(&arena, (const char *)data, size, &line, &err) && r->present &&
	    r->ok) {
		if (r->kind == NULL || r->content_type == NULL || r->metadata == NULL ||
		    r->metadata[0] != '{')
			abort();
		if (r->width < 0 || r->width > RESULT_SIDE_MAX || r->nassets > RESULT_ASSETS_MAX ||
		    r->nsprite_times > RESULT_TILES_MAX)
			abort();
		for (size_t i = 0; i < r->nassets; i++)
			if (strchr(r->assets[i].name, '/') != NULL)
				abort();
	}
	arena_clear(&arena);
	return 0;
}
