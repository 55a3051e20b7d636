#include "fcgi-handlers/metrics.h"

#include <math.h>

#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "core/words.h"
#include "fcgi-handlers/metrics_text.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/operator/facts.h"
#include "service/operator/watch.h"

#include "core/banned.h"

/* GET /api/metrics: for monitors. Three statements in PostgreSQL; without it the rest is served. */
static bool
metrics_get(const struct request *req, struct response *res, struct error *err)
{
	const struct facts facts = facts_read(req->call);
	enum metrics_format format = metrics_format_of(request_env(req, "HTTP_ACCEPT"));
	struct buf text;

	buf_init(&text, req->arena, 0);
	metrics_text(&text, format, &facts);
	if (text.overflow)
		return error_set(err, ERR_INTERNAL, "There are too many metrics to send.");
	response_header(res, "Vary", "Accept");
	return response_text(res, metrics_content_type(format), text.data, text.len);
}

static void
put_ratio(struct json *j, const char *key, uint64_t part, uint64_t of)
{
	if (of == 0)
		json_put_null(j, key);
	else
		json_put_num(j, key, (double)part / (double)of);
}

/* Without requests there are no times. */
static void
put_time(struct json *j, const char *key, const struct watch_window *w, double ms)
{
	if (w->requests == 0)
		json_put_null(j, key);
	else
		json_put_num(j, key, round(ms * 1e3) / 1e3);
}

static void
window_members(struct json *j, const struct watch_window *w)
{
	json_put_int(j, "count", (int64_t)w->requests);
	put_time(j, "p50Ms", w, w->p50_ms);
	put_time(j, "p95Ms", w, w->p95_ms);
	put_time(j, "p99Ms", w, w->p99_ms);
	put_time(j, "databaseMs", w, w->database_ms);
	put_ratio(j, "cacheHitRatio", w->cache_hits, w->cache_hits + w->cache_misses);
	put_ratio(j, "errorRate", w->failed, w->requests);
}

static void
targets_view(struct json *j)
{
	json_object(j, "targets");
	json_put_num(j, "responseMs", WATCH_TARGET_RESPONSE_MS);
	json_put_num(j, "databaseMs", WATCH_TARGET_DATABASE_MS);
	json_put_num(j, "cacheHitRatio", WATCH_TARGET_HITS);
	json_put_num(j, "errorRate", WATCH_TARGET_ERRORS);
	json_object_end(j);
}

static void
route_view(struct json *j, const struct watch_route *route)
{
	json_object(j, NULL);
	json_put_str(j, "route", route->route);
	json_put_str(j, "method", route->method);
	window_members(j, &route->window);
	json_put_bool(j, "passwordHashing", route->hashing);
	json_object_end(j);
}

static const struct field_rule summary_input[] = {
	{ "window", FIELD_ENUM, .choices = CHOICES(WATCH_WINDOW_LIST) },
	{ .name = NULL },
};

/* GET /api/metrics/summary?window= */
static bool
summary_get(const struct request *req, struct response *res, struct error *err)
{
	const char *window =
	    input_has(req->input, "window") ? input_str(req->input, "window") : "5m";
	struct json *j = json_new(req->arena, 0);
	struct watch_summary summary;

	if (!watch_summary(req->call, window, &summary, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "window", window);
	targets_view(j);
	json_array(j, "routes");
	for (size_t i = 0; i < summary.n; i++)
		route_view(j, &summary.routes[i]);
	json_array_end(j);
	json_object(j, "total");
	window_members(j, &summary.total);
	json_object_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule history_input[] = {
	{ "metric", FIELD_ENUM, .flags = FIELD_REQUIRED, .choices = CHOICES(WATCH_METRIC_LIST) },
	{ "from", FIELD_TIME },
	{ "to", FIELD_TIME },
	{ .name = NULL },
};

static void
point_view(struct json *j, const struct watch_value *value)
{
	json_object(j, NULL);
	json_put_time(j, "at", value->at);
	if (value->known)
		json_put_num(j, "value", value->value);
	else
		json_put_null(j, "value");
	json_object_end(j);
}

/* GET /api/metrics/summary/history?metric=&from=&to= */
static bool
history_get(const struct request *req, struct response *res, struct error *err)
{
	const char *metric = input_str(req->input, "metric");
	struct json *j = json_new(req->arena, 0);
	struct watch_plot plot;

	if (!watch_history(req->call, metric, input_time(req->input, "from"),
		input_time(req->input, "to"), &plot, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "metric", metric);
	json_put_str(j, "unit", plot.unit);
	json_put_int(j, "step", plot.step);
	if (plot.threshold >= 0)
		json_put_num(j, "threshold", plot.threshold);
	json_array(j, "points");
	for (size_t i = 0; i < plot.n; i++)
		point_view(j, &plot.values[i]);
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route metrics_routes[] = {
	{ METHOD_GET, "/api/metrics", metrics_get, AUTH_SCRAPER, PERM_SYSTEM_SETTINGS, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_GET, "/api/metrics/summary", summary_get, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, summary_input },
	{ METHOD_GET, "/api/metrics/summary/history", history_get, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, history_input },
	{ .path = NULL },
};

const struct route_module metrics_module = { "metrics", metrics_routes };
