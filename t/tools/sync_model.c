/*
 * The sync against a model: random libraries on a server that fails in random ways, and what must
 * hold after each run. Run by t/411-sync-model.t:
 *
 *	sync-model CONFIG SEED SCRIPTS [TRACE]
 *
 * A script is a library and some runs; between runs, and within some, items come, go, move, change
 * and give their keys to others. The promises: no item that was there all the time is lost or
 * becomes another one; none is kept that was gone in two complete runs; after a good run all that
 * is there is in the catalogue. It prints the seed of a script that breaks one.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "core/str.h"
#include "model/server.h"
#include "service/call.h"
#include "service/integrations/sync.h"
#include "service/services.h"
#include "store/pg.h"
#include "t/tools/sync_model.h"
#include "core/banned.h"

#define RUNS_MIN 3
#define RUNS_MORE 5
#define KILL_US 20000  /* a run takes less */
#define SHOW_EVERY 500 /* scripts */
#define BUSY_TRIES 500
#define BUSY_NS 10000000

static struct services svc;
static struct config *config;
static const struct log quiet = { .component = "sync-model" };

/* --- what must hold ------------------------------------------------------------------------- */

struct item {
	const char *media_id;
	unsigned guid;
	bool ready;
};
struct view {
	struct item *items;
	size_t n;
};

static const struct query q_view = { "view",
	"SELECT s.media_id, substr(s.guid, 14)::int, m.status = 'ready' FROM server_items s"
	" JOIN media m ON m.id = s.media_id WHERE s.server_id = $1 ORDER BY 1",
	QUERY_READ };
static const struct query q_add = { "add",
	"INSERT INTO media_servers (id, kind, name, url, token, machine_id)"
	" VALUES ($1::uuid, 'plex', 'Model', 'http://192.0.2.1', 'x', $1::uuid::text)",
	0 };
static const struct query q_halt = { "halt",
	"SELECT halt_of FROM sync_runs WHERE id = $1 AND status = 'halted'", QUERY_READ };

static bool
look(struct arena *arena, const char *server, struct view *view, struct error *err)
{
	struct rows *rows;

	if (!db_exec(svc.db, arena, &q_view, DB_PARAMS(server), &rows, err))
		return false;
	view->n = rows_count(rows);
	view->items = arena_array(arena, view->n, sizeof(*view->items));
	for (size_t i = 0; i < view->n; i++)
		view->items[i] = (struct item) { rows_str(rows, i, 0),
			(unsigned)rows_int(rows, i, 1), rows_bool(rows, i, 2) };
	return true;
}

static unsigned
ready_of(const struct view *view, unsigned guid, const char **id)
{
	unsigned n = 0;

	for (size_t i = 0; i < view->n; i++)
		if (view->items[i].guid == guid && view->items[i].ready) {
			*id = view->items[i].media_id;
			n++;
		}
	return n;
}

/* Of the things of one guid: there all the time, now, at any time; unreadable. */
struct tally {
	unsigned steady, now, ever, broken, all;
};

static struct tally
tally_of(unsigned guid)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < model_nthings; i++) {
		if (model_things[i].guid != guid)
			continue;
		t.all++;
		t.steady += model_things[i].all_the_time;
		t.now += model_is_there(&model_things[i]);
		t.ever += !model_things[i].never;
		t.broken += model_things[i].broken;
	}
	return t;
}

static unsigned gone_runs[THINGS_MAX + 1]; /* by guid: complete runs in a row without it */

static bool
broke(unsigned guid, const char *what)
{
	printf("# guid %u: %s\n", guid, what);
	return false;
}

static void
show(const struct view *view)
{
	for (unsigned i = 0; i < model_nthings; i++)
		printf("#     guid %u key %u section %u%s%s%s%s\n", model_things[i].guid,
		    model_things[i].key, model_things[i].section + 1,
		    model_things[i].there ? "" : " gone",
		    model_things[i].trashed ? " in the trash" : "",
		    model_things[i].broken ? " broken" : "",
		    model_things[i].nameless ? " nameless" : "");
	for (size_t i = 0; i < view->n; i++)
		printf("#     item %s guid %u%s\n", view->items[i].media_id, view->items[i].guid,
		    view->items[i].ready ? " ready" : "");
}

static bool
promises(const struct view *before, const struct view *after, const char *status)
{
	bool good = str_eq(status, "ok"), complete = good || str_eq(status, "halted");

	for (unsigned guid = 0; guid < model_next_guid; guid++) {
		struct tally t = tally_of(guid);
		const char *was = NULL, *is = NULL;
		unsigned had = ready_of(before, guid, &was), has = ready_of(after, guid, &is);

		if (has < (had < t.steady ? had : t.steady))
			return broke(guid, "an item that was there all the time is lost");
		if (t.all == 1 && t.steady == 1 && had == 1 && has == 1 && !str_eq(was, is))
			return broke(guid, "an item became another one");
		if (complete && !model_doubt)
			gone_runs[guid] = t.ever == 0 ? gone_runs[guid] + 1 : 0;
		else if (t.ever > 0)
			gone_runs[guid] = 0;
		if (good && !model_doubt && gone_runs[guid] >= 2 && has > 0)
			return broke(guid, "what was gone in two complete runs is kept");
		if (good && model_fault == FAULT_NONE && t.broken == 0 && has < t.now)
			return broke(guid, "what is there is not in the catalogue");
	}
	return true;
}

/* --- a script -------------------------------------------------------------------------------- */

/*
 * Is it known, and can it be recognized? One that cannot be read is known by its key, or by its
 * neighbours.
 */
static bool
recognizable(const struct thing *thing)
{
	if (thing->known_key == 0)
		return false;
	return !thing->broken ||
	    (thing->key == thing->known_key &&
		(!thing->nameless || thing->section == thing->known_section));
}

static void
remember(void)
{
	for (unsigned i = 0; i < model_nthings; i++)
		if (model_is_there(&model_things[i]) && !model_things[i].broken) {
			model_things[i].known_key = model_things[i].key;
			model_things[i].known_section = model_things[i].section;
		}
}

static void
begin_run(void)
{
	model_fault = model_chance(45) ? FAULT_NONE : (enum fault)model_below(FAULTS);
	model_fault_at = 1 + model_below(12);
	model_page_cap = 2 + model_below(5);
	model_questions = 0;
	model_stop = 0;
	model_doubt = false;
	for (unsigned i = 0; i < model_nthings; i++) {
		model_things[i].all_the_time =
		    model_is_there(&model_things[i]) && recognizable(&model_things[i]);
		model_things[i].never = !model_may_be_there(&model_things[i]);
	}
}

struct script {
	struct server server;
	struct media_server client;
	struct view before;
	const char *halted; /* a run that may be let pass, or NULL */
};

/* Thousands of runs, and no power cut: nothing here waits for the disk. */
static bool
hasten(struct db *db, struct error *err)
{
	return db_script(db, "SET synchronous_commit = off", err);
}

/* PostgreSQL takes a moment to see that a process was killed, and keeps its lock until then. */
static bool
run_sync(const struct call *call, const struct script *s, const struct sync_ask *ask,
    struct sync_outcome *out, struct error *err)
{
	for (int i = 0; i < BUSY_TRIES; i++) {
		if (sync_with(call, &s->server, &s->client, ask, out, err))
			return true;
		if (!str_eq(err->slug, "sync_busy"))
			return false;
		nanosleep(&(struct timespec) { 0, BUSY_NS }, NULL);
	}
	return false;
}

/* In a process that is killed somewhere; the next run finds what it left behind. */
static void
die_within(const struct server *server, const struct media_server *client,
    const struct sync_ask *ask)
{
	struct itimerval timer = { .it_value.tv_usec = 1 + (long)model_below(KILL_US) };
	struct sync_outcome out;
	struct services own;
	struct arena arena;
	struct error err;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		arena_init(&arena);
		if (!services_init(&own, config, (struct log *)(uintptr_t)&quiet, SERVICES_WORKER,
			&err))
			_exit(1);
		hasten(own.db, &err);
		setitimer(ITIMER_REAL, &timer, NULL);
		sync_with(SYSTEM_CALL(&own, &arena), server, client, ask, &out, &err);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static bool
run_once(struct script *s, struct arena *arena, struct error *err)
{
	const struct call *call = SYSTEM_CALL(&svc, arena);
	struct sync_ask ask = {
		.trigger = "cron", .stop = &model_stop, .retry_ms = 1, .full = model_chance(10)
	};
	struct sync_outcome out;
	struct view after;
	struct rows *rows;

	begin_run();
	/* People look before they let a deletion pass: not while the server says nonsense. */
	if (s->halted != NULL && model_fault == FAULT_NONE && model_chance(50))
		ask.passes = s->halted;
	if (model_fault == FAULT_DIES) {
		die_within(&s->server, &s->client, &ask);
		model_fault = FAULT_NONE;
	}
	if (!run_sync(call, s, &ask, &out, err))
		return false;
	if (str_eq(out.status, "running")) {
		model_stop = 0;
		model_fault = FAULT_NONE;
		if (!run_sync(call, s, &ask, &out, err))
			return false;
	}
	if (model_trace)
		printf("#   fault %s at %u, pages of %u: %s %s\n", model_fault_names[model_fault],
		    model_fault_at, model_page_cap, out.status,
		    out.error_code == NULL ? "" : out.error_code);
	if (!look(arena, s->server.id, &after, err))
		return false;
	if (model_trace)
		show(&after);
	if (!promises(&s->before, &after, out.status))
		return error_set(err, ERR_INTERNAL, "A promise is broken.");
	if (!db_exec(svc.db, arena, &q_halt, DB_PARAMS(out.run_id), &rows, err))
		return false;
	s->halted = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	s->before = after;
	if (str_eq(out.status, "ok") && model_fault == FAULT_NONE)
		remember();
	if (str_eq(out.status, "ok"))
		s->server.first_synced_at = 1;
	return true;
}

static bool
run_script(struct arena *arena, struct error *err)
{
	struct script s = { .client = { .kind = &model_kind, .url = "x" } };
	char id[UUID_TEXT];
	unsigned runs = RUNS_MIN + model_below(RUNS_MORE);

	uuid_v7(id);
	model_nthings = model_next_guid = 0;
	model_next_key = 90; /* keys of two and of three digits */
	memset(gone_runs, 0, sizeof(gone_runs));
	s.server = (struct server) { .id = id, .kind = "plex", .name = "Model", .machine_id = id };
	s.client.client_id = id;
	if (!db_exec(svc.db, arena, &q_add, DB_PARAMS(id), NULL, err))
		return false;
	for (unsigned n = 1 + model_below(40); n > 0; n--)
		model_appear(model_next_key++);
	for (unsigned i = 0; i < runs; i++) {
		if (!run_once(&s, arena, err))
			return false;
		model_mutate(false);
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct arena arena;
	struct error err;
	int64_t seed, n;

	if (argc < 4 || !str_to_int(argv[2], 0, INT64_MAX / 2, &seed) ||
	    !str_to_int(argv[3], 1, 1000000, &n))
		return 64;
	model_trace = argc > 4;
	log_set_level(LOG_L_ERROR);
	signal(SIGPIPE, SIG_IGN);
	error_clear(&err);
	config = config_load(argv[1], &err);
	if (config == NULL ||
	    !services_init(&svc, config, (struct log *)(uintptr_t)&quiet, SERVICES_WORKER, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	arena_init(&arena);
	if (!hasten(svc.db, &err)) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (int64_t i = 0; i < n; i++) {
		model_state = (uint64_t)(seed + i) * 0x9e3779b97f4a7c15ULL + 1;
		if (!run_script(&arena, &err)) {
			printf("not ok - script %lld: %s %s\n", (long long)(seed + i), err.message,
			    err.detail);
			return 1;
		}
		arena_reset(&arena);
		if ((i + 1) % SHOW_EVERY == 0) {
			printf("# %lld scripts\n", (long long)i + 1);
			fflush(stdout);
		}
	}
	printf("ok - %lld scripts\n", (long long)n);
	services_clear(&svc);
	config_free(config);
	arena_clear(&arena);
	return 0;
}
