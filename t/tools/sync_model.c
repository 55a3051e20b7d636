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

#include "client/media_server.h"
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
#include "core/banned.h"

#define THINGS_MAX 128
#define SECTIONS 2
#define RUNS_MIN 3
#define RUNS_MORE 5
#define KILL_US 20000 /* a run takes less */
#define BUSY_TRIES 500
#define BUSY_NS 10000000

static uint64_t state;
static bool trace;
static struct services svc;
static struct config *config;
static const struct log quiet = { .component = "sync-model" };

static unsigned
below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % n;
}

static bool
chance(unsigned percent)
{
	return below(100) < percent;
}

/* --- the server ------------------------------------------------------------------------------ */

struct thing {
	unsigned key, guid, section;
	bool there, trashed;   /* listed; listed as lying in the server's trash */
	bool broken, nameless; /* cannot be read; not even its key */
	/* where it was when a good run read it last; 0: never */
	unsigned known_key, known_section;
	bool all_the_time, never; /* there from the start of the run to its end; at no time */
	unsigned version;
};
static struct thing things[THINGS_MAX];
static unsigned nthings, next_key, next_guid;

enum fault {
	FAULT_NONE,
	FAULT_AWAY,     /* does not respond from the n-th question on */
	FAULT_ONCE,     /* does not respond to the n-th question */
	FAULT_TOTAL,    /* counts wrongly */
	FAULT_UNSORTED, /* in another order */
	FAULT_EMPTY,    /* lists nothing */
	FAULT_ENDS,     /* a page ends early */
	FAULT_NO_COUNT, /* does not say how many there are */
	FAULT_NO_LIST,  /* a section is not listed */
	FAULT_CHANGES,  /* the library changes while it is listed */
	FAULT_STOPS,    /* the run is told to stop after the n-th question */
	FAULT_DIES,     /* the process is killed */
	FAULTS,
};
static const char *const fault_names[FAULTS] = { "none", "away", "once", "total", "unsorted",
	"empty", "ends", "no count", "no list", "changes", "stops", "dies" };
static enum fault fault;
static unsigned questions, fault_at, page_cap;
static volatile sig_atomic_t stop;
static bool doubt; /* something was nameless: its neighbours may hide behind it */

static void mutate(bool within);

static bool
responds(struct error *err)
{
	questions++;
	if (fault == FAULT_STOPS && questions == fault_at)
		stop = 1;
	if (fault == FAULT_CHANGES && questions >= fault_at && chance(50))
		mutate(true);
	if ((fault == FAULT_AWAY && questions >= fault_at) ||
	    (fault == FAULT_ONCE && questions == fault_at)) {
		error_slug(err, ERR_UNAVAILABLE,
		    fault == FAULT_AWAY ? "upstream_unreachable" : "server_failed", "No response.");
		return false;
	}
	return true;
}

static enum answer_kind
model_identity(struct arena *arena, const struct media_server *server, struct server_identity *who,
    struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	*who = (struct server_identity) {
		.machine_id = server->client_id, .name = "Model", .version = "1"
	};
	return ANSWER_PRESENT;
}

static enum answer_kind
model_sections(struct arena *arena, const struct media_server *server,
    struct server_section **sections, size_t *n, struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	*sections = arena_array(arena, SECTIONS, sizeof(**sections));
	for (size_t i = *n = 0; i < SECTIONS; i++)
		if (fault != FAULT_NO_LIST || i != fault_at % SECTIONS)
			(*sections)[(*n)++] =
			    (struct server_section) { arena_printf(arena, "%zu", i + 1),
				    "A library", "movie", "agent" };
	return ANSWER_PRESENT;
}

static int
by_key(const void *a, const void *b)
{
	const struct thing *left = *(struct thing *const *)a, *right = *(struct thing *const *)b;

	return left->key < right->key ? -1 : left->key > right->key;
}

static unsigned
listing(unsigned section, struct thing **list)
{
	unsigned n = 0;

	for (unsigned i = 0; i < nthings; i++)
		if (things[i].there && things[i].section == section)
			list[n++] = &things[i];
	qsort(list, n, sizeof(*list), by_key);
	return n;
}

static void
fill(struct arena *arena, const struct thing *thing, struct server_item *item)
{
	*item = (struct server_item) {
		.key = arena_printf(arena, "%u", thing->key),
		.guid = arena_printf(arena, "plex://movie/%u", thing->guid),
		.kind = "movie",
		.title = arena_printf(arena, "Thing %u.%u", thing->guid, thing->version),
		.index = -1,
		.parent_index = -1,
		.added_at = 1600000000 + thing->guid,
		.deleted_at = thing->trashed ? 1700000000 : 0,
	};
}

static void
hand_out(struct arena *arena, const struct server_page *page, const struct thing *thing)
{
	struct server_item item;

	fill(arena, thing, &item);
	doubt = doubt || thing->nameless;
	if (thing->broken)
		page->each(page->context, NULL, thing->nameless ? NULL : item.key, "it is broken");
	else
		page->each(page->context, &item, item.key, NULL);
}

static enum answer_kind
model_items(struct arena *arena, const struct media_server *server, const struct server_page *page,
    struct server_count *count, struct error *err)
{
	struct thing *list[THINGS_MAX];
	unsigned n, given = 0, size = page->size < page_cap ? (unsigned)page->size : page_cap;

	if (!responds(err))
		return ANSWER_UNKNOWN;
	n = listing((unsigned)(page->section[0] - '1'), list);
	if (fault == FAULT_EMPTY)
		n = 0;
	if (fault == FAULT_ENDS && questions >= fault_at)
		size = size > 1 ? 1 : size;
	for (unsigned i = (unsigned)page->start; i < n && given < size; i++, given++)
		hand_out(arena, page,
		    list[fault == FAULT_UNSORTED && i + questions % 3 < n ? n - 1 - i : i]);
	*count = (struct server_count) { .total = fault == FAULT_NO_COUNT ? -1 : (int64_t)n,
		.given = given };
	if (fault == FAULT_TOTAL && questions >= fault_at)
		count->total += (int64_t)(fault_at % 5) - 2;
	return ANSWER_PRESENT;
}

static enum answer_kind
model_item(struct arena *arena, const struct media_server *server, const char *key,
    struct server_item *item, struct error *err)
{
	if (!responds(err))
		return ANSWER_UNKNOWN;
	for (unsigned i = 0; i < nthings; i++)
		if (things[i].there && str_eq(arena_printf(arena, "%u", things[i].key), key)) {
			fill(arena, &things[i], item);
			return ANSWER_PRESENT;
		}
	return ANSWER_ABSENT;
}

static enum answer_kind
model_playing(struct arena *arena, const struct media_server *server, int64_t *n, struct error *err)
{
	*n = 0;
	return ANSWER_PRESENT;
}

static const char *const *
model_kinds_of(const char *type)
{
	static const char *const movie[] = { "movie", NULL };

	return movie;
}

static const struct media_server_kind model_kind = {
	.name = "plex",
	.check = model_identity,
	.authenticate = model_identity,
	.sections = model_sections,
	.items = model_items,
	.item = model_item,
	.playing = model_playing,
	.kinds_of = model_kinds_of,
};

/* --- what happens to the library --------------------------------------------------------------- */

static void
appear(unsigned key)
{
	if (nthings == THINGS_MAX)
		return;
	things[nthings++] = (struct thing) { .key = key,
		/* now and then a second edition of something */
		.guid = chance(8) && next_guid > 0 ? below(next_guid) : next_guid++,
		.section = below(SECTIONS),
		.there = true };
}

static void
change_one(struct thing *thing, bool within)
{
	unsigned key = thing->key;

	switch (below(8)) {
	case 0:
	case 1:
		thing->there = !thing->there;
		if (thing->there && chance(50))
			thing->key = next_key++;
		break;
	case 2: thing->version++; break;
	case 3:
		if (thing->there)
			thing->key = next_key++;
		break;
	case 4: thing->trashed = !thing->trashed; break;
	case 5: /* gives its key to another item */
		if (!thing->there)
			break;
		thing->there = false;
		appear(key);
		break;
	case 6:
		thing->broken = !thing->broken;
		thing->nameless = thing->broken && chance(40);
		break;
	default:
		if (thing->there && !within)
			thing->section = below(SECTIONS);
		break;
	}
	/* Its key may belong to another one by now. */
	for (unsigned i = 0; i < nthings && thing->there; i++)
		if (&things[i] != thing && things[i].there && things[i].key == thing->key)
			thing->key = next_key++;
}

static bool
is_there(const struct thing *thing)
{
	return thing->there && !thing->trashed;
}

/* Is it not known to be gone? What cannot be read may be anywhere but gone. */
static bool
may_be_there(const struct thing *thing)
{
	return thing->there && (!thing->trashed || thing->broken);
}

static void
mutate(bool within)
{
	unsigned n = within ? 1 : below(4);

	if (trace)
		printf("#   %u changes%s\n", n, within ? " meanwhile" : "");
	while (n-- > 0) {
		struct thing *thing = &things[below(nthings)];
		unsigned key = thing->key;

		if (chance(25)) {
			appear(next_key++);
			continue;
		}
		change_one(thing, within);
		if (within && (!is_there(thing) || thing->key != key || thing->broken))
			thing->all_the_time = false;
	}
	for (unsigned i = 0; i < nthings; i++)
		if (may_be_there(&things[i]))
			things[i].never = false;
}

/* --- what must hold ---------------------------------------------------------------------------- */

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

	for (unsigned i = 0; i < nthings; i++) {
		if (things[i].guid != guid)
			continue;
		t.all++;
		t.steady += things[i].all_the_time;
		t.now += is_there(&things[i]);
		t.ever += !things[i].never;
		t.broken += things[i].broken;
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
	for (unsigned i = 0; i < nthings; i++)
		printf("#     guid %u key %u section %u%s%s%s%s\n", things[i].guid, things[i].key,
		    things[i].section + 1, things[i].there ? "" : " gone",
		    things[i].trashed ? " in the trash" : "", things[i].broken ? " broken" : "",
		    things[i].nameless ? " nameless" : "");
	for (size_t i = 0; i < view->n; i++)
		printf("#     item %s guid %u%s\n", view->items[i].media_id, view->items[i].guid,
		    view->items[i].ready ? " ready" : "");
}

static bool
promises(const struct view *before, const struct view *after, const char *status)
{
	/* A run that halts for one section may not have listed the other. */
	bool good = str_eq(status, "ok"),
	     complete = good ||
	    (str_eq(status, "halted") &&
		(fault == FAULT_NONE || fault == FAULT_EMPTY || fault == FAULT_NO_LIST));

	for (unsigned guid = 0; guid < next_guid; guid++) {
		struct tally t = tally_of(guid);
		const char *was = NULL, *is = NULL;
		unsigned had = ready_of(before, guid, &was), has = ready_of(after, guid, &is);

		if (has < (had < t.steady ? had : t.steady))
			return broke(guid, "an item that was there all the time is lost");
		if (t.all == 1 && t.steady == 1 && had == 1 && has == 1 && !str_eq(was, is))
			return broke(guid, "an item became another one");
		if (complete && !doubt)
			gone_runs[guid] = t.ever == 0 ? gone_runs[guid] + 1 : 0;
		else if (t.ever > 0)
			gone_runs[guid] = 0;
		if (good && !doubt && gone_runs[guid] >= 2 && has > 0)
			return broke(guid, "what was gone in two complete runs is kept");
		if (good && fault == FAULT_NONE && t.broken == 0 && has < t.now)
			return broke(guid, "what is there is not in the catalogue");
	}
	return true;
}

/* --- a script ---------------------------------------------------------------------------------- */

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
	for (unsigned i = 0; i < nthings; i++)
		if (is_there(&things[i]) && !things[i].broken) {
			things[i].known_key = things[i].key;
			things[i].known_section = things[i].section;
		}
}

static void
begin_run(void)
{
	fault = chance(45) ? FAULT_NONE : (enum fault)below(FAULTS);
	fault_at = 1 + below(12);
	page_cap = 2 + below(5);
	questions = 0;
	stop = 0;
	doubt = false;
	for (unsigned i = 0; i < nthings; i++) {
		things[i].all_the_time = is_there(&things[i]) && recognizable(&things[i]);
		things[i].never = !may_be_there(&things[i]);
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
	struct itimerval timer = { .it_value.tv_usec = 1 + (long)below(KILL_US) };
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
		.trigger = "cron", .stop = &stop, .retry_ms = 1, .full = chance(10)
	};
	struct sync_outcome out;
	struct view after;
	struct rows *rows;

	begin_run();
	/* People look before they let a deletion pass: not while the server says nonsense. */
	if (s->halted != NULL && fault == FAULT_NONE && chance(50))
		ask.passes = s->halted;
	if (fault == FAULT_DIES) {
		die_within(&s->server, &s->client, &ask);
		fault = FAULT_NONE;
	}
	if (!run_sync(call, s, &ask, &out, err))
		return false;
	if (str_eq(out.status, "running")) {
		stop = 0;
		fault = FAULT_NONE;
		if (!run_sync(call, s, &ask, &out, err))
			return false;
	}
	if (trace)
		printf("#   fault %s at %u, pages of %u: %s %s\n", fault_names[fault], fault_at,
		    page_cap, out.status, out.error_code == NULL ? "" : out.error_code);
	if (!look(arena, s->server.id, &after, err))
		return false;
	if (trace)
		show(&after);
	if (!promises(&s->before, &after, out.status))
		return error_set(err, ERR_INTERNAL, "A promise is broken.");
	if (!db_exec(svc.db, arena, &q_halt, DB_PARAMS(out.run_id), &rows, err))
		return false;
	s->halted = rows_count(rows) > 0 ? rows_str(rows, 0, 0) : NULL;
	s->before = after;
	if (str_eq(out.status, "ok") && fault == FAULT_NONE)
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
	unsigned runs = RUNS_MIN + below(RUNS_MORE);

	uuid_v7(id);
	nthings = next_guid = 0;
	next_key = 90; /* keys of two and of three digits */
	memset(gone_runs, 0, sizeof(gone_runs));
	s.server = (struct server) { .id = id, .kind = "plex", .name = "Model", .machine_id = id };
	s.client.client_id = id;
	if (!db_exec(svc.db, arena, &q_add, DB_PARAMS(id), NULL, err))
		return false;
	for (unsigned n = 1 + below(40); n > 0; n--)
		appear(next_key++);
	for (unsigned i = 0; i < runs; i++) {
		if (!run_once(&s, arena, err))
			return false;
		mutate(false);
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
	trace = argc > 4;
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
		state = (uint64_t)(seed + i) * 0x9e3779b97f4a7c15ULL + 1;
		if (!run_script(&arena, &err)) {
			printf("not ok - script %lld: %s %s\n", (long long)(seed + i), err.message,
			    err.detail);
			return 1;
		}
		arena_reset(&arena);
	}
	printf("ok - %lld scripts\n", (long long)n);
	services_clear(&svc);
	config_free(config);
	return 0;
}
