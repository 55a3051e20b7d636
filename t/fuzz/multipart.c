/*
 * Fuzz target: a form. The first line is the Content-Type, the rest the body. Every part is within
 * the body, behind the previous one, and has a name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "http/multipart.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct multipart *form, const char *body, size_t len)
{
	const char *at = body;
	const struct multipart_part *found;

	if (form->n > MULTIPART_PARTS_MAX)
		abort();
	for (size_t i = 0; i < form->n; i++) {
		const struct multipart_part *part = &form->parts[i];

		if (part->name == NULL || part->data < at || part->data > body + len ||
		    part->len > (size_t)(body + len - part->data) ||
		    !utf8_valid(part->name, strlen(part->name)) ||
		    multipart_find(form, part->name, SIZE_MAX, &found) != PART_FOUND)
			abort();
		at = part->data + part->len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
	struct multipart *form;
	struct arena arena;
	struct error err;
	char *type, *body;
	size_t len;

	if (line == NULL)
		return 0;
	arena_init(&arena);
	error_clear(&err);
	form = arena_alloc(&arena, sizeof(*form));
	type = arena_strndup(&arena, (const char *)data, (size_t)(line - data));
	len = size - (size_t)(line + 1 - data);
	/* of its exact size, so that the sanitizers detect reads past it */
	body = xmalloc(len + (len == 0));
	memcpy(body, line + 1, len);
	if (multipart_parse(&arena, type, body, len, form, &err))
		check(form, body, len);
	else if (error_class(err.code)->status < 400 || error_class(err.code)->status > 499)
		abort();
	free(body);
	arena_clear(&arena);
	return 0;
}
