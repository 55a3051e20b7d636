#include <config.h>

#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/admin.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/operator/failures.h"
#include "service/operator/figures.h"
#include "service/operator/processes.h"

#include "core/banned.h"

#define FAILURE_CODE_MAX 64 /* characters */

static void
put_amounts(struct json *j, const char *key, const char *name, const struct amounts *amounts)
{
	json_array(j, key);
	for (size_t i = 0; i < amounts->n; i++) {
		json_object(j, NULL);
		json_put_str(j, name, amounts->items[i].name);
		json_put_int(j, "items", amounts->items[i].items);
		json_put_int(j, "bytes", amounts->items[i].bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

static int64_t
items_in(const struct amounts *states, const char *state)
{
	for (size_t i = 0; i < states->n; i++)
		if (str_eq(states->items[i].name, state))
			return states->items[i].items;
	return 0;
}

static void
people_part(struct json *j, const struct figures *f)
{
	int64_t total = 0, active = 0;

	for (enum role role = 0; role < ROLES; role++) {
		total += f->people[role];
		active += f->active[role];
	}
	json_object(j, "people");
	json_put_int(j, "total", total);
	json_put_int(j, "active", active);
	json_put_int(j, "disabled", total - active);
	json_object(j, "byRole");
	for (enum role role = 0; role < ROLES; role++)
		json_put_int(j, role_name(role), f->people[role]);
	json_object_end(j);
	json_object_end(j);
}

static void
media_part(struct json *j, const struct figures *f)
{
	int64_t items = 0, bytes = 0;

	for (size_t i = 0; i < f->kinds.n; i++) {
		items += f->kinds.items[i].items;
		bytes += f->kinds.items[i].bytes;
	}
	json_object(j, "media");
	json_put_int(j, "items", items);
	json_put_int(j, "bytes", bytes);
	put_amounts(j, "byKind", "kind", &f->kinds);
	put_amounts(j, "byState", "state", &f->states);
	json_object_end(j);
}

static void
person_view(struct json *j, const struct person_storage *person)
{
	json_object(j, NULL);
	json_put_str(j, "userId", person->user_id);
	json_put_str(j, "displayName", person->display_name);
	json_put_int(j, "bytes", person->bytes);
	json_put_int(j, "items", person->items);
	if (person->quota >= 0)
		json_put_int(j, "quota", person->quota);
	else
		json_put_null(j, "quota");
	json_object_end(j);
}

static void
storage_part(struct json *j, const struct house_figures *house)
{
	const struct figures *f = &house->figures;
	int64_t used = 0;

	for (size_t i = 0; i < f->states.n; i++)
		used += f->states.items[i].bytes;
	json_object(j, "storage");
	json_put_int(j, "usedBytes", used);
	if (house->free >= 0)
		json_put_int(j, "freeBytes", house->free);
	json_put_int(j, "quotaDefault", house->quota_default);
	json_array(j, "byPerson");
	for (size_t i = 0; i < f->npersons; i++)
		person_view(j, &f->persons[i]);
	json_array_end(j);
	json_object_end(j);
}

/* GET /api/admin/stats */
static bool
stats_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct house_figures house;
	const struct amounts *states = &house.figures.states;

	if (!figures_read(req->call, &house, err))
		return false;
	json_object(j, NULL);
	people_part(j, &house.figures);
	media_part(j, &house.figures);
	storage_part(j, &house);
	put_amounts(j, "growth", "month", &house.figures.months);
	json_object(j, "uploads");
	json_put_int(j, "waiting", items_in(states, "pending") + items_in(states, "processing"));
	json_put_int(j, "failed", items_in(states, "failed"));
	json_object_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static void
pools_part(struct json *j, const struct process_states *s)
{
	json_array(j, "pools");
	for (size_t i = 0; i < s->npools; i++) {
		json_object(j, NULL);
		json_put_str(j, "name", s->pools[i].name);
		json_put_bool(j, "running", s->pools[i].pid != 0);
		json_put_int(j, "workers", s->pools[i].workers);
		json_put_int(j, "busy", s->pools[i].busy);
		json_put_int(j, "restarts", s->pools[i].restarts);
		if (s->pools[i].pid != 0)
			json_put_int(j, "pid", s->pools[i].pid);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
worker_part(struct json *j, const struct process_states *s)
{
	json_object(j, "worker");
	json_put_bool(j, "running", s->worker);
	json_opt_str(j, "version", s->worker_version);
	json_array(j, "queues");
	for (size_t i = 0; i < JOB_QUEUES; i++) {
		json_object(j, NULL);
		json_put_str(j, "queue", s->queues[i].queue);
		json_put_int(j, "limit", s->queues[i].limit);
		json_put_int(j, "running", s->queues[i].running);
		json_put_int(j, "waiting", s->queues[i].waiting);
		json_put_int(j, "oldestSeconds", s->queues[i].oldest_s);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void
servers_part(struct json *j, const struct process_states *s)
{
	json_object(j, "notifyd");
	json_put_bool(j, "running", s->notifyd);
	json_put_int(j, "websocket", s->websockets);
	json_put_int(j, "eventsource", s->streams);
	json_object_end(j);
	json_object(j, "postgres");
	json_put_str(j, "version", s->postgres.version);
	json_put_int(j, "connections", s->postgres.connections);
	json_put_int(j, "errors", s->postgres_errors);
	json_put_int(j, "reconnects", s->postgres_reconnects);
	json_object_end(j);
	json_object(j, "redis");
	json_put_bool(j, "running", s->redis.version[0] != '\0');
	if (s->redis.version[0] != '\0') {
		json_put_str(j, "version", s->redis.version);
		json_put_int(j, "usedBytes", s->redis.used);
	}
	json_put_int(j, "errors", s->redis_errors);
	json_put_int(j, "reconnects", s->redis_reconnects);
	json_object_end(j);
}

/* GET /api/admin/processes */
static bool
processes_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct process_states states;

	if (!processes_read(req->call, &states, err))
		return false;
	json_object(j, NULL);
	json_put_str(j, "version", PACKAGE_VERSION);
	json_put_int(j, "schema", states.schema);
	pools_part(j, &states);
	worker_part(j, &states);
	servers_part(j, &states);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static void
failure_view(struct json *j, const struct failure_group *group)
{
	json_object(j, NULL);
	json_put_str(j, "code", group->code);
	json_put_str(j, "message", group->message);
	json_put_int(j, "count", group->n);
	if (group->media_id != NULL) {
		json_object(j, "example");
		json_put_str(j, "mediaId", group->media_id);
		json_put_str(j, "title", group->title);
		json_object_end(j);
	}
	json_object_end(j);
}

/* GET /api/admin/failures */
static bool
failures_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct failure_group *groups;
	size_t n;

	if (!failures_list(req->call, &groups, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++)
		failure_view(j, &groups[i]);
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule failures_input[] = {
	{ "code", FIELD_STRING, .min = 1, .max = FAILURE_CODE_MAX },
	{ .name = NULL },
};

/* POST /api/admin/failures/retry */
static bool
failures_retry_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t retried;

	if (!failures_retry(req->call, input_str(req->input, "code"), &retried, err))
		return false;
	json_object(j, NULL);
	json_put_int(j, "retried", retried);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route admin_house_routes[] = {
	{ METHOD_GET, "/api/admin/stats", stats_get, AUTH_BEARER, PERM_USERS_MANAGE, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_GET, "/api/admin/processes", processes_get, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_GET, "/api/admin/failures", failures_get, AUTH_BEARER, PERM_USERS_MANAGE,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/admin/failures/retry", failures_retry_post, AUTH_BEARER,
	    PERM_USERS_MANAGE, RATE_TIER, BODY_JSON, failures_input },
	{ .path = NULL },
};

const struct route_module admin_house_module = { "admin house", admin_house_routes };
