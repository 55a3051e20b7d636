#include "service/catalogue/upload_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/media_types.h"
#include "core/str.h"

#include "core/banned.h"

#define ENDING_MAX 5 /* characters: 'sunset.at the beach' has no ending */

#define ROW(name, aliases, endings) { name, aliases, endings },
static const struct {
	const char *name, *aliases, *endings;
} types[] = { MEDIA_TYPE_TABLE(ROW, ROW) };
#define COUNT (sizeof(types) / sizeof(types[0]))

/* Is the word one of those, which are separated by spaces? */
static bool
among(const char *words, const char *word)
{
	size_t want = strlen(word), len;

	for (; *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len == want && strncasecmp(words, word, len) == 0)
			return true;
	}
	return false;
}

/* The name in the table, or NULL. */
static const char *
usual_name(const char *type)
{
	for (size_t i = 0; i < COUNT; i++)
		if (str_ieq(types[i].name, type) || among(types[i].aliases, type))
			return types[i].name;
	return NULL;
}

/* Behind the last dot; NULL where that is no ending: 'DJI_0001', 'Screenshot 2023.01.05'. */
static const char *
ending_of(const char *filename)
{
	const char *dot = strrchr(filename, '.');
	size_t n = dot != NULL ? strlen(dot + 1) : 0;

	if (n == 0 || n > ENDING_MAX || dot == filename || strspn(dot + 1, "0123456789") == n ||
	    strcspn(dot + 1, " _-()") < n)
		return NULL;
	return dot + 1;
}

static const char *
type_of_ending(const char *filename)
{
	const char *ending = ending_of(filename);

	for (size_t i = 0; i < COUNT && ending != NULL; i++)
		if (among(types[i].endings, ending))
			return types[i].name;
	return NULL;
}

/* Names like image/x-raw and video/vnd.x are made up by programs and say little. */
static bool
is_experimental(const char *type)
{
	const char *slash = strchr(type, '/');

	return slash != NULL &&
	    (str_starts(type, "image/") || str_starts(type, "video/") ||
		str_starts(type, "audio/")) &&
	    (str_starts(slash, "/x-") || str_starts(slash, "/vnd."));
}

const char *
upload_type(struct arena *arena, const char *said, const char *filename)
{
	const char *type = "", *known;

	if (said != NULL)
		type = str_lower(arena,
		    str_trim(arena, arena_strndup(arena, said, strcspn(said, ";"))));
	known = usual_name(type);
	if (known != NULL)
		return known;
	if (*type != '\0' && !str_eq(type, UPLOAD_TYPE_UNKNOWN) && !is_experimental(type))
		return type;
	known = type_of_ending(filename);
	if (known != NULL)
		return known;
	return *type != '\0' ? type : UPLOAD_TYPE_UNKNOWN;
}

bool
upload_type_allowed(struct arena *arena, const struct config *config, const char *type)
{
	const char *p = config_str(config, CFG_UPLOAD_TYPES), *name;
	size_t len;

	for (; *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		name = str_trim(arena, arena_strndup(arena, p, len));
		if (str_ieq(name, type) || str_eq(usual_name(name), type))
			return true;
	}
	return false;
}

bool
upload_type_accepted(struct arena *arena, const struct config *config, const char *type,
    const char *filename)
{
	if (str_eq(type, UPLOAD_TYPE_UNKNOWN) && ending_of(filename) == NULL)
		return true;
	return upload_type_allowed(arena, config, type);
}

bool
upload_type_known(const char *type)
{
	for (size_t i = 0; i < COUNT; i++)
		if (str_eq(types[i].name, type))
			return true;
	return false;
}
