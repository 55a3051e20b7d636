#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_view.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/duplicates.h"

#include "core/banned.h"

static const struct field_rule duplicates_input[] = {
	{ "by", FIELD_ENUM, .choices = "bytes|look" },
	THUMBNAILS_RULE,
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* GET /api/media/duplicates: the caller's items that are the same, group by group. */
static bool
duplicates_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	const char *by = input_str(req->input, "by");
	struct json *j = json_new(req->arena, 0);
	struct duplicate_group *groups;
	int64_t now = clock_now();
	struct page page;

	if (by == NULL)
		by = "bytes";
	if (!duplicates_list(req->call, str_eq(by, "look"), &ask, &groups, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", groups[i].id);
		json_put_str(j, "by", by);
		json_put_int(j, "count", groups[i].count);
		json_array(j, "items");
		for (size_t k = 0; k < groups[i].n; k++)
			media_view(req, j, NULL, &groups[i].items[k], now);
		json_array_end(j);
		json_object_end(j);
	}
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route duplicates_routes[] = {
	{ METHOD_GET, "/api/media/duplicates", duplicates_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, duplicates_input },
	{ .path = NULL },
};

const struct route_module duplicates_module = { "duplicates", duplicates_routes };
