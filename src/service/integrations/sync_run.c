/*
 * One run of one server, phase by phase: CheckConnection, AuthenticatePlex, GetLibraries,
 * FetchSections, for each section ProcessSection, GetSectionItems, CompareWithDB, CreateNewItems,
 * UpdateExistingItems, MarkDeletedItems and NextSection, then GenerateReport, SendNotifications
 * and CacheResults.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/integrations/libraries.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync_internal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_servers.h"

#include "core/banned.h"

#define HOST_MAX 256

bool
sync_stopped(const struct sync_engine *e)
{
	return e->ask->stop != NULL && *e->ask->stop;
}

/* --- the run's row --------------------------------------------------------------------------- */

static const char *
owner_name(struct arena *arena)
{
	char host[HOST_MAX];

	if (gethostname(host, sizeof(host)) != 0)
		str_copy(host, sizeof(host), "unknown");
	host[sizeof(host) - 1] = '\0';
	return arena_printf(arena, "%s, process %ld", host, (long)getpid());
}

/*
 * Where the server was set up again, only a run that has taken the keys from the items: the pages
 * of another one were compared by keys that do not count.
 */
static bool
resumable(const struct sync_engine *e, const struct sync_run *run)
{
	const struct sync_ask *ask = e->ask;

	return run->id != NULL && ask->passes == NULL && str_eq(run->section, ask->section) &&
	    run->full == ask->full && run->dry == ask->dry && run->halt == NULL &&
	    clock_now() - run->heartbeat_at < SYNC_RESUME_S * US_PER_SEC &&
	    (!e->rekey || sync_was_rekeyed(e->call->arena, run));
}

/* A new run, or the one that a process left behind. */
static bool
open_in(struct sync_engine *e, struct sync_run *run, struct error *err)
{
	struct arena *arena = e->call->arena;
	struct db *db = e->call->svc->db;
	char id[UUID_TEXT], owner[UUID_TEXT];
	struct sync_open open = {
		.server_id = e->server->id,
		.trigger = e->ask->trigger,
		.section = e->ask->section,
		.owner_name = owner_name(arena),
		.passes = e->passes,
		.full = e->full,
		.dry = e->dry,
	};

	uuid_v7(id);
	uuid_v7(owner);
	if (!store_sync_running(db, arena, e->server->id, run, err) ||
	    !store_sync_rekey(db, arena, e->server->id, &e->rekey, err))
		return false;
	if (!resumable(e, run))
		run->id = NULL;
	e->hold.id = arena_strdup(arena, run->id != NULL ? run->id : id);
	e->hold.owner = arena_strdup(arena, owner);
	open.hold = e->hold;
	return store_sync_abandon(db, arena, e->server->id, run->id, err) &&
	    (run->id != NULL ? store_sync_take(db, arena, &open, err) :
			       store_sync_open(db, arena, &open, err)) &&
	    store_sync_last(db, arena, e->server->id, e->hold.id, &e->last, err);
}

/* --- the server ------------------------------------------------------------------------------ */

/* Another installation than the one whose keys we have. */
static bool
other_machine(struct sync_engine *e, const char *machine_id, struct error *err)
{
	const struct store_server_contact contact = { .machine_id = machine_id };
	struct server owner;
	bool known;

	if (!server_of_machine(e->call, machine_id, &owner, err))
		return false;
	e->over = true;
	e->error_code = "server_changed";
	if (owner.id != NULL) {
		e->error_message = arena_printf(e->call->arena,
		    "The server at this address is already set up as \"%s\".", owner.name);
		return true;
	}
	e->error_message = "Another Plex installation responds at this address. "
			   "Confirm that it is the same server, or correct the address.";
	return e->dry ||
	    store_server_seen(e->call->svc->db, e->call->arena, e->server->id, &contact, &known,
		err);
}

static bool
seen(struct sync_engine *e, const struct server_identity *who, struct error *err)
{
	const struct store_server_contact contact = { who->machine_id, who->version };
	bool known;

	if (!store_server_seen(e->call->svc->db, e->call->arena, e->server->id, &contact, &known,
		err))
		return false;
	if (!known)
		sync_server_off(e);
	return true;
}

/* Reaches the server and proves who it is. */
static bool
connect_to(struct sync_engine *e, struct error *err)
{
	struct arena *arena = e->call->arena;
	struct server_identity who;
	struct error why;

	if (!sync_phase(e, "CheckConnection", err))
		return false;
	if (e->client->kind->check(arena, e->client, &who, &why) != ANSWER_PRESENT) {
		e->over = true;
		sync_gave_up(e, &why);
		return true;
	}
	if (e->server->machine_id != NULL && !str_eq(e->server->machine_id, who.machine_id))
		return other_machine(e, who.machine_id, err);
	if (!sync_phase(e, "AuthenticatePlex", err))
		return false;
	if (e->client->kind->authenticate(arena, e->client, &who, &why) != ANSWER_PRESENT) {
		e->over = true;
		sync_gave_up(e, &why);
		return true;
	}
	if (e->server->machine_id == NULL) {
		struct server owner;

		if (!server_of_machine(e->call, who.machine_id, &owner, err))
			return false;
		if (owner.id != NULL)
			return other_machine(e, who.machine_id, err);
	}
	e->machine_id = who.machine_id;
	e->proven = *e->client;
	e->proven.machine_id = who.machine_id;
	e->client = &e->proven;
	return seen(e, &who, err);
}

/* --- sections -------------------------------------------------------------------------------- */

static bool
lists(const struct server_section *list, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].key, key))
			return true;
	return false;
}

/* What the server lists, and what it listed before. */
static bool
build_sections(struct sync_engine *e, const struct server_section *list, size_t n,
    struct error *err)
{
	struct sync_section_row *rows;
	size_t nrows;

	if (!store_sync_sections(e->call->svc->db, e->call->arena, e->server->id, &rows, &nrows,
		err))
		return false;
	e->sections = arena_array(e->call->arena, nrows, sizeof(*e->sections));
	for (size_t i = 0; i < nrows; i++) {
		struct sync_section section = { .row = rows[i],
			.listed = lists(list, n, rows[i].key),
			.state = rows[i].enabled ? SECTION_WAITING : SECTION_EXCLUDED };

		if (e->ask->section != NULL && !str_eq(e->ask->section, rows[i].key))
			continue;
		if (!section.listed && !rows[i].filled)
			continue;
		e->sections[e->nsections++] = section;
	}
	return true;
}

static bool
get_sections(struct sync_engine *e, struct error *err)
{
	struct server_section *list;
	struct error why;
	size_t n;

	if (!sync_phase(e, "GetLibraries", err))
		return false;
	if (e->client->kind->sections(e->call->arena, e->client, &list, &n, &why) !=
	    ANSWER_PRESENT) {
		e->over = true;
		sync_gave_up(e, &why);
		return true;
	}
	return sync_phase(e, "FetchSections", err) &&
	    library_keep(e->call, e->server->id, list, n, err) && build_sections(e, list, n, err);
}

/* A section that is not there has none of its items. */
static bool
vanished(struct sync_engine *e, struct sync_section *section, struct error *err)
{
	struct sync_place place = sync_place_of(e, section);

	section->state = SECTION_LISTED;
	return store_sync_miss_others(e->call->svc->db, e->call->arena, &place,
	    (struct strings) { NULL, 0 }, err);
}

static bool
process(struct sync_engine *e, size_t i, struct error *err)
{
	struct sync_section *section = &e->sections[i];

	if (section->state != SECTION_WAITING && section->state != SECTION_RUNNING)
		return true;
	if (!sync_phase(e, "ProcessSection", err))
		return false;
	if (!section->listed)
		return vanished(e, section, err);
	if (section->state == SECTION_WAITING)
		e->cursor = (struct sync_cursor) { .section = i, .total = -1 };
	return sync_phase(e, "GetSectionItems", err) && sync_list_section(e, err) &&
	    sync_phase(e, "NextSection", err);
}

/* --- the whole ------------------------------------------------------------------------------- */

static bool
begin_rekey(struct sync_engine *e, bool resumed, struct error *err)
{
	return !e->rekey || resumed || e->dry ||
	    store_sync_park_all(e->call->svc->db, e->call->arena, e->server->id, err);
}

static bool
work(struct sync_engine *e, const struct sync_run *earlier, struct error *err)
{
	if (!connect_to(e, err))
		return false;
	if (e->over)
		return true;
	if (!get_sections(e, err))
		return false;
	if (e->over)
		return true;
	if (earlier->id != NULL)
		sync_load(e, earlier);
	if (!begin_rekey(e, earlier->id != NULL, err) || !sync_save(e->call, e, err))
		return false;
	for (size_t i = 0; i < e->nsections && !e->over && !sync_stopped(e); i++)
		if (!process(e, i, err))
			return false;
	return sync_stopped(e) || sync_settle(e, err);
}

static bool
run_locked(struct sync_engine *e, struct sync_outcome *out, struct error *err)
{
	struct db *db = e->call->svc->db;
	struct sync_run earlier;

	if (!db_begin(db, err) || !db_end(db, open_in(e, &earlier, err), err))
		return false;
	if (!work(e, &earlier, err))
		return false;
	if (sync_stopped(e)) {
		*out = (struct sync_outcome) {
			.run_id = e->hold.id, .status = "running", .counts = sync_counts_of(e)
		};
		return true;
	}
	return sync_end(e, out, err);
}

/* Whose run it is that is at work. */
static bool
busy(const struct call *call, const struct server *server, struct error *err)
{
	char since[RFC3339_MAX];
	struct sync_run run;

	if (!store_sync_running(call->svc->db, call->arena, server->id, &run, err))
		return false;
	if (run.id == NULL)
		return error_slug(err, ERR_UNAVAILABLE, "sync_busy",
		    "Another sync of \"%s\" is at work.", server->name);
	time_rfc3339(run.started_at, since);
	return error_slug(err, ERR_UNAVAILABLE, "sync_busy",
	    "Another sync of \"%s\" is at work since %s (%s).", server->name, since,
	    run.owner_name);
}

bool
sync_with(const struct call *call, const struct server *server, const struct media_server *client,
    const struct sync_ask *ask, struct sync_outcome *out, struct error *err)
{
	struct sync_engine e = { .call = call,
		.ask = ask,
		.server = server,
		.client = client,
		.passes = ask->passes,
		.full = ask->full,
		.dry = ask->dry,
		.phase = "CheckConnection",
		.started_at = clock_now(),
		.page_size = SYNC_PAGE_FIRST,
		.page_most = SYNC_PAGE_MAX };
	struct db *db = call->svc->db;
	struct error ignored;
	bool taken, ok;

	buf_init(&e.errors, call->arena, 0);
	db_set_timeout(db, SYNC_STATEMENT_MS);
	if (!store_sync_lock(db, call->arena, server->id, &taken, err))
		return false;
	if (!taken)
		return busy(call, server, err);
	ok = run_locked(&e, out, err);
	store_sync_unlock(db, call->arena, server->id, &ignored);
	return ok;
}

bool
sync_server(const struct call *call, const char *server_id, const struct sync_ask *ask,
    struct sync_outcome *out, struct error *err)
{
	struct media_server client;
	struct server server;

	if (!server_get(call, server_id, &server, err))
		return false;
	if (!server.enabled)
		return error_slug(err, ERR_CONFLICT, "server_off", "\"%s\" is switched off.",
		    server.name);
	return server_client(call, &server, &client, err) &&
	    sync_with(call, &server, &client, ask, out, err);
}
