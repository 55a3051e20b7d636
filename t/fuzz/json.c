/*
 * Fuzz target: json_parse() on any input. It must refuse accepted input with one byte more, or
 * nested one level too deep.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
accepted(struct arena *arena, const struct buf *text)
{
	static struct error err;

	return json_parse(arena, text->data, text->len, &err) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct error err;
	struct arena arena;
	struct buf buf;

	arena_init(&arena);
	if (json_parse(&arena, (const char *)data, size, &err) != NULL) {
		buf_init(&buf, &arena, 0);
		buf_add(&buf, data, size);
		buf_adds(&buf, " ]");
		if (accepted(&arena, &buf))
			abort();
		buf_reset(&buf);
		for (int i = 0; i <= JSON_DEPTH_MAX; i++)
			buf_addc(&buf, '[');
		buf_add(&buf, data, size);
		for (int i = 0; i <= JSON_DEPTH_MAX; i++)
			buf_addc(&buf, ']');
		if (accepted(&arena, &buf))
			abort();
	}
	arena_clear(&arena);
	return 0;
}
