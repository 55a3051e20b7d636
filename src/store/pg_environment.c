#include "store/pg_environment.h"

#include <string.h>

#include <libpq-fe.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define DEFAULT_DATABASE "medianest"

const char *const *
pg_environment(struct arena *arena, const char *conninfo)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	const char **out;
	size_t n = 0;

	for (const PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		n++;
	out = arena_array(arena, n + 1, sizeof(*out));
	n = 0;
	for (const PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		if (o->val != NULL && o->envvar != NULL)
			out[n++] = arena_printf(arena, "%s=%s", o->envvar, o->val);
	PQconninfoFree(parsed);
	return out;
}

const char *
pg_database_name(struct arena *arena, const char *conninfo)
{
	PQconninfoOption *parsed = PQconninfoParse(conninfo, NULL);
	const char *name = DEFAULT_DATABASE;

	for (const PQconninfoOption *o = parsed; o != NULL && o->keyword != NULL; o++)
		if (str_eq(o->keyword, "dbname") && o->val != NULL)
			name = arena_strdup(arena, o->val);
	PQconninfoFree(parsed);
	return name;
}
