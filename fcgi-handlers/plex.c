#include "fcgi-handlers/plex.h"

#include <stdio.h>

#include "core/access.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/call.h"
#include "service/integrations/libraries.h"
#include "service/integrations/server_admin.h"

#include "core/banned.h"

#define KIND SERVER_KIND_PLEX /* of the servers of these routes */

#define SERVER_ETAG 64 /* bytes */

/* Contacts and runs of the sync change what is shown, but are no changes that a person makes. */
static void
server_etag(const struct server *server, char out[SERVER_ETAG])
{
	unsigned long long shown = (unsigned long long)server->last_seen_at;

	shown = shown * 31 + (unsigned long long)server->last_sync.finished_at;
	shown = shown * 31 + (unsigned long long)server->libraries;
	shown = shown * 31 + (unsigned long long)server->libraries_enabled;
	for (const char *c = server->last_sync.id; c != NULL && *c != '\0'; c++)
		shown = shown * 31 + (unsigned char)*c;
	snprintf(out, SERVER_ETAG, "%lld-%llx", (long long)server->version, shown);
}

/* Who cannot configure servers learns no addresses. */
static bool
sees_all(const struct request *req)
{
	return principal_may(req->who, PERM_INTEGRATIONS_CONFIGURE);
}

static void
last_sync_view(struct json *j, const struct server *server)
{
	if (server->last_sync.id == NULL)
		return;
	json_object(j, "lastSync");
	json_put_str(j, "id", server->last_sync.id);
	json_put_str(j, "status", server->last_sync.status);
	json_put_time(j, "finishedAt", server->last_sync.finished_at);
	json_object_end(j);
}

static void
private_view(struct json *j, const struct server *server)
{
	json_put_str(j, "url", server->url);
	json_put_bool(j, "tokenSet", server->token[0] != '\0');
	json_put_str(j, "machineId", server->machine_id);
	if (server->adopt_machine_id == NULL)
		return;
	json_object(j, "adopt");
	json_put_str(j, "machineId", server->adopt_machine_id);
	json_object_end(j);
}

static void
server_view(struct json *j, const struct server *server, bool all)
{
	char etag[SERVER_ETAG];

	server_etag(server, etag);
	json_object(j, NULL);
	json_put_str(j, "id", server->id);
	json_put_str(j, "kind", server->kind);
	json_put_str(j, "name", server->name);
	if (all)
		private_view(j, server);
	json_put_bool(j, "enabled", server->enabled);
	json_put_str(j, "serverVersion", server->server_version);
	json_object(j, "libraries");
	json_put_int(j, "total", server->libraries);
	json_put_int(j, "enabled", server->libraries_enabled);
	json_object_end(j);
	json_put_time(j, "lastSeenAt", server->last_seen_at);
	last_sync_view(j, server);
	json_put_time(j, "createdAt", server->created_at);
	json_put_time(j, "updatedAt", server->updated_at);
	json_put_str(j, "etag", etag);
	json_object_end(j);
}

static bool
server_reply(const struct request *req, struct response *res, int status,
    const struct server *server, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	char etag[SERVER_ETAG];

	server_etag(server, etag);
	server_view(j, server, sees_all(req));
	return response_json_etag(req, res, status, j, etag, err);
}

/* GET /api/integrations/plex/servers: oldest first. */
static bool
servers_list(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	struct server *servers;
	struct page page;

	if (!server_list(req->call, &ask, &servers, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		server_view(j, &servers[i], sees_all(req));
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* The elements of a list; *there: it was given. */
static struct strings
texts_of(const struct request *req, const struct input *input, const char *name, bool *there)
{
	size_t n = input == NULL ? 0 : input_count(input, name);
	const char **items = arena_array(req->arena, n + 1, sizeof(*items));

	for (size_t i = 0; i < n; i++)
		items[i] = input_str_at(input, name, i);
	*there = input != NULL && input_has(input, name);
	return (struct strings) { items, n };
}

#define NAME_RULE(more) { "name", FIELD_STRING, .min = 1, .max = SERVER_NAME_MAX, .flags = (more) }
#define URL_RULE(more) { "url", FIELD_STRING, .min = 1, .max = SERVER_URL_MAX, .flags = (more) }
#define TOKEN_RULE(more) \
	{ "token", FIELD_STRING, .min = 1, .max = SERVER_TOKEN_MAX, .flags = FIELD_SECRET | (more) }
#define KEYS_RULE(name) \
	{ name, FIELD_STRINGS, .min = 0, .max = SERVER_KEYS_MAX, .item_max = SERVER_KEY_MAX }

static const struct field_rule choice_input[] = {
	KEYS_RULE("include"),
	KEYS_RULE("exclude"),
	{ .name = NULL },
};
static const struct field_rule create_input[] = {
	NAME_RULE(FIELD_REQUIRED),
	URL_RULE(FIELD_REQUIRED),
	TOKEN_RULE(FIELD_REQUIRED),
	{ "enabled", FIELD_BOOL },
	{ "libraries", FIELD_OBJECT, .fields = choice_input },
	{ .name = NULL },
};

/* POST /api/integrations/plex/servers */
static bool
servers_post(const struct request *req, struct response *res, struct error *err)
{
	const struct input *choice = input_object(req->input, "libraries");
	struct server_new new = {
		.kind = KIND,
		.name = input_str(req->input, "name"),
		.url = input_str(req->input, "url"),
		.token = input_str(req->input, "token"),
		.enabled = input_bool(req->input, "enabled", true),
	};
	struct server server;
	bool included, excluded;

	new.include = texts_of(req, choice, "include", &included);
	new.exclude = texts_of(req, choice, "exclude", &excluded);
	new.all = !included;
	return server_create(req->call, &new, &server, err) &&
	    server_reply(req, res, 201, &server, err);
}

static bool
test_reply(const struct request *req, struct response *res, const struct server_test *test,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	json_object(j, NULL);
	json_put_bool(j, "ok", str_eq(test->code, "ok"));
	json_put_str(j, "code", test->code);
	json_put_str(j, "message", test->message);
	if (test->machine_id != NULL) {
		json_object(j, "server");
		json_put_str(j, "name", test->name);
		json_put_str(j, "version", test->version);
		json_put_str(j, "machineId", test->machine_id);
		json_object_end(j);
	}
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule test_input[] = {
	URL_RULE(FIELD_REQUIRED),
	TOKEN_RULE(FIELD_REQUIRED),
	{ .name = NULL },
};

/* POST /api/integrations/plex/servers/test: before it is saved. */
static bool
servers_test(const struct request *req, struct response *res, struct error *err)
{
	struct server_test test;

	return server_test_new(req->call, KIND, input_str(req->input, "url"),
		   input_str(req->input, "token"), &test, err) &&
	    test_reply(req, res, &test, err);
}

/* POST /api/integrations/plex/servers/{id}/test */
static bool
server_test_post(const struct request *req, struct response *res, struct error *err)
{
	struct server_test test;

	return server_test_saved(req->call, request_param(req, "id"), &test, err) &&
	    test_reply(req, res, &test, err);
}

/* GET /api/integrations/plex/servers/{id} */
static bool
server_one(const struct request *req, struct response *res, struct error *err)
{
	struct server server;

	return server_get(req->call, request_param(req, "id"), &server, err) &&
	    server_reply(req, res, 200, &server, err);
}

static const struct field_rule patch_input[] = {
	NAME_RULE(0),
	URL_RULE(0),
	TOKEN_RULE(0),
	{ "enabled", FIELD_BOOL },
	{ .name = NULL },
};

static bool
server_version(const struct call *call, const char *id, int64_t *version, struct error *err)
{
	struct server found;

	if (!server_get(call, id, &found, err))
		return false;
	*version = found.version;
	return true;
}

/* PATCH /api/integrations/plex/servers/{id} */
static bool
server_patch(const struct request *req, struct response *res, struct error *err)
{
	const bool enabled = input_bool(req->input, "enabled", false);
	struct server_change change = {
		.name = input_str(req->input, "name"),
		.url = input_str(req->input, "url"),
		.token = input_str(req->input, "token"),
		.enabled = input_has(req->input, "enabled") ? &enabled : NULL,
	};
	struct server server;

	return request_expects(req, server_version, request_param(req, "id"), &change.version,
		   err) &&
	    server_change(req->call, request_param(req, "id"), &change, &server, err) &&
	    server_reply(req, res, 200, &server, err);
}

static const struct field_rule delete_input[] = {
	{ "items", FIELD_ENUM, .choices = CHOICES(SERVER_ITEMS_LIST) },
	{ .name = NULL },
};

/* DELETE /api/integrations/plex/servers/{id}?items=trash|purge */
static bool
server_delete(const struct request *req, struct response *res, struct error *err)
{
	return server_remove(req->call, request_param(req, "id"),
		   str_eq(input_str(req->input, "items"), "purge"), err) &&
	    response_empty(res, 204);
}

static const struct field_rule adopt_input[] = {
	{ "machineIdentifier", FIELD_STRING, .min = 1, .max = SERVER_KEY_MAX,
	    .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

/* POST /api/integrations/plex/servers/{id}/adopt */
static bool
server_adopt_post(const struct request *req, struct response *res, struct error *err)
{
	struct server server;

	return server_adopt(req->call, request_param(req, "id"),
		   input_str(req->input, "machineIdentifier"), &server, err) &&
	    server_reply(req, res, 200, &server, err);
}

static void
library_view(struct json *j, const struct library *library, bool all)
{
	json_object(j, NULL);
	json_put_str(j, "key", library->key);
	json_put_str(j, "title", library->title);
	json_put_str(j, "type", library->type);
	json_put_bool(j, "enabled", library->enabled);
	json_put_str(j, "visibility", library->visibility);
	if (all)
		json_put_strs(j, "users", library->users.items, library->users.n);
	json_put_int(j, "items", library->items);
	if (library->synced_at != 0)
		json_put_time(j, "lastSyncedAt", library->synced_at);
	json_object_end(j);
}

/* GET /api/integrations/plex/servers/{id}/libraries */
static bool
libraries_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct library *libraries;
	size_t n;

	if (!library_list(req->call, request_param(req, "id"), &libraries, &n, err))
		return false;
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < n; i++)
		library_view(j, &libraries[i], sees_all(req));
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct field_rule library_input[] = {
	{ "enabled", FIELD_BOOL },
	{ "visibility", FIELD_ENUM, .choices = CHOICES(LIBRARY_VISIBILITY_LIST) },
	{ "users", FIELD_UUIDS, .min = 0, .max = LIBRARY_USERS_MAX },
	{ .name = NULL },
};

/* PUT /api/integrations/plex/servers/{id}/libraries/{key} */
static bool
library_put(const struct request *req, struct response *res, struct error *err)
{
	const bool enabled = input_bool(req->input, "enabled", false);
	struct json *j = json_new(req->arena, 0);
	struct library library;
	bool named;
	const struct strings users = texts_of(req, req->input, "users", &named);
	const struct library_change change = {
		.enabled = input_has(req->input, "enabled") ? &enabled : NULL,
		.visibility = input_str(req->input, "visibility"),
		.users = named ? &users : NULL,
	};

	if (!library_change(req->call, request_param(req, "id"), request_param(req, "key"), &change,
		&library, err))
		return false;
	library_view(j, &library, true);
	return response_json(res, 200, j, err);
}

#define SERVERS "/api/integrations/plex/servers"

static const struct route plex_routes[] = {
	{ METHOD_GET, SERVERS, servers_list, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER,
	    BODY_NONE, list_page_input },
	{ METHOD_POST, SERVERS, servers_post, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE, RATE_TIER,
	    BODY_JSON, create_input },
	{ METHOD_POST, SERVERS "/test", servers_test, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, test_input },
	{ METHOD_GET, SERVERS "/{id}", server_one, AUTH_BEARER, PERM_INTEGRATIONS_VIEW, RATE_TIER,
	    BODY_NONE, NULL },
	{ METHOD_PATCH, SERVERS "/{id}", server_patch, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_JSON, patch_input },
	{ METHOD_DELETE, SERVERS "/{id}", server_delete, AUTH_BEARER, PERM_INTEGRATIONS_CONFIGURE,
	    RATE_TIER, BODY_NONE, delete_input },
	{ METHOD_POST, SERVERS "/{id}/test", server_test_post, AUTH_BEARER,
	    PERM_INTEGRATIONS_CONFIGURE, RATE_TIER, BODY_JSON, NULL },
	{ METHOD_POST, SERVERS "/{id}/adopt", server_adopt_post, AUTH_BEARER,
	    PERM_INTEGRATIONS_CONFIGURE, RATE_TIER, BODY_JSON, adopt_input },
	{ METHOD_GET, SERVERS "/{id}/libraries", libraries_get, AUTH_BEARER, PERM_INTEGRATIONS_VIEW,
	    RATE_TIER, BODY_NONE, NULL },
	{ METHOD_PUT, SERVERS "/{id}/libraries/{key}", library_put, AUTH_BEARER,
	    PERM_INTEGRATIONS_CONFIGURE, RATE_TIER, BODY_JSON, library_input },
	{ .path = NULL },
};

static const struct field_rule params[] = {
	{ "key", FIELD_STRING, .min = 1, .max = SERVER_KEY_MAX },
	{ .name = NULL },
};

const struct route_module plex_module = { "plex", plex_routes, params };
