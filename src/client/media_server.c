#include "client/media_server.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

#define ID_MAX 32 /* bytes */

static const struct media_server_kind *const kinds[] = { &media_server_plex };

const struct media_server_kind *
media_server_kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_eq(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

/* Whose ids a scheme has. Hama puts the source before the id: hama://tvdb-81797-1-2. */
static const struct scheme {
	const char *name;
	char whose; /* i, m (TMDB), v (TVDB), h (Hama) */
} schemes[] = {
	{ "imdb", 'i' },
	{ "tmdb", 'm' },
	{ "tvdb", 'v' },
	{ "com.plexapp.agents.imdb", 'i' },
	{ "com.plexapp.agents.themoviedb", 'm' },
	{ "com.plexapp.agents.thetvdb", 'v' },
	{ "com.plexapp.agents.hama", 'h' },
};

/* The characters of an id from here on: digits, for IMDb after "tt". */
static const char *
id_at(struct arena *arena, const char *text, char whose)
{
	size_t start = whose == 'i' ? 2 : 0, len = start;

	if (whose == 'i' && !str_starts(text, "tt"))
		return NULL;
	while (isdigit((unsigned char)text[len]))
		len++;
	if (len == start || len > ID_MAX)
		return NULL;
	return arena_strndup(arena, text, len);
}

static void
keep(struct arena *arena, const char *text, char whose, struct server_item *item)
{
	const char **to = whose == 'i' ? &item->imdb : whose == 'm' ? &item->tmdb : &item->tvdb;

	if (*to == NULL)
		*to = id_at(arena, text, whose);
}

void
server_guid_read(struct arena *arena, const char *guid, struct server_item *item)
{
	const char *colon = guid == NULL ? NULL : strstr(guid, "://"), *id;
	size_t len;

	if (colon == NULL)
		return;
	len = (size_t)(colon - guid);
	id = colon + strlen("://");
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strlen(schemes[i].name) != len || strncmp(guid, schemes[i].name, len) != 0)
			continue;
		if (schemes[i].whose != 'h')
			keep(arena, id, schemes[i].whose, item);
		else if (str_starts(id, "tvdb-"))
			keep(arena, id + strlen("tvdb-"), 'v', item);
		else if (str_starts(id, "imdb-"))
			keep(arena, id + strlen("imdb-"), 'i', item);
	}
}
