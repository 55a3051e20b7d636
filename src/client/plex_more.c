/* Pictures and the search of Plex Media Server: see media_server.h. */
#include <cjson/cJSON.h>
#include <string.h>

#include "client/plex_internal.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

#define PATH_MAX_LEN 1000 /* bytes of a picture's path */
#define HUB_ITEMS 10      /* hits of each kind */

/* Some agents name a picture on another server: the token must not go there. */
static bool
path_good(const char *path)
{
	size_t len = strlen(path);

	return path[0] == '/' && path[1] != '/' && len <= PATH_MAX_LEN &&
	    strcspn(path, " \t\r\n\\#") == len;
}

enum answer_kind
plex_poster(struct arena *arena, const struct media_server *server, const char *path,
    struct server_picture *picture, struct error *err)
{
	struct http_out out = { .timeout_ms = MEDIA_SERVER_PICTURE_MS,
		.answer_max = MEDIA_SERVER_PICTURE_MAX };
	struct http_answer got;
	enum answer_kind kind;

	if (!path_good(path))
		return ANSWER_ABSENT;
	kind = plex_get(arena, server, path, &out, &got, err);
	if (kind != ANSWER_PRESENT)
		return kind;
	if (got.len == 0)
		return plex_unknown(err, path, "an empty picture");
	*picture = (struct server_picture) { got.body, got.len };
	return ANSWER_PRESENT;
}

void
plex_search(struct arena *arena, const struct media_server *server, const char *text,
    struct http_out *out)
{
	struct buf path;

	buf_init(&path, arena, 0);
	buf_adds(&path, "/hubs/search?query=");
	url_encode(&path, text, strlen(text), false);
	buf_addf(&path, "&limit=%d&includeCollections=0", HUB_ITEMS);
	plex_prepare(arena, server, path.data, out);
	out->answer_max = MEDIA_SERVER_ANSWER_MAX;
	out->purpose = "search";
}

static void
hit_add(struct arena *arena, const struct cJSON *item, struct server_hit *hits, size_t *n)
{
	const char *key = plex_key(arena, item, "ratingKey"),
		   *section = plex_key(arena, item, "librarySectionID");

	/* Collections and playlists are no items. */
	if (plex_key_good(key) && plex_kind_known(json_str(item, "type", "")) &&
	    *n < MEDIA_SERVER_HITS_MAX)
		hits[(*n)++] = (struct server_hit) { key, plex_key_good(section) ? section : NULL };
}

/*
 * Each hub has the hits of one kind, the best first: the first ones of all hubs come first, then
 * the second ones.
 */
enum answer_kind
plex_search_read(struct arena *arena, const struct http_answer *got, struct server_hit **hits,
    size_t *n, struct error *err)
{
	/* What people search for does not get into the log. */
	static const char path[] = "/hubs/search";
	const struct cJSON *container, *hub;

	*n = 0;
	if (got->status / 100 != 2) {
		if (plex_refused(got->status, path, err) == ANSWER_ABSENT)
			return plex_unknown(err, path, "not found");
		return ANSWER_UNKNOWN;
	}
	container = plex_container(arena, got->body, got->len);
	if (container == NULL)
		return plex_unknown(err, path, "an answer without MediaContainer");
	*hits = arena_array(arena, MEDIA_SERVER_HITS_MAX, sizeof(**hits));
	for (int place = 0; place < HUB_ITEMS; place++)
		cJSON_ArrayForEach (hub, json_get(container, "Hub"))
			hit_add(arena, cJSON_GetArrayItem(json_get(hub, "Metadata"), place), *hits,
			    n);
	return ANSWER_PRESENT;
}
