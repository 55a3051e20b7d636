/* Setting up, changing and removing media servers. */
#include <stdio.h>
#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/catalogue/media_purge.h"
#include "service/gate/cache.h"
#include "service/integrations/libraries.h"
#include "service/integrations/server_look.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync.h"
#include "service/notify/alert.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_libraries.h"
#include "store/store_servers.h"

#include "core/banned.h"

#define SERVER_GONE "A media server was removed"
#define SERVER_OFF "A media server was switched off"
#define REMOVE_US (10 * US_PER_SEC) /* of one run: further items are left to the next one */

static bool
same_url(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	while (na > 0 && a[na - 1] == '/')
		na--;
	while (nb > 0 && b[nb - 1] == '/')
		nb--;
	return na == nb && strncmp(a, b, na) == 0;
}

static bool
seal_token(const struct call *call, const char *id, const char *token, const char **sealed,
    struct error *err)
{
	const struct seal_place place = { "media_servers", id, "token" };

	return seal_text(call, place, token, strlen(token), sealed, err);
}

static const char *
detail_of(struct arena *arena, const struct server_change *change)
{
	struct json *j = json_new(arena, 0);

	json_object(j, NULL);
	json_opt_str(j, "name", change->name);
	json_opt_str(j, "url", change->url);
	if (change->token != NULL)
		json_put_bool(j, "token", true);
	if (change->enabled != NULL)
		json_put_bool(j, "enabled", *change->enabled);
	json_object_end(j);
	return j->buf.data;
}

static bool
audit(const struct call *call, const char *action, const char *id, const char *detail,
    struct error *err)
{
	const struct audit_event event = {
		.action = action, .target_type = "media_server", .target_id = id, .detail = detail
	};

	return audit_add(call, &event, err);
}

bool
server_create(const struct call *call, const struct server_new *new, struct server *server,
    struct error *err)
{
	const struct server_change said = { .name = new->name, .url = new->url };
	struct store_server_new row = { .kind = new->kind,
		.name = new->name,
		.url = new->url,
		.enabled = new->enabled,
		.all = new->all,
		.include = new->include,
		.exclude = new->exclude };
	struct db *db = call->svc->db;
	struct media_server client;
	struct server_look look;
	char id[UUID_TEXT];

	uuid_v7(id);
	row.id = id;
	if (!server_url_check(new->url, err) || !server_token_check(new->token, err) ||
	    !seal_token(call, id, new->token, &row.token, err) ||
	    !server_client_new(call, new->kind, new->url, new->token, &client, err))
		return false;
	server_look(call, &client, &look);
	return db_begin(db, err) &&
	    db_end(db,
		store_server_add(db, call->arena, &row, err) &&
		    server_look_keep(call, id, &look, err) &&
		    audit(call, "media_server.created", id, detail_of(call->arena, &said), err) &&
		    (!new->enabled || sync_request(call, id, NULL, "api", err)),
		err) &&
	    server_get(call, id, server, err);
}

/* In a transaction: nothing is wrong with a server that is not used. */
static bool
end_alerts(const struct call *call, const char *id, const char *title, struct error *err)
{
	static const enum alert_id rules[] = { ALERT_SYNC_STOPPED, ALERT_HOOK_SILENCE };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct alert_told told = { .rule = rules[i], .subject = id, .title = title };

		if (!alert_clear(call, &told, err))
			return false;
	}
	return true;
}

/* In the transaction. */
static bool
change_in(const struct call *call, const char *id, const struct server_change *change,
    const struct server_look *look, struct error *err)
{
	struct store_server_change row = {
		.name = change->name,
		.url = change->url,
		.enabled = change->enabled == NULL ? NULL :
		    *change->enabled               ? "true" :
						     "false",
	};
	struct db *db = call->svc->db;
	struct server server;
	bool begins, ends = change->enabled != NULL && !*change->enabled;

	if (!store_server_lock(db, call->arena, id, &server, err))
		return false;
	if (server.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such media server.");
	if (change->version != 0 && change->version != server.version)
		return error_set(err, ERR_PRECONDITION,
		    "This server has changed since you loaded it. Reload it and try again.");
	if (change->token != NULL && !seal_token(call, id, change->token, &row.token, err))
		return false;
	begins = change->enabled != NULL ? *change->enabled : server.enabled;
	begins = begins && (change->enabled != NULL || look != NULL);
	return store_server_change(db, call->arena, id, &row, err) &&
	    (look == NULL || server_look_keep(call, id, look, err)) &&
	    audit(call, "media_server.updated", id, detail_of(call->arena, change), err) &&
	    (!ends || end_alerts(call, id, SERVER_OFF, err)) &&
	    (!begins || sync_request(call, id, NULL, "api", err));
}

/* Asks the server as it will be. *asked: there was a reason to. */
static bool
look_ahead(const struct call *call, const char *id, const struct server_change *change,
    struct server_look *look, bool *asked, struct error *err)
{
	struct media_server client;
	struct server server;

	*asked = false;
	if (change->url == NULL && change->token == NULL)
		return true;
	if (!server_get(call, id, &server, err))
		return false;
	if (change->url != NULL && !same_url(change->url, server.url) && change->token == NULL)
		return error_field(err, "token", "required", "must be given with a new address");
	if (change->token == NULL)
		return true;
	*asked = true;
	if (!server_client_new(call, server.kind, change->url != NULL ? change->url : server.url,
		change->token, &client, err))
		return false;
	if (same_url(client.url, server.url))
		client.machine_id = server.machine_id;
	server_look(call, &client, look);
	return true;
}

bool
server_change(const struct call *call, const char *id, const struct server_change *change,
    struct server *server, struct error *err)
{
	struct db *db = call->svc->db;
	struct server_look look;
	bool asked;

	if ((change->url != NULL && !server_url_check(change->url, err)) ||
	    (change->token != NULL && !server_token_check(change->token, err)) ||
	    !look_ahead(call, id, change, &look, &asked, err))
		return false;
	return db_begin(db, err) &&
	    db_end(db, change_in(call, id, change, asked ? &look : NULL, err), err) &&
	    server_get(call, id, server, err);
}

/* In the transaction. */
static bool
adopt_in(const struct call *call, const struct server *server, const char *machine_id,
    struct error *err)
{
	struct json *detail = json_new(call->arena, 0);
	bool adopted;

	if (!store_server_adopt(call->svc->db, call->arena, server->id, machine_id, &adopted,
		err)) {
		if (db_violated(err, "media_servers_machine_id_key"))
			error_slug(err, ERR_CONFLICT, "server_exists",
			    "This installation is set up already as another server.");
		return false;
	}
	if (!adopted)
		return error_slug(err, ERR_CONFLICT, "nothing_to_adopt",
		    "This is not the installation that responded last. Reload the server and look"
		    " again.");
	json_object(detail, NULL);
	json_put_str(detail, "machineIdentifier", machine_id);
	json_object_end(detail);
	return audit(call, "media_server.adopted", server->id, detail->buf.data, err) &&
	    (!server->enabled || sync_request(call, server->id, NULL, "api", err));
}

bool
server_adopt(const struct call *call, const char *id, const char *machine_id, struct server *server,
    struct error *err)
{
	struct db *db = call->svc->db;

	return server_get(call, id, server, err) && db_begin(db, err) &&
	    db_end(db, adopt_in(call, server, machine_id, err), err) &&
	    server_get(call, id, server, err);
}

static bool
purge(const struct call *call, struct strings ids, struct error *err)
{
	struct strings stored;

	if (!store_server_items_purge(call->svc->db, call->arena, ids, &stored, err))
		return false;
	for (size_t i = 0; i < stored.n; i++)
		if (!media_purge_add(call, stored.items[i], NULL, err))
			return false;
	return true;
}

/* In a transaction: the next items of a server that is removed, and last the server. */
static bool
remove_some(const struct call *call, const char *id, bool *more, struct error *err)
{
	struct db *db = call->svc->db;
	struct strings ids;
	const char *items;
	bool deleted;

	*more = false;
	if (!store_server_removing(db, call->arena, id, &items, err))
		return false;
	if (items == NULL)
		return true;
	if (!store_server_items(db, call->arena, id, LIBRARY_BATCH, &ids, err))
		return false;
	if (ids.n > 0 &&
	    (!(str_eq(items, "purge") ? purge(call, ids, err) :
					store_server_items_trash(db, call->arena, ids, err)) ||
		!cache_change(call, CACHE_HOUSE, err)))
		return false;
	*more = ids.n == LIBRARY_BATCH;
	return *more ||
	    (store_server_delete(db, call->arena, id, &deleted, err) &&
		end_alerts(call, id, SERVER_GONE, err));
}

static bool
remove_later(const struct call *call, const char *id, struct error *err)
{
	struct json *payload = json_new(call->arena, 0);

	json_object(payload, NULL);
	json_put_str(payload, "serverId", id);
	json_object_end(payload);
	return job_add(call, JOB_SERVER_REMOVE, payload->buf.data,
	    arena_printf(call->arena, "server.remove:%s", id), 0, err);
}

/* In the transaction. */
static bool
remove_in(const struct call *call, const char *id, bool purges, struct error *err)
{
	const char *items = purges ? "purge" : "trash";
	struct json *detail = json_new(call->arena, 0);
	struct db *db = call->svc->db;
	struct server server;
	bool more;

	if (!store_server_lock_all(db, call->arena, id, &server, err))
		return false;
	if (server.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such media server.");
	json_object(detail, NULL);
	json_put_str(detail, "name", server.name);
	json_put_str(detail, "items", items);
	json_object_end(detail);
	return store_server_remove(db, call->arena, id, items, err) &&
	    audit(call, "media_server.deleted", id, detail->buf.data, err) &&
	    end_alerts(call, id, SERVER_GONE, err) && remove_some(call, id, &more, err) &&
	    (!more || remove_later(call, id, err));
}

bool
server_remove(const struct call *call, const char *id, bool purges, struct error *err)
{
	struct db *db = call->svc->db;

	return db_begin(db, err) && db_end(db, remove_in(call, id, purges, err), err);
}

/* In the transaction: completes the job after its last batch. */
static bool
remove_step(const struct call *call, const struct job *job, const char *id, bool last, bool *more,
    struct error *err)
{
	return remove_some(call, id, more, err) &&
	    ((*more && !last) ||
		(store_job_done(call->svc->db, call->arena, job, err) &&
		    (!*more || remove_later(call, id, err))));
}

bool
server_remove_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const char *id = payload == NULL ? NULL : json_str(payload, "serverId", "");
	int64_t until = clock_monotonic() + REMOVE_US;
	struct db *db = call->svc->db;
	struct call step = *call;
	struct arena arena;
	bool more = true, last = false, ok = true;

	if (id == NULL || !uuid_valid(id))
		return error_set(err, ERR_INTERNAL, "The job does not name a server.");
	arena_init(&arena);
	step.arena = &arena;
	while (ok && more && !last) {
		last = *env->stop || clock_monotonic() >= until;
		ok = db_begin(db, err) &&
		    db_end(db, remove_step(&step, job, id, last, &more, err), err);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}
