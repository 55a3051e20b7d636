/*
 * The legs of a search. Each is a value: a row of a table that brings candidates, best first, for
 * search_fuse().
 *
 *	{ "text", 1.0, 1000, .sql = store_search_text },    PostgreSQL's: fills a statement
 *	{ "plex", 0.8, 800, .ask = plex_leg },              a call to anything else
 *	{ "similar" },                                      neither: "off"
 *
 * All legs of PostgreSQL share one round trip, each under its own deadline, and are asked again
 * whenever the search is widened, because the text that they are asked for has changed. One that
 * was late or failed is not asked again in this search.
 *
 * A call is made once a search, with what the person typed. It returns true with a list that may be
 * empty, or false and says why in *state (SOURCE_ERROR unless it sets another: SOURCE_OFF where
 * nothing is configured, SOURCE_TIMEOUT). It keeps `run->deadline` itself, takes memory from
 * `run->call->arena`, and brings only what the caller of the search can read. What no row of
 * `media` stands for comes with its item (candidate.media).
 *
 * A source that is down makes a partial result. The search fails only when PostgreSQL has answered
 * nothing and no call has either.
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
};

struct search_run {
	const struct call *call;
	const struct search_request *req;
	struct search_query query; /* what the person typed, taken apart */
	struct search_ask ask;     /* what PostgreSQL is asked for now */
	int64_t deadline;          /* monotonic us: when the call under way is to return */

	const struct search_leg *legs;
	size_t nlegs;
	enum source_state states[SEARCH_SOURCES_MAX]; /* of each leg, and what it brought last */
	struct ranked_list lists[SEARCH_SOURCES_MAX];
};

/* `run` has its call, request and queries; at most SEARCH_SOURCES_MAX legs. */
void search_legs_init(struct search_run *, const struct search_leg *, size_t n);
/* Makes the calls: once a search. */
void search_legs_call(struct search_run *);
/* One round trip for PostgreSQL's legs, as run->ask is now. */
bool search_legs_read(struct search_run *, struct error *);
/* Has PostgreSQL found anything, as it was asked last? */
bool search_legs_found(const struct search_run *);
/* May a wider text find more? PostgreSQL answers, and has found nothing. */
bool search_legs_want_more(const struct search_run *);
/*
 * The lists of those that answered. Without PostgreSQL only candidates that came with their item
 * are left. *capped: a list is cut off.
 */
size_t search_legs_lists(struct search_run *, struct ranked_list out[SEARCH_SOURCES_MAX],
    bool *capped);

/* search_run() with other legs than the house's. */
bool search_run_legs(const struct call *, const struct search_leg *, size_t n,
    const struct search_request *, struct search_result *, struct error *);

#endif
