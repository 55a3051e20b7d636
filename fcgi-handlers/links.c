/* /api/media/links: public links of their owners, and, under open/, for their visitors. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_playback.h"
#include "fcgi-handlers/media_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/link_visit.h"
#include "service/catalogue/links.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_turn.h"
#include "service/catalogue/playback.h"

#include "core/banned.h"

static const struct field_rule list_input[] = {
	{ "mediaId", FIELD_UUID },
	{ "collectionId", FIELD_UUID },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

#define WISH_RULES \
	{ "title", FIELD_STRING, .min = 1, .max = LINK_TITLE_MAX, .flags = FIELD_NULLABLE }, \
	    { "expiresAt", FIELD_TIME, .flags = FIELD_NULLABLE }, \
	    { "password", FIELD_STRING, .min = PASSWORD_MIN, .max = PASSWORD_MAX, \
		    .flags = FIELD_NULLABLE | FIELD_SECRET }, \
	{ \
		"download", FIELD_BOOL \
	}

static const struct field_rule create_input[] = {
	{ "mediaId", FIELD_UUID },
	{ "collectionId", FIELD_UUID },
	{ "ids", FIELD_UUIDS, .min = 1, .max = LINK_ITEMS_MAX },
	WISH_RULES,
	{ .name = NULL },
};

static const struct field_rule patch_input[] = {
	WISH_RULES,
	{ .name = NULL },
};

#define TICKET_RULE { "ticket", FIELD_STRING, .min = 1, .max = LINK_TICKET_MAX }

static const struct field_rule open_input[] = {
	TICKET_RULE,
	THUMBNAILS_RULE,
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule item_input[] = {
	TICKET_RULE,
	{ .name = NULL },
};

static const struct field_rule play_input[] = {
	TICKET_RULE,
	{ "original", FIELD_BOOL },
	{ .name = NULL },
};

static const struct field_rule unlock_input[] = {
	{ "password", FIELD_STRING, .min = 1, .max = PASSWORD_MAX,
	    .flags = FIELD_REQUIRED | FIELD_SECRET },
	{ .name = NULL },
};

static const char *
etag_of(const struct request *req, const struct link *link)
{
	return arena_printf(req->arena, "%lld", (long long)link->version);
}

static void
target_view(struct json *j, const struct link *link)
{
	json_object(j, "target");
	json_opt_str(j, "mediaId", link->media_id);
	json_opt_str(j, "collectionId", link->collection_id);
	if (str_eq(link->kind, LINK_SELECTION) && link->media_ids.n > 0)
		json_put_strs(j, "ids", link->media_ids.items, link->media_ids.n);
	json_object_end(j);
}

static void
link_members(const struct request *req, struct json *j, const struct link *link)
{
	json_put_str(j, "id", link->id);
	json_put_str(j, "kind", link->kind);
	target_view(j, link);
	json_put_str(j, "title", link->shown_title);
	json_put_int(j, "count", link->count);
	json_put_bool(j, "passwordSet", link->password_hash != NULL);
	json_put_bool(j, "download", link->download);
	json_put_time(j, "expiresAt", link->expires_at);
	json_put_int(j, "views", link->views);
	json_put_time(j, "lastViewAt", link->last_viewed_at);
	json_put_time(j, "createdAt", link->created_at);
	json_put_time(j, "updatedAt", link->updated_at);
	json_put_str(j, "etag", etag_of(req, link));
}

/* Count and views follow other rows than the link's: its ETag is for If-Match alone. */
static bool
answer(const struct request *req, struct response *res, int status, const struct link *link,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	link_members(req, j, link);
	json_opt_str(j, "url", link_url(req->call, link));
	json_object_end(j);
	response_headerf(res, "ETag", "\"%s\"", etag_of(req, link));
	return response_json(res, status, j, err);
}

/* GET /api/media/links: the caller's. */
static bool
links_get(const struct request *req, struct response *res, struct error *err)
{
	const struct links_ask ask = { .list = list_ask_of(req->input),
		.media_id = input_str(req->input, "mediaId"),
		.collection_id = input_str(req->input, "collectionId") };
	struct json *j = json_new(req->arena, 0);
	struct link *items;
	struct page page;

	if (!links_list(req->call, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		link_members(req, j, &items[i]);
		json_object_end(j);
	}
	list_close(j, &ask.list, &page);
	json_put_bool(j, "enabled", links_enabled(req->call));
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* download: where the wish's is kept. */
static struct link_wish
wish_of(const struct request *req, bool *download)
{
	const struct input *in = req->input;
	struct link_wish w = { .title = input_str(in, "title"),
		.password = input_str(in, "password"),
		.expires_at = input_time(in, "expiresAt") };

	w.set_title = w.title != NULL || input_is_null(in, "title");
	w.set_password = w.password != NULL || input_is_null(in, "password");
	w.set_expires = w.expires_at != 0 || input_is_null(in, "expiresAt");
	*download = input_bool(in, "download", false);
	w.download = input_has(in, "download") ? download : NULL;
	return w;
}

/* POST /api/media/links */
static bool
links_post(const struct request *req, struct response *res, struct error *err)
{
	size_t n = input_count(req->input, "ids");
	const char **ids = arena_array(req->arena, n + 1, sizeof(*ids));
	bool download;
	struct link_wish w = wish_of(req, &download);
	struct link link;

	for (size_t i = 0; i < n; i++)
		ids[i] = input_str_at(req->input, "ids", i);
	w.ids = (struct strings) { ids, n };
	w.media_id = input_str(req->input, "mediaId");
	w.collection_id = input_str(req->input, "collectionId");
	return link_create(req->call, &w, &link, err) && answer(req, res, 201, &link, err);
}

/* GET /api/media/links/{id} */
static bool
link_id_get(const struct request *req, struct response *res, struct error *err)
{
	struct link link;

	return link_get(req->call, request_param(req, "id"), &link, err) &&
	    answer(req, res, 200, &link, err);
}

static bool
link_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct link found;

	if (!link_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/* PATCH /api/media/links/{id} */
static bool
link_id_patch(const struct request *req, struct response *res, struct error *err)
{
	bool download;
	const struct link_wish w = wish_of(req, &download);
	struct link link;
	int64_t version;

	if (!w.set_title && !w.set_password && !w.set_expires && w.download == NULL)
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name at least one member to change.");
	return request_expects(req, link_version, request_param(req, "id"), &version, err) &&
	    link_change(req->call, request_param(req, "id"), version, &w, &link, err) &&
	    answer(req, res, 200, &link, err);
}

/* DELETE /api/media/links/{id} */
static bool
link_id_delete(const struct request *req, struct response *res, struct error *err)
{
	return link_delete(req->call, request_param(req, "id"), err) && response_empty(res, 204);
}

/* What a visitor is told of an item, and nothing else. */
static void
visit_members(const struct request *req, struct json *j, const struct media *m, int64_t now)
{
	char local[TIME_LOCAL_MAX];

	json_put_str(j, "id", m->id);
	json_put_str(j, "kind", m->kind);
	json_put_str(j, "title", m->title);
	if (m->width > 0)
		json_put_int(j, "width", m->width);
	if (m->height > 0)
		json_put_int(j, "height", m->height);
	if (m->duration_ms > 0)
		json_put_int(j, "durationMs", m->duration_ms);
	if (m->incomplete)
		json_put_bool(j, "incomplete", true);
	if (m->rotation != 0)
		json_put_int(j, "rotation", m->rotation);
	if (media_turn_left(m) != 0)
		json_put_int(j, "turnBy", media_turn_left(m));
	if (m->taken_local != 0) {
		time_local(m->taken_local, local);
		json_put_str(j, "takenAtLocal", local);
	}
	json_opt_str(j, "thumbhash", m->thumbhash);
	media_pictures_view(req, j, m, now);
	json_opt_str(j, "playback", playback_word(req->call, m));
	json_opt_str(j, "contentType", m->content_type);
	if (m->object_key != NULL && m->size >= 0)
		json_put_int(j, "size", m->size);
}

static void
not_indexed(struct response *res)
{
	response_header(res, "X-Robots-Tag", "noindex");
}

static struct link_knock
knock_of(const struct request *req)
{
	return (struct link_knock) { .token = request_param(req, "token"),
		.ticket = input_str(req->input, "ticket") };
}

/* GET /api/media/links/open/{token}: what it is, and a page of its items. */
static bool
open_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct link_knock knock = knock_of(req);
	bool first = ask.cursor == NULL;
	int64_t now = clock_now();
	struct link_visit visit;
	struct media *items;
	struct page page;

	knock.counted = first;
	if (!link_visit(req->call, &knock, &visit, err) ||
	    !link_items(req->call, &visit, &ask, &items, &page, err))
		return false;
	if (first && !req->head)
		link_viewed(req->call, &visit.link);
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		visit_members(req, j, &items[i], now);
		json_object_end(j);
	}
	list_close(j, &ask, &page);
	json_put_str(j, "title", visit.link.shown_title);
	json_put_str(j, "kind", visit.link.kind);
	if (first)
		json_put_int(j, "count", visit.link.count);
	json_put_bool(j, "download", visit.link.download);
	json_object_end(j);
	not_indexed(res);
	return response_json(res, 200, j, err);
}

/* POST /api/media/links/open/{token}: unlocks it with its password. */
static bool
open_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	const char *ticket;
	int64_t expires_at;

	if (!link_unlock(req->call, request_param(req, "token"), input_str(req->input, "password"),
		&ticket, &expires_at, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "ticket", ticket);
	json_put_time(j, "expiresAt", expires_at);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/media/links/open/{token}/items/{id}: with the original, if the link allows it. */
static bool
open_item_get(const struct request *req, struct response *res, struct error *err)
{
	const struct link_knock knock = knock_of(req);
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct link_visit visit;
	struct media media;

	if (!link_visit(req->call, &knock, &visit, err) ||
	    !link_item(req->call, &visit, request_param(req, "id"), &media, err))
		return false;
	json_object(j, NULL);
	visit_members(req, j, &media, now);
	json_opt_str(j, "fileUrl", media_file_url(req->call, &media, false, now));
	json_opt_str(j, "downloadUrl", media_file_url(req->call, &media, true, now));
	json_object_end(j);
	not_indexed(res);
	return response_json(res, 200, j, err);
}

static bool
visit_item(const struct request *req, struct link_visit *visit, struct media *media,
    struct error *err)
{
	const struct link_knock knock = knock_of(req);

	return link_visit(req->call, &knock, visit, err) &&
	    link_item(req->call, visit, request_param(req, "id"), media, err);
}

/* GET /api/media/links/open/{token}/items/{id}/playback: what a visitor can play. */
static bool
open_playback_get(const struct request *req, struct response *res, struct error *err)
{
	struct link_visit visit;
	struct playback p;
	struct media media;

	not_indexed(res);
	return visit_item(req, &visit, &media, err) &&
	    playback_visit_get(req->call, &media, !input_bool(req->input, "original", true), &p,
		err) &&
	    media_playback_answer(req, res, 200, &p, err);
}

/* POST /api/media/links/open/{token}/items/{id}/playback: the same, or 202 while it is made. */
static bool
open_playback_post(const struct request *req, struct response *res, struct error *err)
{
	struct link_visit visit;
	struct playback p;
	struct media media;

	not_indexed(res);
	return visit_item(req, &visit, &media, err) &&
	    playback_visit_ask(req->call, &media, visit.link.owner_id,
		!input_bool(req->input, "original", true), &p, err) &&
	    media_playback_answer(req, res, p.url != NULL ? 200 : 202, &p, err);
}

static const struct route link_routes[] = {
	{ METHOD_GET, "/api/media/links", links_get, AUTH_BEARER, LINK_PERMISSION, RATE_MEDIA,
	    BODY_NONE, list_input },
	{ METHOD_POST, "/api/media/links", links_post, AUTH_BEARER, LINK_PERMISSION, RATE_MEDIA,
	    BODY_JSON, create_input },
	{ METHOD_GET, "/api/media/links/{id}", link_id_get, AUTH_BEARER, LINK_PERMISSION,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/media/links/{id}", link_id_patch, AUTH_BEARER, LINK_PERMISSION,
	    RATE_MEDIA, BODY_JSON, patch_input },
	{ METHOD_DELETE, "/api/media/links/{id}", link_id_delete, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/links/open/{token}", open_get, AUTH_LINK, PUBLIC, RATE_LINK,
	    BODY_NONE, open_input },
	{ METHOD_POST, "/api/media/links/open/{token}", open_post, AUTH_LINK, PUBLIC, RATE_LINK,
	    BODY_JSON, unlock_input },
	{ METHOD_GET, "/api/media/links/open/{token}/items/{id}", open_item_get, AUTH_LINK, PUBLIC,
	    RATE_LINK, BODY_NONE, item_input },
	{ METHOD_GET, "/api/media/links/open/{token}/items/{id}/playback", open_playback_get,
	    AUTH_LINK, PUBLIC, RATE_LINK, BODY_NONE, play_input },
	{ METHOD_POST, "/api/media/links/open/{token}/items/{id}/playback", open_playback_post,
	    AUTH_LINK, PUBLIC, RATE_LINK, BODY_JSON, play_input },
	{ .path = NULL },
};

static const struct field_rule link_params[] = {
	{ "token", FIELD_STRING, .min = 1, .max = LINK_TOKEN_TEXT },
	{ .name = NULL },
};

const struct route_module links_module = { "links", link_routes, link_params };
