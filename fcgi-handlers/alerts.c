#include "fcgi-handlers/alerts.h"

#include "core/json.h"
#include "core/words.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "model/alert.h"
#include "service/notify/alert.h"

#include "core/banned.h"

static void
alert_view(struct json *j, const struct alert *a)
{
	json_object(j, NULL);
	json_put_str(j, "id", a->id);
	json_put_str(j, "rule", a->rule);
	json_put_str(j, "severity", a->severity);
	json_put_str(j, "state", a->cleared_at != 0 ? "cleared" : "raised");
	if (a->subject[0] != '\0') {
		json_put_str(j, "subject", a->subject);
		json_opt_str(j, "subjectName", a->subject_name);
	}
	json_put_str(j, "title", a->title);
	json_put_str(j, "message", a->message);
	if (a->has_value) {
		json_put_num(j, "value", a->value);
		json_put_num(j, "threshold", a->threshold);
	}
	json_put_time(j, "raisedAt", a->raised_at);
	if (a->cleared_at != 0)
		json_put_time(j, "clearedAt", a->cleared_at);
	if (a->acknowledged_at != 0) {
		json_put_time(j, "acknowledgedAt", a->acknowledged_at);
		json_object(j, "acknowledgedBy");
		json_put_str(j, "id", a->acknowledged_by);
		json_put_str(j, "displayName", a->acknowledged_by_name);
		json_object_end(j);
	}
	json_object_end(j);
}

static const struct field_rule alerts_input[] = {
	{ "state", FIELD_ENUM, .choices = CHOICES(ALERT_STATE_LIST) },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

/* GET /api/admin/alerts: newest first. */
static bool
alerts_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct alert *items;
	struct page page;

	if (!alert_list(req->call, input_str(req->input, "state"), &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		alert_view(j, &items[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/admin/alerts/{id}/acknowledge: somebody looks after it. */
static bool
alert_acknowledge_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct alert alert;

	if (!alert_acknowledge(req->call, request_param(req, "id"), &alert, err))
		return false;
	alert_view(j, &alert);
	return response_json(res, 200, j, err);
}

static const struct route alerts_routes[] = {
	{ METHOD_GET, "/api/admin/alerts", alerts_get, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, alerts_input },
	{ METHOD_POST, "/api/admin/alerts/{id}/acknowledge", alert_acknowledge_post, AUTH_BEARER,
	    PERM_USERS_MANAGE, RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module alerts_module = { "alerts", alerts_routes };
