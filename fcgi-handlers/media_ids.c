/* GET /api/media/ids: all items of a list in few requests, for a change of many. */
#include "core/json.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media_filter.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/media.h"

#include "core/banned.h"

const struct field_rule media_ids_input[] = {
	MEDIA_FILTER_RULES,
	MEDIA_PLACE_RULES,
	{ "status", FIELD_ENUM, .choices = "pending|processing|ready|failed" },
	LIST_CURSOR_RULE,
	{ "limit", FIELD_INT, .min = 1, .max = MEDIA_IDS_MAX, .fallback = MEDIA_IDS_MAX },
	{ .name = NULL },
};

bool
media_ids_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct media_ask ask = { .sort = MEDIA_TAKEN,
		.list = { input_str(req->input, "cursor"),
		    (int)input_int(req->input, "limit", MEDIA_IDS_MAX) } };
	struct media_brief *items;
	struct page page;

	if (!media_filter_take(req->input, &ask, err) ||
	    !media_ids(req->call, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++) {
		json_object(j, NULL);
		json_put_str(j, "id", items[i].id);
		json_put_str(j, "kind", items[i].kind);
		json_put_str(j, "source", items[i].source);
		json_put_str(j, "ownerId", items[i].owner_id);
		json_put_bool(j, "favorite", items[i].favorite);
		json_put_bool(j, "archived", items[i].archived);
		json_object_end(j);
	}
	list_close(j, &ask.list, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}
