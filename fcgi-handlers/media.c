#include "fcgi-handlers/media.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/media_filter.h"
#include "fcgi-handlers/media_view.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/taken_input.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/gate/admission.h"
#include "service/gate/cache.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_turn.h"

#include "core/banned.h"

static const struct field_rule list_input[] = {
	MEDIA_FILTER_RULES,
	MEDIA_PLACE_RULES,
	{ "status", FIELD_ENUM, .choices = CHOICES(MEDIA_STATUS_LIST) },
	{ "sort", FIELD_ENUM, .choices = CHOICES(MEDIA_SORT_LIST) },
	{ "after", FIELD_UUID, .flags = 0 },
	{ "before", FIELD_UUID, .flags = 0 },
	THUMBNAILS_RULE,
	{ "cursor", FIELD_STRING, .min = 1, .max = MEDIA_CURSOR_MAX },
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule children_input[] = {
	THUMBNAILS_RULE,
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule tag_list_input[] = {
	{ "scope", FIELD_ENUM, .choices = CHOICES(MEDIA_SCOPE_LIST) },
	{ .name = NULL },
};

static const struct field_rule patch_input[] = {
	{ "title", FIELD_STRING, .min = 1, .max = MEDIA_TITLE_MAX },
	{ "overview", FIELD_STRING, .max = MEDIA_OVERVIEW_MAX,
	    .flags = FIELD_NULLABLE | FIELD_TEXT },
	{ "year", FIELD_INT, .min = MEDIA_YEAR_MIN, .max = MEDIA_YEAR_MAX,
	    .flags = FIELD_NULLABLE },
	{ "genres", FIELD_STRINGS, .min = 0, .max = MEDIA_GENRES_MAX, .item_max = MEDIA_TAG_MAX },
	{ "visibility", FIELD_ENUM, .choices = CHOICES(MEDIA_VISIBILITY_LIST) },
	{ "rotation", FIELD_INT, .min = 0, .max = MEDIA_ROTATION_MAX },
	TAKEN_RULES,
	{ .name = NULL },
};

static const struct field_rule delete_input[] = {
	{ "purge", FIELD_BOOL, .flags = 0 },
	{ .name = NULL },
};

static const struct field_rule tags_input[] = {
	{ "tags", FIELD_STRINGS, .min = 0, .max = MEDIA_TAGS_MAX, .item_max = MEDIA_TAG_MAX,
	    .flags = FIELD_REQUIRED },
	{ "people", FIELD_STRINGS, .min = 0, .max = MEDIA_TAGS_MAX, .item_max = MEDIA_TAG_MAX },
	{ .name = NULL },
};

static const struct field_rule shares_input[] = {
	{ "users", FIELD_UUIDS, .min = 0, .max = MEDIA_SHARES_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static const struct field_rule file_input[] = {
	{ "download", FIELD_BOOL, .flags = 0 },
	{ .name = NULL },
};

static bool
answer_item(const struct request *req, struct response *res, int status, const struct media *media,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();

	media_view(req, j, NULL, media, now);
	return response_json_etag(req, res, status, j, media_view_etag(req, media, now), err);
}

static bool
media_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct media found;

	if (!media_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/*
 * A page depends on the query alone; the cache adds the rest. Only first pages are kept: they are
 * requested again and again. Later pages are not, and keeping them would cost a second round trip
 * to Redis. Those of a collection neither: what it holds changes with its people and their items.
 */
static const char *
list_cache_key(const struct request *req)
{
	if (input_has(req->input, "collection") || input_has(req->input, "cursor") ||
	    input_has(req->input, "after") || input_has(req->input, "before"))
		return NULL;
	return arena_printf(req->arena, "media?%s", req->query);
}

static const char *
tags_cache_key(const struct request *req)
{
	return arena_printf(req->arena, "media-tags?%s", req->query);
}

/* GET /api/media: one page of the items that the caller may see. */
static bool
media_list_get(const struct request *req, struct response *res, struct error *err)
{
	const struct input *in = req->input;
	struct media_ask ask = { .list = list_ask_of(in),
		.after = input_str(in, "after"),
		.before = input_str(in, "before") };
	struct media *items;
	struct page page;

	if (!media_filter_take(in, &ask, err))
		return false;
	if (input_has(in, "sort"))
		(void)media_sort_parse(input_str(in, "sort"), &ask.sort);
	if (!media_list(req->call, &ask, &items, &page, err))
		return false;
	return response_json_cached(req, res, media_page_view(req, &ask.list, items, &page), err);
}

/* GET /api/media/{id}/children: one page of the parts of an item. */
static bool
media_children_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct media *items;
	struct page page;

	if (!media_children(req->call, request_param(req, "id"), &ask, &items, &page, err))
		return false;
	return response_json(res, 200, media_page_view(req, &ask, items, &page), err);
}

/* GET /api/media/tags: the tags of the items that the caller may see, most used first. */
static bool
media_tags_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct media_tag *tags;
	size_t n;

	if (!media_tags(req->call, media_scope_parse(input_str(req->input, "scope")), &tags, &n,
		err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_str(j, "tag", tags[i].tag);
		json_put_int(j, "count", tags[i].count);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json_cached(req, res, j, err);
}

/* GET /api/media/{id} */
static bool
media_item_get(const struct request *req, struct response *res, struct error *err)
{
	struct media media;

	return media_open(req->call, request_param(req, "id"), &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

static void
take_patch(const struct request *req, struct media_patch *p)
{
	static const struct {
		const char *name;
		unsigned bit;
	} members[] = { { "title", MEDIA_SET_TITLE }, { "overview", MEDIA_SET_OVERVIEW },
		{ "year", MEDIA_SET_YEAR }, { "genres", MEDIA_SET_GENRES },
		{ "visibility", MEDIA_SET_VISIBILITY }, { "rotation", MEDIA_SET_ROTATION } };
	const struct input *in = req->input;

	*p = (struct media_patch) { .title = input_str(in, "title"),
		.overview = input_str(in, "overview"),
		.visibility = input_str(in, "visibility"),
		.year = input_int(in, "year", 0),
		.rotation = input_int(in, "rotation", 0),
		.ngenres = input_count(in, "genres") };
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (input_has(in, members[i].name) || input_is_null(in, members[i].name))
			p->set |= members[i].bit;
	p->genres = arena_array(req->arena, p->ngenres, sizeof(*p->genres));
	for (size_t i = 0; i < p->ngenres; i++)
		p->genres[i] = input_str_at(in, "genres", i);
}

/* PATCH /api/media/{id} */
static bool
media_item_patch(const struct request *req, struct response *res, struct error *err)
{
	struct media_patch patch;
	struct media media;
	int64_t version;

	take_patch(req, &patch);
	if (!taken_input(req->input, &patch, err))
		return false;
	if (patch.set == 0)
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name at least one member to change.");
	return request_expects(req, media_version, request_param(req, "id"), &version, err) &&
	    media_change(req->call, request_param(req, "id"), version, &patch, &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

/* DELETE /api/media/{id}: moves the item to the trash; ?purge=true removes it permanently. */
static bool
media_item_delete(const struct request *req, struct response *res, struct error *err)
{
	return media_delete(req->call, request_param(req, "id"),
		   input_bool(req->input, "purge", false), err) &&
	    response_empty(res, 204);
}

/* POST /api/media/{id}/trash */
static bool
media_trash_post(const struct request *req, struct response *res, struct error *err)
{
	struct media media;

	return media_trash(req->call, request_param(req, "id"), &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

/* POST /api/media/{id}/restore */
static bool
media_restore_post(const struct request *req, struct response *res, struct error *err)
{
	struct media media;

	return media_restore(req->call, request_param(req, "id"), &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

/* POST /api/media/{id}/reprocess */
static bool
media_reprocess_post(const struct request *req, struct response *res, struct error *err)
{
	struct media media;

	return media_reprocess(req->call, request_param(req, "id"), &media, err) &&
	    answer_item(req, res, 202, &media, err);
}

/* GET /api/media/{id}/timeline */
static bool
media_timeline_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct media_timeline timeline;

	if (!media_timeline(req->call, request_param(req, "id"), &timeline, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < timeline.n; i++) {
		const struct media_event *e = &timeline.events[i];

		json_object(j, NULL);
		json_put_time(j, "at", e->at);
		json_put_str(j, "step", e->step);
		json_put_str(j, "state", e->state);
		json_opt_str(j, "message", e->message);
		json_put_int(j, "attempt", e->attempt);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static struct strings
texts(const struct request *req, const char *name)
{
	size_t n = input_count(req->input, name);
	const char **items = arena_array(req->arena, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = input_str_at(req->input, name, i);
	return (struct strings) { items, n };
}

/* PUT /api/media/{id}/tags */
static bool
media_tags_put(const struct request *req, struct response *res, struct error *err)
{
	const struct strings people = texts(req, "people");
	const struct media_tags_wish wish = { texts(req, "tags"),
		input_has(req->input, "people") ? &people : NULL };
	struct media media;
	int64_t version;

	return request_expects(req, media_version, request_param(req, "id"), &version, err) &&
	    media_set_tags(req->call, request_param(req, "id"), version, &wish, &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

/* PUT /api/media/{id}/shares */
static bool
media_shares_put(const struct request *req, struct response *res, struct error *err)
{
	size_t n = input_count(req->input, "users");
	const char **users = arena_array(req->arena, n, sizeof(*users));
	struct media media;

	for (size_t i = 0; i < n; i++)
		users[i] = input_str_at(req->input, "users", i);
	return media_set_shares(req->call, request_param(req, "id"), (struct strings) { users, n },
		   &media, err) &&
	    answer_item(req, res, 200, &media, err);
}

/* One of the objects that belong to an item. */
struct media_part {
	const char *name; /* for people */
	const char *url;  /* NULL: the item has none */
	int64_t now;      /* when the URL was signed */
};

static bool
redirect(const struct request *req, struct response *res, const struct media *media,
    const struct media_part *part, struct error *err)
{
	const char *url = part->url;

	if (url == NULL &&
	    (str_eq(media->status, "pending") || str_eq(media->status, "processing")))
		return error_slug(err, ERR_NOT_FOUND, "not_ready",
		    "This item is still being processed. Try again when it is ready.");
	if (url == NULL)
		return error_set(err, ERR_NOT_FOUND, "This item has no %s.", part->name);
	/* Not kept: the answer to HEAD would be taken for that to GET. */
	if (req->head)
		return response_redirect(res, 302, media_head_url(req->call, url, part->now),
		    "no-store");
	return response_redirect(res, 302, url,
	    arena_printf(req->arena, "private, max-age=%d", media_url_max_age(part->now)));
}

/* GET /api/media/{id}/file */
static bool
media_file_get(const struct request *req, struct response *res, struct error *err)
{
	struct media_part file = { .name = "file", .now = clock_now() };
	struct media media;

	if (!media_get(req->call, request_param(req, "id"), &media, err))
		return false;
	file.url =
	    media_file_url(req->call, &media, input_bool(req->input, "download", false), file.now);
	return redirect(req, res, &media, &file, err);
}

static bool
redirect_asset(const struct request *req, struct response *res, const char *name, const char *asset,
    struct error *err)
{
	struct media_part part = { .name = name, .now = clock_now() };
	struct media media;

	if (!media_get(req->call, request_param(req, "id"), &media, err))
		return false;
	part.url = media_asset_url(req->call, &media, asset, part.now);
	return redirect(req, res, &media, &part, err);
}

/* GET /api/media/{id}/preview: a few seconds of a video. */
static bool
media_preview_get(const struct request *req, struct response *res, struct error *err)
{
	return redirect_asset(req, res, "preview", "preview.mp4", err);
}

/* GET /api/media/{id}/motion: the clip of a motion photo or a live photo. */
static bool
media_motion_get(const struct request *req, struct response *res, struct error *err)
{
	struct media_part clip = { .name = "clip", .now = clock_now() };
	struct media media;

	if (!media_get(req->call, request_param(req, "id"), &media, err))
		return false;
	clip.url = media_motion_url(req->call, &media, clip.now);
	return redirect(req, res, &media, &clip, err);
}

/* GET /api/media/{id}/sprite: the tiles of a video's timeline. */
static bool
media_sprite_get(const struct request *req, struct response *res, struct error *err)
{
	return redirect_asset(req, res, "sprite", "sprite.webp", err);
}

/* GET /api/media/{id}/thumbnail/{size} */
static bool
media_thumbnail_get(const struct request *req, struct response *res, struct error *err)
{
	struct media_part thumbnail = { .name = "thumbnail", .now = clock_now() };
	int64_t width = 0;
	struct media media;

	(void)str_to_int(request_param(req, "size"), 1, INT32_MAX, &width);
	if (!media_get(req->call, request_param(req, "id"), &media, err))
		return false;
	thumbnail.url = media_thumbnail_url(req->call, &media, (int)width, thumbnail.now);
	return redirect(req, res, &media, &thumbnail, err);
}

/* The service decides who may change a readable item, so most routes ask for media.read only. */
static const struct route media_routes[] = {
	{ METHOD_GET, "/api/media", media_list_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, list_input, list_cache_key },
	{ METHOD_GET, "/api/media/months", media_months_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, media_months_input, media_months_cache_key },
	{ METHOD_GET, "/api/media/ids", media_ids_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, media_ids_input },
	{ METHOD_GET, "/api/media/tags", media_tags_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, tag_list_input, tags_cache_key },
	{ METHOD_GET, "/api/media/{id}", media_item_get, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/media/{id}", media_item_patch, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, patch_input },
	{ METHOD_DELETE, "/api/media/{id}", media_item_delete, AUTH_BEARER, PERM_MEDIA_DELETE,
	    RATE_MEDIA, BODY_NONE, delete_input },
	{ METHOD_POST, "/api/media/{id}/trash", media_trash_post, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, NULL },
	{ METHOD_POST, "/api/media/{id}/restore", media_restore_post, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, NULL },
	{ METHOD_POST, "/api/media/{id}/reprocess", media_reprocess_post, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_JSON, NULL },
	{ METHOD_GET, "/api/media/{id}/children", media_children_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, children_input },
	{ METHOD_GET, "/api/media/{id}/timeline", media_timeline_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_PUT, "/api/media/{id}/tags", media_tags_put, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, tags_input },
	{ METHOD_PUT, "/api/media/{id}/shares", media_shares_put, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, shares_input },
	{ METHOD_GET, "/api/media/{id}/file", media_file_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, file_input },
	{ METHOD_GET, "/api/media/{id}/preview", media_preview_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/{id}/motion", media_motion_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/{id}/sprite", media_sprite_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/{id}/thumbnail/{size}", media_thumbnail_get, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_NONE, NULL },
	{ .path = NULL },
};

static const struct field_rule media_params[] = {
	{ "size", FIELD_ENUM, .choices = CHOICES(MEDIA_THUMBNAIL_LIST) },
	{ .name = NULL },
};

const struct route_module media_module = { "media", media_routes, media_params };
