#include <cjson/cJSON.h>
#include <string.h>

#include "core/access.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/admin.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/audit.h"
#include "service/operator/audit_words.h"

#include "core/banned.h"

static const struct field_rule audit_input[] = {
	{ "actor", FIELD_UUID },
	{ "action", FIELD_STRING, .min = 1, .max = 64 },
	{ "target", FIELD_STRING, .min = 1, .max = 64 },
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	{ "cursor", FIELD_STRING, .min = 1, .max = AUDIT_CURSOR_MAX },
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* Of settings, who may not read them learns which were changed, not their values. */
static const char *
detail_for(const struct request *req, const struct audit_row *row)
{
	const struct cJSON *detail, *item;
	struct json *names;
	struct error ignored;

	if (!str_eq(row->action, "settings.changed") ||
	    principal_may(req->who, PERM_SYSTEM_SETTINGS))
		return row->detail;
	error_clear(&ignored);
	detail = json_parse(req->arena, row->detail, strlen(row->detail), &ignored);
	names = json_new(req->arena, 0);
	json_object(names, NULL);
	cJSON_ArrayForEach (item, detail) {
		json_object(names, item->string);
		json_object_end(names);
	}
	json_object_end(names);
	return names->buf.data;
}

static void
audit_view(const struct request *req, struct json *j, const struct audit_row *row)
{
	json_object(j, NULL);
	json_put_str(j, "id", row->id);
	json_put_time(j, "at", row->at);
	json_put_str(j, "actorId", row->actor_id);
	json_put_str(j, "actor", row->actor);
	json_opt_str(j, "actorName", row->actor_name);
	json_put_str(j, "action", row->action);
	json_opt_str(j, "targetType", row->target_type);
	json_opt_str(j, "targetId", row->target_id);
	json_opt_str(j, "targetName", row->target_name);
	json_put_str(j, "summary", audit_summary(req->arena, row));
	json_put_raw(j, "detail", detail_for(req, row));
	json_opt_str(j, "address", row->address);
	json_opt_str(j, "requestId", row->request_id);
	json_object_end(j);
}

/* GET /api/admin/audit: newest first. */
static bool
audit_get(const struct request *req, struct response *res, struct error *err)
{
	const struct audit_filter filter = {
		.actor = input_str(req->input, "actor"),
		.action = input_str(req->input, "action"),
		.target = input_str(req->input, "target"),
		.from = input_time(req->input, "from"),
		.to = input_time(req->input, "to"),
	};
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct audit_row *rows;
	struct page page;

	if (!audit_list(req->call, &filter, &ask, &rows, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		audit_view(req, j, &rows[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route admin_audit_routes[] = {
	{ METHOD_GET, "/api/admin/audit", audit_get, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, audit_input },
	{ .path = NULL },
};

const struct route_module admin_audit_module = { "admin audit", admin_audit_routes };
