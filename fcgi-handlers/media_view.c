#include "fcgi-handlers/media_view.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_turn.h"
#include "service/catalogue/places.h"
#include "service/catalogue/playback.h"

#include "core/banned.h"

#define POSTER_WIDTH 1280

static void
opt_int(struct json *j, const char *key, int64_t value)
{
	if (value > 0)
		json_put_int(j, key, value);
}

void
media_thumbnails_view(const struct request *req, struct json *j, const struct media *m, int64_t now)
{
	static const struct {
		const char *key, *asset;
	} thumbnails[] = { { "320", "320.webp" }, { "640", "640.webp" }, { "1280", "1280.webp" } };
	const char *asked = input_str(req->input, "thumbnails");

	json_object(j, "thumbnails");
	for (size_t i = 0; i < sizeof(thumbnails) / sizeof(thumbnails[0]); i++)
		if (asked == NULL || strstr(asked, thumbnails[i].key) != NULL)
			json_opt_str(j, thumbnails[i].key,
			    media_asset_url(req->call, m, thumbnails[i].asset, now));
	json_object_end(j);
}

void
media_pictures_view(const struct request *req, struct json *j, const struct media *m, int64_t now)
{
	static const struct {
		const char *key, *asset;
	} urls[] = { { "posterUrl", "poster.webp" }, { "posterUrl", "cover.webp" },
		{ "previewUrl", "preview.mp4" }, { "spriteUrl", "sprite.webp" } };

	media_thumbnails_view(req, j, m, now);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		json_opt_str(j, urls[i].key, media_asset_url(req->call, m, urls[i].asset, now));
	/* The pictures of a title are its poster. */
	if (!str_eq(m->source, MEDIA_SOURCE_UPLOAD))
		json_opt_str(j, "posterUrl", media_thumbnail_url(req->call, m, POSTER_WIDTH, now));
	if (m->nsprite_times > 0) {
		json_array(j, "spriteTimes");
		for (size_t i = 0; i < m->nsprite_times; i++)
			json_put_raw(j, NULL, m->sprite_times[i]);
		json_array_end(j);
	}
}

static void
parent(struct json *j, const struct media *m)
{
	json_opt_str(j, "parentId", m->parent_id);
	json_opt_str(j, "parentTitle", m->parent_title);
	if (m->position >= 0)
		json_put_int(j, "position", m->position);
	if (m->disc >= 0)
		json_put_int(j, "disc", m->disc);
}

/* All of it or nothing; an offset that nobody knows is null. */
static void
taken(struct json *j, const struct media *m)
{
	char local[TIME_LOCAL_MAX];

	if (m->taken_at == 0)
		return;
	json_put_time(j, "takenAt", m->taken_at);
	time_local(m->taken_local, local);
	json_put_str(j, "takenAtLocal", local);
	if (m->taken_offset == TAKEN_OFFSET_NONE)
		json_put_null(j, "takenAtOffset");
	else
		json_put_int(j, "takenAtOffset", m->taken_offset);
	json_opt_str(j, "takenAtSource", m->taken_source);
}

void
media_place_members(struct json *j, int64_t id, const char *name, const char *region,
    const char *country)
{
	json_put_int(j, "id", id);
	json_put_str(j, "name", name);
	json_opt_str(j, "region", region);
	json_put_str(j, "country", country);
}

/* Members that single items have and lists leave out. */
static void
details(const struct request *req, struct json *j, const struct media *m)
{
	if (m->metadata == NULL)
		return;
	json_put_raw(j, "metadata", m->metadata);
	json_put_int(j, "childCount", m->child_count);
	if (m->place_name != NULL && places_on(req->call)) {
		json_object(j, "place");
		media_place_members(j, m->place_id, m->place_name, m->place_region,
		    m->place_country);
		json_object_end(j);
	}
	if (m->shared_with != NULL)
		json_put_strs(j, "sharedWith", m->shared_with, m->nshared_with);
	if (m->trashed_at != 0)
		json_put_time(j, "trashedAt", m->trashed_at);
}

void
media_members(const struct request *req, struct json *j, const struct media *m, int64_t now)
{
	json_put_str(j, "id", m->id);
	json_put_str(j, "source", m->source);
	json_put_str(j, "kind", m->kind);
	json_put_str(j, "title", m->title);
	json_opt_str(j, "originalTitle", m->original_title);
	json_put_str(j, "status", m->status);
	json_put_str(j, "visibility", m->visibility);
	json_put_str(j, "ownerId", m->owner_id);
	json_opt_str(j, "ownerName", m->owner_name);
	json_opt_str(j, "filename", m->filename);
	json_opt_str(j, "contentType", m->content_type);
	if (m->size >= 0)
		json_put_int(j, "size", m->size);
	json_opt_str(j, "sha256", m->sha256);
	opt_int(j, "width", m->width);
	opt_int(j, "height", m->height);
	opt_int(j, "durationMs", m->duration_ms);
	opt_int(j, "rotation", m->rotation);
	opt_int(j, "turnBy", media_turn_left(m));
	if (m->incomplete)
		json_put_bool(j, "incomplete", true);
	if (media_has_motion(m))
		json_put_bool(j, "motion", true);
	json_opt_str(j, "playback", playback_word(req->call, m));
	taken(j, m);
	opt_int(j, "year", m->year);
	json_opt_str(j, "overview", m->overview);
	json_put_strs(j, "genres", m->genres, m->ngenres);
	json_put_strs(j, "tags", m->tags, m->ntags);
	if (m->npeople > 0)
		json_put_strs(j, "people", m->people, m->npeople);
	json_put_raw(j, "externalIds", m->external_ids);
	json_opt_str(j, "thumbhash", m->thumbhash != NULL ? m->thumbhash : m->parent_thumbhash);
	parent(j, m);
	/* what a media server has stays as long as it is there */
	if (m->trashed_at != 0 && str_eq(m->source, MEDIA_SOURCE_UPLOAD))
		json_put_time(j, "purgeAt", media_purge_at(req->config, m));
	media_pictures_view(req, j, m, now);
	if (m->favorite)
		json_put_bool(j, "favorite", true);
	if (m->archived)
		json_put_bool(j, "archived", true);
	details(req, j, m);
	if (m->failure_code != NULL) {
		json_object(j, "failure");
		json_put_str(j, "code", m->failure_code);
		json_put_str(j, "message", m->failure_message != NULL ? m->failure_message : "");
		json_object_end(j);
	}
	json_put_time(j, "createdAt", m->created_at);
	json_put_time(j, "updatedAt", m->updated_at);
	json_put_str(j, "etag", media_view_etag(req, m, now));
}

const char *
media_view_etag(const struct request *req, const struct media *m, int64_t now)
{
	const char *etag = media_etag(req->arena, m, now);

	return places_on(req->call) ? etag : arena_printf(req->arena, "%s-x", etag);
}

void
media_view(const struct request *req, struct json *j, const char *key, const struct media *m,
    int64_t now)
{
	json_object(j, key);
	media_members(req, j, m, now);
	json_object_end(j);
}

struct json *
media_page_view(const struct request *req, const struct list_ask *ask, const struct media *items,
    const struct page *page)
{
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();

	list_open(j);
	for (size_t i = 0; i < page->n; i++)
		media_view(req, j, NULL, &items[i], now);
	list_close(j, ask, page);
	json_object_end(j);
	return j;
}
