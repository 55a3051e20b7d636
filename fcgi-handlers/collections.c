#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/collections.h"
#include "service/catalogue/upload.h"

#include "core/banned.h"

#define DAY_LENGTH 10 /* "2024-07-01" */

static const struct field_rule rule_input[] = {
	{ "tags", FIELD_STRINGS, .max = COLLECTION_TAGS_MAX, .item_max = MEDIA_TAG_MAX },
	{ "kinds", FIELD_STRINGS, .max = COLLECTION_TAGS_MAX, .item_max = MEDIA_TAG_MAX,
	    .choices = CHOICES(MEDIA_KIND_LIST) },
	{ "takenFrom", FIELD_STRING, .min = DAY_LENGTH, .max = DAY_LENGTH },
	{ "takenTo", FIELD_STRING, .min = DAY_LENGTH, .max = DAY_LENGTH },
	{ "favorite", FIELD_BOOL },
	{ "people", FIELD_STRINGS, .max = COLLECTION_TAGS_MAX, .item_max = MEDIA_TAG_MAX },
	{ .name = NULL },
};

static const struct field_rule person_input[] = {
	{ "userId", FIELD_UUID, .flags = FIELD_REQUIRED },
	{ "may", FIELD_ENUM, .choices = CHOICES(COLLECTION_MAY_LIST), .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static const struct field_rule list_input[] = {
	{ "scope", FIELD_ENUM, .choices = "own|shared" },
	{ "mediaId", FIELD_UUID },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule create_input[] = {
	{ "title", FIELD_STRING, .min = 1, .max = COLLECTION_TITLE_MAX, .flags = FIELD_REQUIRED },
	{ "kind", FIELD_ENUM, .choices = CHOICES(COLLECTION_KIND_LIST) },
	{ "sort", FIELD_ENUM, .choices = CHOICES(COLLECTION_SORT_LIST) },
	{ "rule", FIELD_OBJECT, .fields = rule_input },
	{ "items", FIELD_UUIDS, .max = COLLECTION_STEP_MAX },
	{ "folder", FIELD_STRING, .min = 1, .max = UPLOAD_PATH_MAX },
	{ "shared", FIELD_OBJECTS, .max = COLLECTION_PEOPLE_MAX, .fields = person_input },
	{ .name = NULL },
};

static const struct field_rule patch_input[] = {
	{ "title", FIELD_STRING, .min = 1, .max = COLLECTION_TITLE_MAX },
	{ "sort", FIELD_ENUM, .choices = CHOICES(COLLECTION_SORT_LIST) },
	{ "rule", FIELD_OBJECT, .fields = rule_input },
	{ "coverId", FIELD_UUID, .flags = FIELD_NULLABLE },
	{ "shared", FIELD_OBJECTS, .max = COLLECTION_PEOPLE_MAX, .fields = person_input },
	{ .name = NULL },
};

static const struct field_rule items_input[] = {
	THUMBNAILS_RULE,
	{ "cursor", FIELD_STRING, .min = 1, .max = MEDIA_CURSOR_MAX },
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static const struct field_rule step_input[] = {
	{ "add", FIELD_UUIDS, .max = COLLECTION_STEP_MAX },
	{ "remove", FIELD_UUIDS, .max = COLLECTION_STEP_MAX },
	{ "order", FIELD_UUIDS, .max = COLLECTION_STEP_MAX },
	{ "before", FIELD_UUID },
	{ .name = NULL },
};

static const struct field_rule sharers_input[] = {
	{ "q", FIELD_STRING, .min = 1, .max = SHARER_Q_MAX },
	{ "cursor", FIELD_STRING, .min = 1, .max = SHARER_CURSOR_MAX },
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static void
rule_view(struct json *j, const struct collection_rule *rule)
{
	json_object(j, "rule");
	if (rule->tags.n > 0)
		json_put_strs(j, "tags", rule->tags.items, rule->tags.n);
	if (rule->kinds.n > 0)
		json_put_strs(j, "kinds", rule->kinds.items, rule->kinds.n);
	if (rule->people.n > 0)
		json_put_strs(j, "people", rule->people.items, rule->people.n);
	json_opt_str(j, "takenFrom", rule->from);
	json_opt_str(j, "takenTo", rule->to);
	if (rule->favorite)
		json_put_bool(j, "favorite", true);
	json_object_end(j);
}

static void
people_view(struct json *j, const struct collection *c)
{
	if (!str_eq(c->may, COLLECTION_OWN))
		return;
	json_array(j, "shared");
	for (size_t i = 0; i < c->npeople; i++) {
		json_object(j, NULL);
		json_put_str(j, "userId", c->people[i].user_id);
		json_put_str(j, "displayName", c->people[i].name);
		json_put_str(j, "may", c->people[i].may);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
cover_view(const struct request *req, struct json *j, const struct collection *c, int64_t now)
{
	const struct media cover = { .asset_prefix = c->cover_prefix,
		.assets = c->cover_assets,
		.nassets = c->ncover_assets };

	json_put_str(j, "coverId", c->cover_id);
	json_opt_str(j, "thumbhash", c->cover_thumbhash);
	media_thumbnails_view(req, j, &cover, now);
}

static const char *
etag_of(const struct request *req, const struct collection *c)
{
	return arena_printf(req->arena, "%lld", (long long)c->version);
}

static void
collection_members(const struct request *req, struct json *j, const struct collection *c,
    int64_t now)
{
	json_put_str(j, "id", c->id);
	json_put_str(j, "title", c->title);
	json_put_str(j, "kind", c->kind);
	if (str_eq(c->kind, COLLECTION_RULE))
		rule_view(j, &c->rule);
	json_put_str(j, "sort", c->sort);
	json_put_int(j, "count", c->count);
	cover_view(req, j, c, now);
	json_put_str(j, "ownerId", c->owner_id);
	json_opt_str(j, "ownerName", c->owner_name);
	json_put_str(j, "may", c->may);
	people_view(j, c);
	json_put_time(j, "createdAt", c->created_at);
	json_put_time(j, "updatedAt", c->updated_at);
	json_put_str(j, "etag", etag_of(req, c));
}

/* Count and cover follow other rows than the collection's: its ETag is for If-Match alone. */
static bool
answer(const struct request *req, struct response *res, int status, const struct collection *c,
    const struct collection_step *step, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	collection_members(req, j, c, clock_now());
	if (step != NULL) {
		json_put_int(j, "added", step->added);
		json_put_int(j, "removed", step->removed);
	}
	json_object_end(j);
	response_headerf(res, "ETag", "\"%s\"", etag_of(req, c));
	return response_json(res, status, j, err);
}

/* GET /api/media/collections: one's own and those that are shared with the caller. */
static bool
collections_get(const struct request *req, struct response *res, struct error *err)
{
	const struct collections_ask ask = {
		.list = list_ask_of(req->input),
		.scope = input_str(req->input, "scope"),
		.media_id = input_str(req->input, "mediaId"),
	};
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct collection *items;
	struct page page;

	if (!collections_list(req->call, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		collection_members(req, j, &items[i], now);
		json_object_end(j);
	}
	list_close(j, &ask.list, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static struct strings
texts(const struct request *req, const struct input *in, const char *name)
{
	size_t n = input_count(in, name);
	const char **items = arena_array(req->arena, n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = input_str_at(in, name, i);
	return (struct strings) { items, n };
}

static void
take_people(const struct request *req, struct collection_wish *w)
{
	size_t n = input_count(req->input, "shared");
	const char **ids = arena_array(req->arena, n + 1, sizeof(*ids));
	const char **may = arena_array(req->arena, n + 1, sizeof(*may));

	for (size_t i = 0; i < n; i++) {
		const struct input *person = input_object_at(req->input, "shared", i);

		ids[i] = input_str(person, "userId");
		may[i] = input_str(person, "may");
	}
	w->set_people = input_has(req->input, "shared");
	w->people = (struct strings) { ids, n };
	w->may = (struct strings) { may, n };
}

static void
take_rule(const struct request *req, struct collection_wish *w)
{
	const struct input *in = input_object(req->input, "rule");
	struct collection_rule rule = { .from = NULL };

	if (in == NULL)
		return;
	rule.tags = texts(req, in, "tags");
	rule.kinds = texts(req, in, "kinds");
	rule.people = texts(req, in, "people");
	rule.from = input_str(in, "takenFrom");
	rule.to = input_str(in, "takenTo");
	rule.favorite = input_bool(in, "favorite", false);
	w->rule = arena_memdup(req->arena, &rule, sizeof(rule));
}

static struct collection_wish
wish_of(const struct request *req)
{
	struct collection_wish w = { .title = input_str(req->input, "title"),
		.sort = input_str(req->input, "sort") };

	take_people(req, &w);
	take_rule(req, &w);
	return w;
}

/* POST /api/media/collections */
static bool
collections_post(const struct request *req, struct response *res, struct error *err)
{
	struct collection_wish w = wish_of(req);
	struct collection c;
	bool made;

	w.kind = input_has(req->input, "kind") ? input_str(req->input, "kind") : COLLECTION_ALBUM;
	w.items = texts(req, req->input, "items");
	w.folder = input_str(req->input, "folder");
	return collection_create(req->call, &w, &c, &made, err) &&
	    answer(req, res, made ? 201 : 200, &c, NULL, err);
}

/* GET /api/media/collections/{id} */
static bool
collection_id_get(const struct request *req, struct response *res, struct error *err)
{
	struct collection c;

	return collection_get(req->call, request_param(req, "id"), &c, err) &&
	    answer(req, res, 200, &c, NULL, err);
}

static bool
collection_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct collection found;

	if (!collection_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/* PATCH /api/media/collections/{id}: for its owner. */
static bool
collection_id_patch(const struct request *req, struct response *res, struct error *err)
{
	struct collection_wish w = wish_of(req);
	struct collection c;
	int64_t version;

	w.set_cover = input_has(req->input, "coverId") || input_is_null(req->input, "coverId");
	w.cover_id = input_str(req->input, "coverId");
	if (w.title == NULL && w.sort == NULL && w.rule == NULL && !w.set_cover && !w.set_people)
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name at least one member to change.");
	return request_expects(req, collection_version, request_param(req, "id"), &version, err) &&
	    collection_change(req->call, request_param(req, "id"), version, &w, &c, err) &&
	    answer(req, res, 200, &c, NULL, err);
}

/* DELETE /api/media/collections/{id}: the owner deletes it, others leave it. */
static bool
collection_id_delete(const struct request *req, struct response *res, struct error *err)
{
	return collection_leave(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

/* GET /api/media/collections/{id}/items */
static bool
collection_items_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct media *items;
	struct page page;

	if (!collection_items(req->call, request_param(req, "id"), &ask, &items, &page, err))
		return false;
	return response_json(res, 200, media_page_view(req, &ask, items, &page), err);
}

/* POST /api/media/collections/{id}/items: puts in, takes out, puts in order. */
static bool
collection_items_post(const struct request *req, struct response *res, struct error *err)
{
	struct collection_step step = { .add = texts(req, req->input, "add"),
		.remove = texts(req, req->input, "remove"),
		.order = texts(req, req->input, "order"),
		.before = input_str(req->input, "before") };
	struct collection c;

	if (step.add.n + step.remove.n + step.order.n == 0)
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name items to add, remove or order.");
	return collection_step(req->call, request_param(req, "id"), &step, &c, err) &&
	    answer(req, res, 200, &c, &step, err);
}

/* GET /api/media/people: whom things can be shared with. */
static bool
sharers_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct sharer *people;
	struct page page;

	if (!sharers_list(req->call, input_str(req->input, "q"), &ask, &people, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", people[i].id);
		json_put_str(j, "displayName", people[i].name);
		json_object_end(j);
	}
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static bool
mark(const struct request *req, struct response *res, enum media_mark mark, bool on,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct media media;

	if (!media_mark(req->call, request_param(req, "id"), mark, on, &media, err))
		return false;
	media_view(req, j, NULL, &media, now);
	return response_json_etag(req, res, 200, j, media_view_etag(req, &media, now), err);
}

/* PUT /api/media/{id}/favorite */
static bool
favorite_put(const struct request *req, struct response *res, struct error *err)
{
	return mark(req, res, MEDIA_FAVORITE, true, err);
}

/* DELETE /api/media/{id}/favorite */
static bool
favorite_delete(const struct request *req, struct response *res, struct error *err)
{
	return mark(req, res, MEDIA_FAVORITE, false, err);
}

/* PUT /api/media/{id}/archive */
static bool
archive_put(const struct request *req, struct response *res, struct error *err)
{
	return mark(req, res, MEDIA_ARCHIVED, true, err);
}

/* DELETE /api/media/{id}/archive */
static bool
archive_delete(const struct request *req, struct response *res, struct error *err)
{
	return mark(req, res, MEDIA_ARCHIVED, false, err);
}

/* To make and share collections is for those who add to the house; to leave one is not. */
static const struct route collection_routes[] = {
	{ METHOD_GET, "/api/media/collections", collections_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, list_input },
	{ METHOD_POST, "/api/media/collections", collections_post, AUTH_BEARER, PERM_MEDIA_UPLOAD,
	    RATE_MEDIA, BODY_JSON, create_input },
	{ METHOD_GET, "/api/media/collections/{id}", collection_id_get, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_PATCH, "/api/media/collections/{id}", collection_id_patch, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_MEDIA, BODY_JSON, patch_input },
	{ METHOD_DELETE, "/api/media/collections/{id}", collection_id_delete, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_GET, "/api/media/collections/{id}/items", collection_items_get, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_NONE, items_input },
	{ METHOD_POST, "/api/media/collections/{id}/items", collection_items_post, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_MEDIA, BODY_JSON, step_input },
	{ METHOD_GET, "/api/media/people", sharers_get, AUTH_BEARER, PERM_MEDIA_UPLOAD, RATE_MEDIA,
	    BODY_NONE, sharers_input },
	{ METHOD_PUT, "/api/media/{id}/favorite", favorite_put, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, NULL },
	{ METHOD_DELETE, "/api/media/{id}/favorite", favorite_delete, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_PUT, "/api/media/{id}/archive", archive_put, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, NULL },
	{ METHOD_DELETE, "/api/media/{id}/archive", archive_delete, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module collections_module = { "collections", collection_routes, NULL };
