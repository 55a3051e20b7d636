#include "service/time_cursor.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"

#include "core/banned.h"

const char *
time_cursor_make(struct arena *arena, int64_t us, const char *id)
{
	return arena_printf(arena, "%lld.%s", (long long)us, id);
}

bool
time_cursor_parse(struct arena *arena, const char *cursor, const char **us, const char **id,
    struct error *err)
{
	const char *dot;
	int64_t value;

	*us = *id = NULL;
	if (cursor == NULL)
		return true;
	dot = strchr(cursor, '.');
	if (dot == NULL || !uuid_valid(dot + 1) ||
	    !str_to_int(arena_strndup(arena, cursor, (size_t)(dot - cursor)), 0, INT64_MAX, &value))
		return error_field(err, "cursor", "format", "is not a cursor of this list");
	*us = arena_strndup(arena, cursor, (size_t)(dot - cursor));
	*id = dot + 1;
	return true;
}
