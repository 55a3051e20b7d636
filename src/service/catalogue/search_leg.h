/*
 * The legs of a search. Each leg is a row of a table and finds candidates, best first, for
 * search_fuse().
 *
 *	{ "text", 1.0, 1000, .sql = store_search_text },    PostgreSQL's: fills a statement
 *	{ "plex", 0.8, 800, .ask = plex_leg },              a call to anything else
 *	{ "similar" },                                      neither: "off"
 *
 * All legs of PostgreSQL share one round trip, each under its own deadline, and run again whenever
 * the search is widened, because their text has changed. A leg that was late or failed does not run
 * again in this search.
 *
 * A call is made once per search, with the text that the person typed. It returns true with a list
 * that may be empty, or false and the reason in *state (SOURCE_ERROR unless it sets another:
 * SOURCE_OFF if nothing is configured, SOURCE_TIMEOUT); what it has found all the same counts. It
 * respects `run->deadline` itself, takes memory from `run->call->arena`, and returns only items
 * that the caller of the search can read. A candidate without a row in `media` carries its item
 * (candidate.media).
 *
 * If a source is down the result is partial. The search fails only if neither PostgreSQL nor any
 * call has responded.
 */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_LEG_H
#define MN_SERVICE_CATALOGUE_SEARCH_LEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/catalogue/search.h"
#include "service/catalogue/search_fuse.h"
#include "service/catalogue/search_parse.h"
#include "store/store_search.h"

struct arena;
struct call;
struct db_call;
struct error;
struct search_run;

struct search_leg {
	const char *name;
	double weight;   /* of its votes */
	int deadline_ms; /* of one statement, or of the call */
	void (*sql)(struct arena *, const struct search_ask *, struct db_call *);
	bool (*ask)(struct search_run *, struct ranked_list *, enum source_state *);
	double whole; /* of further votes for titles that are all of the query; 0: none */
};

struct search_run {
	const struct call *call;
	const struct search_request *req;
	struct search_query query; /* the parsed text of the person */
	struct search_ask ask;     /* the current query of PostgreSQL's legs */
	int64_t deadline;          /* monotonic us: the call in progress must return by then */

	const struct search_leg *legs;
	size_t nlegs;
	enum source_state states[SEARCH_SOURCES_MAX]; /* state of each leg, and its last list */
	struct ranked_list lists[SEARCH_SOURCES_MAX];
	size_t cap;   /* candidates of a list of PostgreSQL's that is whole */
	bool partial; /* one of these lists is not */
};

/* `run` has its call, request and queries; at most SEARCH_SOURCES_MAX legs. */
void search_legs_init(struct search_run *, const struct search_leg *, size_t n);
/* Makes the calls, once per search. */
void search_legs_call(struct search_run *);
/*
 * Runs PostgreSQL's legs for the current run->ask in one round trip, after another one for the plan
 * of a text.
 */
bool search_legs_read(struct search_run *, struct error *);
/* Whether the last round of PostgreSQL's legs has found anything. */
bool search_legs_found(const struct search_run *);
/* Whether a wider text may find more: PostgreSQL has responded and found nothing. */
bool search_legs_want_more(const struct search_run *);
/* Forgets what PostgreSQL's legs have found. */
void search_legs_forget(struct search_run *);
#define SEARCH_LISTS_MAX (2 * SEARCH_SOURCES_MAX)
/*
 * Returns the lists of the legs that responded. Without PostgreSQL only candidates that carry their
 * item remain. *capped: a list was cut off.
 */
size_t search_legs_lists(struct search_run *, struct ranked_list out[SEARCH_LISTS_MAX],
    bool *capped);

/* search_run() with other legs than the default ones. */
bool search_run_legs(const struct call *, const struct search_leg *, size_t n,
    const struct search_request *, struct search_result *, struct error *);

#endif
