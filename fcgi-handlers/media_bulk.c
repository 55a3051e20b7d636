/* POST /api/media/bulk: one change of many items. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/problem_document.h"
#include "core/str.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/taken_input.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/collections.h"
#include "service/catalogue/media.h"
#include "service/catalogue/media_trash.h"
#include "service/catalogue/media_turn.h"

#include "core/banned.h"

static const struct field_rule set_fields[] = {
	TAKEN_RULES,
	{ "takenShiftSeconds", FIELD_INT, .min = -MEDIA_TAKEN_SHIFT_MAX,
	    .max = MEDIA_TAKEN_SHIFT_MAX },
	{ "addTo", FIELD_UUID },
	{ "favorite", FIELD_BOOL },
	{ "archive", FIELD_BOOL },
	{ "rotateBy", FIELD_INT, .min = MEDIA_QUARTER, .max = MEDIA_ROTATION_MAX },
	{ "visibility", FIELD_ENUM, .choices = CHOICES(MEDIA_VISIBILITY_LIST) },
	{ "addTags", FIELD_STRINGS, .min = 1, .max = MEDIA_TAGS_MAX, .item_max = MEDIA_TAG_MAX },
	{ "removeTags", FIELD_STRINGS, .min = 1, .max = MEDIA_TAGS_MAX, .item_max = MEDIA_TAG_MAX },
	{ .name = NULL },
};

static const struct field_rule bulk_input[] = {
	{ "ids", FIELD_UUIDS, .min = 1, .max = MEDIA_BULK_MAX, .flags = FIELD_REQUIRED },
	{ "set", FIELD_OBJECT, .fields = set_fields },
	{ "trash", FIELD_BOOL },
	{ .name = NULL },
};

static struct strings
strings_of(const struct request *req, const struct input *in, const char *name)
{
	size_t n = input_count(in, name);
	const char **items = arena_array(req->arena, n, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = input_str_at(in, name, i);
	return (struct strings) { items, n };
}

static bool
take_patch(const struct request *req, const struct input *set, struct media_patch *p,
    struct error *err)
{
	*p = (struct media_patch) { .visibility = input_str(set, "visibility"),
		.add_tags = strings_of(req, set, "addTags"),
		.remove_tags = strings_of(req, set, "removeTags"),
		.taken_shift = input_int(set, "takenShiftSeconds", 0),
		.rotation = input_int(set, "rotateBy", 0) };
	if (!taken_input(set, p, err))
		return false;
	if (input_has(set, "takenShiftSeconds")) {
		if ((p->set & MEDIA_SET_TAKEN) != 0)
			return error_field(err, "takenShiftSeconds", "choice",
			    "must not come with another date");
		p->set |= MEDIA_SET_TAKEN_SHIFT;
	}
	if (input_has(set, "rotateBy"))
		p->set |= MEDIA_SET_ROTATE_BY;
	if (p->visibility != NULL)
		p->set |= MEDIA_SET_VISIBILITY;
	if (p->add_tags.n + p->remove_tags.n > 0)
		p->set |= MEDIA_SET_SOME_TAGS;
	return true;
}

/* A shift and a turn are no changes to make twice. */
static bool
named_once(const struct request *req, struct error *err)
{
	size_t n = input_count(req->input, "ids");

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_ieq(input_str_at(req->input, "ids", i),
				input_str_at(req->input, "ids", k)))
				return error_field(err, "ids", "choice",
				    "must name each item once");
	return true;
}

/* What becomes of an item: a problem of one is a line of the response, the others are changed. */
struct outcome {
	const char *id;
	size_t index;
	struct error err;
};

struct bulk {
	const struct request *req;
	struct media_patch patch;
	const char *add_to; /* or NULL */
	bool trash;
	struct outcome *items; /* in the order of their ids, as their rows are locked */
	size_t n;
};

static int
by_id(const void *a, const void *b)
{
	const struct outcome *one = a, *other = b;

	return strcmp(one->id, other->id);
}

static int
by_index(const void *a, const void *b)
{
	const struct outcome *one = a, *other = b;

	return one->index < other->index ? -1 : one->index > other->index;
}

static void
take_items(struct bulk *b)
{
	b->n = input_count(b->req->input, "ids");
	b->items = arena_array(b->req->arena, b->n, sizeof(*b->items));
	for (size_t i = 0; i < b->n; i++)
		b->items[i] =
		    (struct outcome) { .id = input_str_at(b->req->input, "ids", i), .index = i };
	qsort(b->items, b->n, sizeof(*b->items), by_id);
}

/* Those that nothing has refused so far. */
static struct strings
ids_left(const struct bulk *b)
{
	const char **ids = arena_array(b->req->arena, b->n, sizeof(*ids));
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].err.code == ERR_NONE)
			ids[n++] = b->items[i].id;
	return (struct strings) { ids, n };
}

static void
refuse_unseen(struct bulk *b, struct strings seen)
{
	for (size_t i = 0; i < b->n; i++) {
		struct outcome *item = &b->items[i];
		bool found = item->err.code != ERR_NONE;

		for (size_t k = 0; k < seen.n && !found; k++)
			found = str_eq(seen.items[k], item->id);
		if (!found)
			error_set(&item->err, ERR_NOT_FOUND, "There is no such item.");
	}
}

/* One transaction for all. What is wrong with the collection is wrong with the request. */
static bool
add_to(struct bulk *b, struct error *err)
{
	struct collection_step step = { .add = ids_left(b), .some = true };
	struct collection c;

	if (b->add_to == NULL)
		return true;
	if (!principal_may(b->req->who, PERM_MEDIA_UPLOAD))
		return error_set(err, ERR_FORBIDDEN, "You can't add to albums.");
	if (!collection_step(b->req->call, b->add_to, &step, &c, err))
		return false;
	refuse_unseen(b, step.found);
	return true;
}

static bool
mark(struct bulk *b, const struct input *set, const char *name, enum media_mark which,
    struct error *err)
{
	const struct media_marks marks = { ids_left(b), which, input_bool(set, name, false) };
	struct strings seen;

	if (set == NULL || !input_has(set, name) || marks.ids.n == 0)
		return true;
	if (!media_mark_many(b->req->call, &marks, &seen, err))
		return false;
	refuse_unseen(b, seen);
	return true;
}

static void
change_each(struct bulk *b)
{
	struct media media;

	for (size_t i = 0; i < b->n; i++) {
		struct outcome *item = &b->items[i];

		if (b->patch.set != 0 && item->err.code == ERR_NONE)
			(void)media_change(b->req->call, item->id, 0, &b->patch, &media,
			    &item->err);
		if (b->trash && item->err.code == ERR_NONE)
			(void)media_trash(b->req->call, item->id, &media, &item->err);
	}
}

static struct json *
outcome_view(struct bulk *b)
{
	struct json *j = json_new(b->req->arena, 0);

	qsort(b->items, b->n, sizeof(*b->items), by_index);
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < b->n; i++) {
		const struct outcome *item = &b->items[i];

		json_object(j, NULL);
		json_put_int(j, "index", (int64_t)item->index);
		json_put_str(j, "id", item->id);
		if (item->err.code == ERR_NONE)
			json_put_int(j, "status", 200);
		else
			problem_members(j, &item->err);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return j;
}

static bool
media_bulk_post(const struct request *req, struct response *res, struct error *err)
{
	const struct input *set = input_object(req->input, "set");
	struct bulk b = { .req = req,
		.add_to = set != NULL ? input_str(set, "addTo") : NULL,
		.trash = input_bool(req->input, "trash", false) };

	if ((set != NULL && !take_patch(req, set, &b.patch, err)) || !named_once(req, err))
		return false;
	if (b.patch.set == 0 && !b.trash && b.add_to == NULL &&
	    (set == NULL || (!input_has(set, "favorite") && !input_has(set, "archive"))))
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name at least one member to change.");
	take_items(&b);
	if (!add_to(&b, err) || !mark(&b, set, "favorite", MEDIA_FAVORITE, err) ||
	    !mark(&b, set, "archive", MEDIA_ARCHIVED, err))
		return false;
	change_each(&b);
	return response_json(res, 200, outcome_view(&b), err);
}

/* POST /api/media/trash/empty: all of the caller's own that is in the trash. */
static bool
trash_empty_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t deleted, left;

	if (!media_trash_empty(req->call, &deleted, &left, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "deleted", deleted);
	json_put_int(j, "left", left);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route bulk_routes[] = {
	{ METHOD_POST, "/api/media/bulk", media_bulk_post, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_JSON, bulk_input, NULL, ROUTE_IDEMPOTENT },
	{ METHOD_POST, "/api/media/trash/empty", trash_empty_post, AUTH_BEARER, PERM_MEDIA_DELETE,
	    RATE_MEDIA, BODY_JSON, NULL },
	{ .path = NULL },
};

const struct route_module media_bulk_module = { "media-bulk", bulk_routes };
