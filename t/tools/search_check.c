/*
 * The legs of a search against a real catalogue, as TAP. Run by t/041-search-legs.t:
 *
 *	search-check CONNINFO USER-ID WORD TYPO
 *
 * WORD is in the title of one item that the person can read; TYPO is nearly the same word.
 */
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

#define TIMEOUT_MS 3000
#define SLOW_MS 100

static struct arena arena;
static struct services svc;
static struct principal who = { .permissions = PERM_BIT(PERM_MEDIA_READ) };
static unsigned calls, texts, slows;

static const struct query q_slow = { "slow", "SELECT pg_sleep(10)",
	QUERY_READ | QUERY_CUSTOM_PLAN };
static const struct query q_wrong = { "wrong", "SELECT 1 / (SELECT 0)",
	QUERY_READ | QUERY_CUSTOM_PLAN };

static void
text(struct arena *memory, const struct search_ask *ask, struct db_call *call)
{
	texts++;
	store_search_text(memory, ask, call);
}

static void
slow(struct arena *memory, const struct search_ask *ask, struct db_call *call)
{
	(void)memory, (void)ask;
	slows++;
	call->query = &q_slow;
}

static void
wrong(struct arena *memory, const struct search_ask *ask, struct db_call *call)
{
	(void)memory, (void)ask;
	call->query = &q_wrong;
}

static bool
brings_one(struct search_run *run, struct ranked_list *list, enum source_state *state)
{
	static const struct media film = { .id = "film", .kind = "movie", .title = "Brought" };
	static const struct candidate one = { .id = "film",
		.title_key = "brought",
		.kind = "movie",
		.source = "plex",
		.rank = 1,
		.media = &film };

	(void)run, (void)state;
	calls++;
	list->items = &one;
	list->n = 1;
	return true;
}

static const struct search_leg legs[] = {
	{ "slow", 1.0, SLOW_MS, .sql = slow },
	{ "text", 1.0, TIMEOUT_MS, .sql = text },
	{ "wrong", 1.0, TIMEOUT_MS, .sql = wrong },
	{ "call", 0.1, TIMEOUT_MS, .ask = brings_one },
};

static void
check(const char *q, const char *corrected)
{
	const struct call call = { .svc = &svc, .arena = &arena, .by = { .who = &who } };
	const struct search_request req = { .q = q, .page = 1 };
	struct search_result r = { .n = 0 };
	int64_t start = clock_monotonic();
	struct error err;

	error_clear(&err);
	calls = texts = slows = 0;
	if (!ok(search_run_legs(&call, legs, 4, &req, &r, &err), "%s: answered", q)) {
		printf("# %s %s\n", err.message, err.detail);
		return;
	}
	ok(clock_monotonic() - start < TIMEOUT_MS * US_PER_MS, "%s: in time", q);
	is_int(r.sources[0].state, SOURCE_TIMEOUT, "%s: a slow leg is late", q);
	is_int(r.sources[1].state, SOURCE_OK, "%s: another answers", q);
	is_int(r.sources[2].state, SOURCE_ERROR, "%s: a third fails", q);
	is_int(r.sources[3].state, SOURCE_OK, "%s: so does the call", q);
	is_int(r.total, 2, "%s: the hits of both", q);
	is_int(r.n, 2, "%s: are on the page", q);
	is_int(calls, 1, "%s: the call is made once", q);
	is_int(slows, 1, "%s: what was late is not asked again", q);
	is_str(r.did_you_mean, corrected, "%s: did you mean", q);
	if (corrected != NULL)
		ok(texts > 1, "%s: asked wider, %u times", q, texts);
	else
		is_int(texts, 1, "%s: asked once", q);
}

int
main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: search-check CONNINFO USER-ID WORD TYPO\n", stderr);
		return 64;
	}
	arena_init(&arena);
	svc.db = db_new(argv[1], TIMEOUT_MS, NULL);
	str_copy(who.user_id, sizeof(who.user_id), argv[2]);
	log_set_level(LOG_L_CRIT);
	check(argv[3], NULL);
	check(argv[4], argv[3]);
	db_free(svc.db);
	arena_clear(&arena);
	return done_testing();
}
