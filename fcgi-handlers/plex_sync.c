#include "fcgi-handlers/plex_sync.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/integrations/sync.h"

#include "core/banned.h"

#define SECTION_KEY_MAX 64

static const struct field_rule sync_input[] = {
	{ "serverId", FIELD_UUID },
	{ "section", FIELD_STRING, .min = 1, .max = SECTION_KEY_MAX },
	{ "full", FIELD_BOOL },
	{ "dryRun", FIELD_BOOL },
	{ .name = NULL },
};

static const struct field_rule list_input[] = {
	{ "server", FIELD_UUID },
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};

static void
times_view(struct json *j, const struct sync_run *run)
{
	json_put_time(j, "startedAt", run->started_at);
	json_put_time(j, "finishedAt", run->finished_at);
	if (run->finished_at == 0)
		json_put_null(j, "durationMs");
	else
		json_put_int(j, "durationMs", (run->finished_at - run->started_at) / US_PER_MS);
}

static void
run_view(struct json *j, const struct sync_run *run)
{
	json_object(j, NULL);
	json_put_str(j, "id", run->id);
	json_put_str(j, "serverId", run->server_id);
	json_put_str(j, "trigger", run->trigger);
	json_opt_str(j, "section", run->section);
	json_put_bool(j, "full", run->full);
	json_put_bool(j, "dryRun", run->dry);
	json_put_str(j, "status", run->status);
	json_put_str(j, "phase", run->phase);
	times_view(j, run);
	json_put_raw(j, "counts", run->counts);
	json_put_raw(j, "sections", run->sections);
	if (run->errors != NULL)
		json_put_raw(j, "errors", run->errors);
	if (run->error_code != NULL) {
		json_object(j, "error");
		json_put_str(j, "code", run->error_code);
		json_put_str(j, "message", run->error_message);
		json_object_end(j);
	}
	if (run->halt != NULL)
		json_put_raw(j, "halt", run->halt);
	json_put_bool(j, "canContinue", run->can_continue);
	json_object_end(j);
}

static bool
queued(struct response *res, struct json *j, struct error *err)
{
	json_object(j, NULL);
	json_put_bool(j, "queued", true);
	json_object_end(j);
	return response_json(res, 202, j, err);
}

/* POST /api/integrations/plex/sync */
static bool
sync_post(const struct request *req, struct response *res, struct error *err)
{
	const struct sync_wish wish = {
		.server_id = input_str(req->input, "serverId"),
		.section = input_str(req->input, "section"),
		.full = input_bool(req->input, "full", false),
		.dry = input_bool(req->input, "dryRun", false),
	};

	return sync_wish(req->call, &wish, err) && queued(res, json_new(req->arena, 0), err);
}

/* GET /api/integrations/plex/syncs: newest first, without the errors of single items. */
static bool
syncs_list(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct sync_run *runs;
	struct page page;

	if (!sync_list(req->call, input_str(req->input, "server"), &ask, &runs, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		run_view(j, &runs[i]);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/integrations/plex/syncs/{id} */
static bool
syncs_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct sync_run run;

	if (!sync_get(req->call, request_param(req, "id"), &run, err))
		return false;
	run_view(j, &run);
	return response_json(res, 200, j, err);
}

/* POST /api/integrations/plex/syncs/{id}/continue */
static bool
syncs_continue(const struct request *req, struct response *res, struct error *err)
{
	return sync_continue(req->call, request_param(req, "id"), err) &&
	    queued(res, json_new(req->arena, 0), err);
}

static const struct route plex_sync_routes[] = {
	{ METHOD_POST, "/api/integrations/plex/sync", sync_post, AUTH_BEARER,
	    PERM_INTEGRATIONS_CONFIGURE, RATE_TIER, BODY_JSON, sync_input },
	{ METHOD_GET, "/api/integrations/plex/syncs", syncs_list, AUTH_BEARER,
	    PERM_INTEGRATIONS_VIEW, RATE_TIER, BODY_NONE, list_input },
	{ METHOD_GET, "/api/integrations/plex/syncs/{id}", syncs_get, AUTH_BEARER,
	    PERM_INTEGRATIONS_VIEW, RATE_TIER, BODY_NONE, NULL },
	{ METHOD_POST, "/api/integrations/plex/syncs/{id}/continue", syncs_continue, AUTH_BEARER,
	    PERM_INTEGRATIONS_CONFIGURE, RATE_TIER, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module plex_sync_module = { "plex-sync", plex_sync_routes };
