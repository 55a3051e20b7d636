#include "service/integrations/sync.h"

#include <cjson/cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_sync.h"

#include "core/banned.h"

#define SYNC_BUSY_US (20 * US_PER_SEC) /* between looks at a server that another process syncs */

/* --- wanting a run --------------------------------------------------------------------------- */

struct order {
	const char *server_id, *section, *trigger, *passes;
	bool full, dry;
	int64_t run_at; /* us; 0: now */
};

static bool
add_job(const struct call *call, const struct order *o, struct error *err)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "server", o->server_id);
	json_opt_str(j, "section", o->section);
	json_put_str(j, "trigger", o->trigger);
	json_opt_str(j, "passes", o->passes);
	json_put_bool(j, "full", o->full);
	json_put_bool(j, "dry", o->dry);
	json_object_end(j);
	return job_add(call, JOB_SYNC, j->buf.data,
	    arena_printf(call->arena, "sync:%s:%s:%s%d%d", o->server_id,
		o->section == NULL ? "" : o->section, o->passes == NULL ? "" : o->passes, o->full,
		o->dry),
	    o->run_at, err);
}

/* One job for each server: they run side by side. */
static bool
add_jobs(const struct call *call, struct order *o, struct error *err)
{
	struct strings servers;

	if (o->server_id != NULL)
		return add_job(call, o, err);
	if (!store_sync_servers(call->svc->db, call->arena, NULL, &servers, err))
		return false;
	for (size_t i = 0; i < servers.n; i++) {
		o->server_id = servers.items[i];
		if (!add_job(call, o, err))
			return false;
	}
	return true;
}

bool
sync_request(const struct call *call, const char *server_id, const char *section_key,
    const char *trigger, struct error *err)
{
	struct order order = { .server_id = server_id, .section = section_key, .trigger = trigger };

	return add_jobs(call, &order, err);
}

/* A server that is switched off is left alone, whatever asks for it. */
static bool
is_on(const struct call *call, const char *server_id, struct error *err)
{
	struct server server;

	if (!server_get(call, server_id, &server, err))
		return false;
	return server.enabled ||
	    error_slug(err, ERR_CONFLICT, "server_off",
		"\"%s\" is switched off. Switch it on first.", server.name);
}

bool
sync_wish(const struct call *call, const struct sync_wish *wish, struct error *err)
{
	struct order order = { .server_id = wish->server_id,
		.section = wish->section,
		.trigger = "api",
		.full = wish->full,
		.dry = wish->dry };
	struct db *db = call->svc->db;

	if (wish->server_id != NULL && !is_on(call, wish->server_id, err))
		return false;
	return db_begin(db, err) && db_end(db, add_jobs(call, &order, err), err);
}

bool
sync_continue(const struct call *call, const char *run_id, struct error *err)
{
	struct db *db = call->svc->db;
	struct sync_run run;
	struct order order;

	if (!sync_get(call, run_id, &run, err))
		return false;
	if (!run.can_continue)
		return error_slug(err, ERR_CONFLICT, "sync_not_halted",
		    "This sync is not waiting for anything. Look at the newest one.");
	if (!is_on(call, run.server_id, err))
		return false;
	order = (struct order) { .server_id = run.server_id,
		.section = run.section,
		.trigger = "api",
		.passes = run.halt_of };
	return db_begin(db, err) && db_end(db, add_job(call, &order, err), err);
}

/* --- reading reports ------------------------------------------------------------------------- */

bool
sync_get(const struct call *call, const char *run_id, struct sync_run *run, struct error *err)
{
	if (!store_sync_get(call->svc->db, call->arena, run_id, run, err))
		return false;
	if (run->id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such sync.");
	return sync_show(call, run, 1, err);
}

bool
sync_list(const struct call *call, const char *server_id, const struct list_ask *ask,
    struct sync_run **runs, struct page *page, struct error *err)
{
	struct list_position after;
	struct sync_list_ask list = { .server_id = server_id, .limit = ask->limit + 1 };
	size_t n;

	if (!list_after(call->arena, LIST_SYNCS, ask->cursor, &after, err))
		return false;
	list.before = after.number;
	list.before_id = after.id;
	if (!store_sync_list(call->svc->db, call->arena, &list, runs, &n, err))
		return false;
	if (list_cut(page, n, ask->limit))
		page->next = list_cursor(call->arena, LIST_SYNCS,
		    &(struct list_position) {
			.id = (*runs)[page->n - 1].id, .number = (*runs)[page->n - 1].started_at });
	return sync_show(call, *runs, page->n, err);
}

/* --- running --------------------------------------------------------------------------------- */

static void
log_end(const struct call *call, const struct sync_outcome *out)
{
	log_info(call->svc->log, "sync %s: %s%s%s", out->run_id, out->status,
	    out->error_message == NULL ? "" : ", ",
	    out->error_message == NULL ? "" : out->error_message);
}

/* In the transaction: another process is at work on the server; again when it may have ended. */
static bool
later_in(const struct call *call, const struct job *job, const struct order *order,
    struct error *err)
{
	return store_job_done(call->svc->db, call->arena, job, err) && add_job(call, order, err);
}

/* The run did not begin. */
static bool
not_begun(const struct call *call, const struct job *job, struct order *order, struct error *err)
{
	struct db *db = call->svc->db;
	const char *slug = error_slug_of(err);

	if (str_eq(slug, "sync_busy")) {
		order->run_at = clock_now() + SYNC_BUSY_US;
		return db_begin(db, err) && db_end(db, later_in(call, job, order, err), err);
	}
	/* The server was removed or switched off meanwhile. */
	return (err->code == ERR_NOT_FOUND || str_eq(slug, "server_off")) &&
	    store_job_done(db, call->arena, job, err);
}

bool
sync_job_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	struct sync_outcome out;
	struct order order;
	struct sync_ask ask;

	if (payload == NULL || !store_job_key_free(call->svc->db, call->arena, job, err))
		return false;
	order = (struct order) { .server_id = json_str(payload, "server", ""),
		.trigger = json_str(payload, "trigger", "api"),
		.section = json_str(payload, "section", NULL),
		.passes = json_str(payload, "passes", NULL),
		.full = json_bool(payload, "full", false),
		.dry = json_bool(payload, "dry", false) };
	ask = (struct sync_ask) { .trigger = order.trigger,
		.section = order.section,
		.passes = order.passes,
		.full = order.full,
		.dry = order.dry,
		.stop = env->stop };
	if (!sync_server(call, order.server_id, &ask, &out, err))
		return not_begun(call, job, &order, err);
	log_end(call, &out);
	if (str_eq(out.status, "running"))
		return error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker stops.");
	return store_job_done(call->svc->db, call->arena, job, err);
}

bool
sync_expire_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_sync_expire(call->svc->db, call->arena, SYNC_KEEP_DAYS, err) &&
	    store_job_done(call->svc->db, call->arena, job, err);
}
