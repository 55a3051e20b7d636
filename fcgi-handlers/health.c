#include <config.h>

#include "fcgi-handlers/health.h"

#include "core/clock.h"
#include "core/json.h"
#include "http/response.h"
#include "service/operator/health.h"
#include "core/banned.h"

static void
dependencies_view(struct json *j, const struct health *health)
{
	json_object(j, "dependencies");
	for (int i = 0; i < HEALTH_DEPENDENCIES; i++) {
		const struct dependency_state *state = &health->dependencies[i];

		json_object(j, health_dependency_name((enum health_dependency)i));
		json_put_str(j, "state", state->ok ? "ok" : "down");
		json_put_num(j, "latencyMs", (double)state->latency / US_PER_MS);
		json_opt_str(j, "message", state->trouble);
		json_object_end(j);
	}
	json_object_end(j);
}

static void
queue_view(struct json *j, const struct health *health)
{
	if (!health->queue_known)
		return;
	json_object(j, "queue");
	json_put_int(j, "waiting", health->queue.waiting);
	json_put_int(j, "running", health->queue.running);
	json_put_int(j, "dead", health->queue.dead);
	json_put_int(j, "lagMs", health->queue.lag / US_PER_MS);
	json_object_end(j);
}

/* GET /api/health: each dependency and the queue, for people and dashboards; always 200. */
static bool
health_get(const struct request *req, struct response *res, struct error *err)
{
	const struct health *health = health_check(req->call);
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "status", health_status(health));
	json_put_str(j, "version", PACKAGE_VERSION);
	json_put_time(j, "checkedAt", health->checked_at);
	dependencies_view(j, health);
	queue_view(j, health);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static bool
state_reply(const struct request *req, struct response *res, const char *state, struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "status", state);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/health/live: the process responds; nothing else is checked. */
static bool
health_live(const struct request *req, struct response *res, struct error *err)
{
	return state_reply(req, res, "live", err);
}

/* GET /api/health/ready: 200 when requests can be served, else 503. */
static bool
health_ready_get(const struct request *req, struct response *res, struct error *err)
{
	return health_ready(req->call, err) && state_reply(req, res, "ready", err);
}

static const struct route health_routes[] = {
	{ METHOD_GET, "/api/health", health_get, AUTH_NONE, PUBLIC, RATE_NONE, BODY_NONE, NULL },
	{ METHOD_GET, "/api/health/live", health_live, AUTH_NONE, PUBLIC, RATE_NONE, BODY_NONE,
	    NULL },
	{ METHOD_GET, "/api/health/ready", health_ready_get, AUTH_NONE, PUBLIC, RATE_NONE,
	    BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module health_module = { "health", health_routes };
