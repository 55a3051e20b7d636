/* POST /api/media/bulk: one change of many items. */
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
#include "service/catalogue/media.h"

#include "core/banned.h"

static const struct field_rule set_fields[] = {
	TAKEN_RULES,
	{ "takenShiftSeconds", FIELD_INT, .min = -MEDIA_TAKEN_SHIFT_MAX,
	    .max = MEDIA_TAKEN_SHIFT_MAX },
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
		.taken_shift = input_int(set, "takenShiftSeconds", 0) };
	if (!taken_input(set, p, err))
		return false;
	if (input_has(set, "takenShiftSeconds")) {
		if ((p->set & MEDIA_SET_TAKEN) != 0)
			return error_field(err, "takenShiftSeconds", "choice",
			    "must not come with another date");
		p->set |= MEDIA_SET_TAKEN_SHIFT;
	}
	if (p->visibility != NULL)
		p->set |= MEDIA_SET_VISIBILITY;
	if (p->add_tags.n + p->remove_tags.n > 0)
		p->set |= MEDIA_SET_SOME_TAGS;
	return true;
}

/* A shift is no change to make twice. */
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

/* A problem of one item is a line of the response: the others were changed or will be. */
static void
answer_one(const struct request *req, struct json *j, size_t index, const struct media_patch *p)
{
	const char *id = input_str_at(req->input, "ids", index);
	struct media media;
	struct error err;
	bool ok = true;

	error_clear(&err);
	if (p->set != 0)
		ok = media_change(req->call, id, 0, p, &media, &err);
	if (ok && input_bool(req->input, "trash", false))
		ok = media_trash(req->call, id, &media, &err);
	json_object(j, NULL);
	json_put_int(j, "index", (int64_t)index);
	json_put_str(j, "id", id);
	if (ok)
		json_put_int(j, "status", 200);
	else
		problem_members(j, &err);
	json_object_end(j);
}

static bool
media_bulk_post(const struct request *req, struct response *res, struct error *err)
{
	const struct input *set = input_object(req->input, "set");
	struct json *j = json_new(req->arena, 0);
	struct media_patch patch = { 0 };

	if ((set != NULL && !take_patch(req, set, &patch, err)) || !named_once(req, err))
		return false;
	if (patch.set == 0 && !input_bool(req->input, "trash", false))
		return error_set(err, ERR_VALIDATION,
		    "The body changes nothing. Name at least one member to change.");
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < input_count(req->input, "ids"); i++)
		answer_one(req, j, i, &patch);
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route bulk_routes[] = {
	{ METHOD_POST, "/api/media/bulk", media_bulk_post, AUTH_BEARER, PERM_MEDIA_READ, RATE_MEDIA,
	    BODY_JSON, bulk_input, NULL, ROUTE_IDEMPOTENT },
	{ .path = NULL },
};

const struct route_module media_bulk_module = { "media-bulk", bulk_routes };
