/* The legs of a search without PostgreSQL: each leg is asked once, and its state counts. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/search_leg.h"
#include "service/services.h"
#include "store/pg.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define DEADLINE_MS 800
#define CALL(function) { "call", 1.0, DEADLINE_MS, .ask = (function) }

static struct arena arena;
static struct services svc;
static struct error err;
static const struct principal who = { .user_id = "00000000-0000-7000-8000-000000000001" };
static const struct media film = { .id = "f", .kind = "movie", .title = "Paprika" };
static const struct candidate candidates[] = {
	{ .id = "f",
	    .title_key = "paprika",
	    .kind = "movie",
	    .source = "plex",
	    .rank = 2,
	    .media = &film },
	{ .id = "row", .title_key = "tampopo", .kind = "movie", .source = "plex", .rank = 1 },
};
static unsigned called, filled;
static int64_t left_ms;
static const char *asked_for;

static bool
answers(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	(void)state;
	called++;
	left_ms = (run->deadline - clock_monotonic()) / US_PER_MS;
	asked_for = run->req->q;
	list->items = candidates;
	list->n = 2;
	return true;
}

static bool
finds_nothing(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	(void)run, (void)list, (void)state;
	called++;
	return true;
}

static bool
fails(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	(void)run, (void)list, (void)state;
	called++;
	return false;
}

static bool
is_late(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	(void)run, (void)list;
	*state = SOURCE_TIMEOUT;
	return false;
}

static bool
is_off(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	(void)run, (void)list;
	*state = SOURCE_OFF;
	return false;
}

/* PostgreSQL's text leg, counted. */
static void
text(struct arena *memory, const struct search_ask *ask, struct db_call *call)
{
	filled++;
	store_search_text(memory, ask, call);
}

/* The states of all legs, a letter each, or "!" when the search fails. */
static const char *
run(const struct search_leg *legs, size_t n, const char *q, struct search_result *result)
{
	const struct call call = { .svc = &svc, .arena = &arena, .by = { .who = &who } };
	const struct search_request req = { .q = q, .page = 1 };
	const char *out = "";

	called = filled = 0;
	error_clear(&err);
	if (!search_run_legs(&call, legs, n, &req, result, &err))
		return "!";
	for (size_t i = 0; i < result->nsources; i++)
		out = arena_printf(&arena, "%s%.1s", out,
		    search_state_name(result->sources[i].state));
	return out;
}

static void
calls(void)
{
	const struct search_leg legs[] = { CALL(answers), CALL(fails), CALL(is_late), CALL(is_off),
		{ .name = "none" } };
	struct search_result r;

	is_str(run(legs, 5, "paprka", &r), "oetoo", "ok, error, timeout, off, and not there");
	is_int(called, 2, "each asked once");
	is_str(asked_for, "paprka", "for what was typed");
	ok(left_ms > DEADLINE_MS / 2 && left_ms <= DEADLINE_MS, "within its deadline");
	ok(!r.whole, "a partial result");
	is_str(r.sources[4].name, "none", "sources have their names");
	is_int(r.n, 1, "what has no row to be read is left out");
	is_int(r.total, 1, "and is not counted");
	is_str(r.hits[0].media.title, "Paprika", "what came whole is shown");
	ok(r.hits[0].score > 0 && r.hits[0].score <= 1, "with its score");
	is_str(run(legs, 1, "paprika", &r), "o", "all is well");
	ok(r.whole, "a whole result");
	is_str(run(legs, 2, "!!!", &r), "oe", "signs alone");
	is_str(asked_for, "!!!", "are looked for too");
}

static void
without_postgresql(void)
{
	const struct search_leg legs[] = { { "text", 1.0, 100, .sql = text },
		{ "metadata", 0.7, 100, .sql = store_search_metadata }, CALL(answers) };
	const struct search_leg others[] = { legs[0], CALL(fails) };
	const struct search_leg silent[] = { legs[0], CALL(finds_nothing) };
	struct search_result r;

	is_str(run(legs, 3, "paprka", &r), "eeo", "another leg answers");
	is_int(r.n, 1, "with its hit");
	ok(!r.whole && r.did_you_mean == NULL, "a partial result");
	is_int(filled, 0, "without a plan no leg is asked, nor asked again");
	is_int(called, 1, "nor is what answered");
	is_str(run(silent, 2, "paprika", &r), "eo", "another leg answers that it has nothing");
	is_int(r.n, 0, "nothing");
	is_str(run(legs, 2, "paprika", &r), "!", "nobody answers");
	is_int(err.code, ERR_UNAVAILABLE, "unavailable");
	is_str(error_slug_of(&err), "database_unavailable", "for want of the database");
	is_str(run(others, 2, "paprika", &r), "!", "nor does another leg");
	is_int(called, 1, "which was asked");
	is_str(run(legs, 3, "", &r), "!", "neither a query nor a filter");
	is_int(err.code, ERR_VALIDATION, "is refused");
}

int
main(void)
{
	arena_init(&arena);
	svc.db = db_new("host=/nonexistent", 100, NULL);
	log_set_level(LOG_L_CRIT);
	calls();
	without_postgresql();
	db_free(svc.db);
	arena_clear(&arena);
	return done_testing();
}
