#include "http/measure.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/metric.h"
#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "core/banned.h"

static uint32_t
status_class(int status)
{
	return status >= 100 && status < 600 ? (uint32_t)(status / 100 - 1) : METRIC_OTHER;
}
_Static_assert(VALUE_STATUS_1XX == 0 && VALUE_STATUS_5XX == 4, "one value a class, in order");

static void
measure_stages(const struct timing *t, uint32_t route, uint32_t method)
{
	const int64_t spent[VALUES_STAGE] = {
		[VALUE_STAGE_AUTH] = t->auth,
		[VALUE_STAGE_LIMIT] = t->limit,
		[VALUE_STAGE_HANDLER] = t->handler,
		[VALUE_STAGE_CACHE] = t->cache,
		[VALUE_STAGE_HASHING] = t->hashing,
	};

	for (uint32_t stage = 0; stage < VALUES_STAGE; stage++)
		if (spent[stage] > 0)
			metric_add(METRIC_HTTP_STAGE, LABELS(route, method, stage),
			    (uint64_t)spent[stage]);
}

/* The tier that the limits count the caller in. */
static uint32_t
tier_of(const struct request *req)
{
	if (req->subject.source != NULL)
		return VALUE_TIER_SOURCE;
	if (req->who->user_id[0] == '\0')
		return VALUE_TIER_ANONYMOUS;
	if (req->who->role >= ROLE_ADMIN)
		return VALUE_TIER_ADMIN;
	return req->who->tier == TIER_PREMIUM ? VALUE_TIER_PREMIUM : VALUE_TIER_AUTHENTICATED;
}

static uint32_t
hook_end(int status)
{
	switch (status) {
	case 401: return VALUE_HOOK_UNPROVEN;
	case 413: return VALUE_HOOK_TOO_LARGE;
	case 429: return VALUE_HOOK_LIMITED;
	default: return status < 500 ? VALUE_HOOK_REFUSED : VALUE_HOOK_FAILED;
	}
}

/* A webhook that was not taken. Those that were are counted by what they were (hook_receive()). */
static void
measure_hook(const struct request *req, int status)
{
	const char *source = route_hook_source(req->arena, req->route);

	metric_add(METRIC_HOOKS_IN,
	    LABELS(metric_label(LABEL_HOOK_SOURCE, source), hook_end(status)), 1);
}

/* Paths and methods without a route are the client's own texts: they count as "other". */
void
measure_request(const struct request *req, const struct response *res)
{
	uint32_t route = METRIC_OTHER, method = METRIC_OTHER;

	if (req->route != NULL) {
		route = metric_label(LABEL_ROUTE, req->route->path);
		method = metric_label(LABEL_METHOD, method_name(req->method));
	}
	metric_add(METRIC_HTTP_REQUESTS, LABELS(route, method, status_class(res->status)), 1);
	metric_observe(METRIC_HTTP_DURATION, LABELS(route, method),
	    clock_monotonic() - req->timing.start);
	if (req->timing.db > 0)
		metric_observe(METRIC_HTTP_DATABASE, LABELS(route, method), req->timing.db);
	measure_stages(&req->timing, route, method);
	if (req->cached != NULL)
		metric_add(METRIC_HTTP_CACHE, LABELS(route, VALUE_CACHE_HIT), 1);
	else if (req->cache_key != NULL && res->status < 400)
		metric_add(METRIC_HTTP_CACHE, LABELS(route, VALUE_CACHE_MISS), 1);
	if (req->route != NULL && req->route->auth == AUTH_HOOK && res->status >= 400)
		measure_hook(req, res->status);
	if (res->status == 429 && req->route != NULL)
		metric_add(METRIC_RATE_LIMITED,
		    LABELS(tier_of(req),
			metric_label(LABEL_RATE_CLASS, rate_class_name(req->route->rate))),
		    1);
}

void
measure_pool_begin(const struct log *log)
{
	metric_gauge_add(METRIC_POOL_BUSY, LABELS(metric_label(LABEL_POOL, log->pool)), 1);
}

void
measure_pool_end(const struct request *req, const struct response *res)
{
	uint32_t pool = metric_label(LABEL_POOL, req->log->pool);

	metric_gauge_add(METRIC_POOL_BUSY, LABELS(pool), -1);
	metric_add(METRIC_POOL_REQUESTS, LABELS(pool, status_class(res->status)), 1);
	metric_observe(METRIC_POOL_DURATION, LABELS(pool), clock_monotonic() - req->timing.start);
}
