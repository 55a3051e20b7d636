/*
 * Fuzz target: the payload of a webhook. The first line is the kind of its source, the rest the
 * payload. What is stored is JSON again, holds no key of ours, and masking it changes nothing more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/integrations/hook_read.h"
#include "service/integrations/hook_sources.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_text(const char *text, size_t max)
{
	if (text != NULL &&
	    (text[0] == '\0' || strlen(text) > max || !utf8_valid(text, strlen(text))))
		abort();
}

static void
check(struct arena *arena, const char *source, const struct hook_reading *reading)
{
	struct hook_reading again;
	struct error err;

	error_clear(&err);
	check_text(reading->type, HOOK_TYPE_MAX);
	check_text(reading->machine_id, HOOK_SUBJECT_MAX);
	check_text(reading->subject, HOOK_SUBJECT_MAX);
	if (reading->type == NULL ||
	    json_parse(arena, reading->masked, strlen(reading->masked), &err) == NULL)
		abort();
	if (!hook_read(arena, source, reading->masked, strlen(reading->masked), &again, &err) ||
	    strcmp(again.masked, reading->masked) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct hook_reading reading;
	struct arena arena;
	struct error err;
	char *source, *body;
	size_t len;

	if (line == NULL)
		return 0;
	arena_init(&arena);
	error_clear(&err);
	source = arena_strndup(&arena, (const char *)data, (size_t)(line - data));
	len = size - (size_t)(line + 1 - data);
	/* of its exact size, so that the sanitizers detect reads past it */
	body = xmalloc(len + (len == 0));
	memcpy(body, line + 1, len);
	if (hook_read(&arena, source, body, len, &reading, &err))
		check(&arena, source, &reading);
	else if (error_class(err.code)->status < 400 || error_class(err.code)->status > 499)
		abort();
	free(body);
	arena_clear(&arena);
	return 0;
}
