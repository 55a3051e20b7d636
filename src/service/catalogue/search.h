/*
 * Search: parse -> legs (search_leg.h), each a list of candidates -> reciprocal rank fusion with a
 * boost for new items -> one hit per title -> a page.
 *
 * A search without hits is repeated, wider each time: without its years and kinds, with its last
 * word as a prefix, with unknown words corrected (then did_you_mean has the corrected query), and
 * finally with any of its words. Phrases, exclusions and filters hold in each of these steps: if
 * nothing has a phrase, the result is empty, and did_you_mean has a query without the quotation
 * marks that finds something. Items that the caller cannot read take no part in any step.
 */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_H
#define MN_SERVICE_CATALOGUE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "model/media.h"
#include "service/catalogue/media.h"

struct call;
struct error;

#define SEARCH_PAGE 25
#define SEARCH_PAGES_MAX 1000
#define SEARCH_SUGGESTIONS 6 /* titles, and words */
#define SEARCH_MATCHED_MAX 8
#define SEARCH_SOURCES_MAX 8

enum search_sort { SEARCH_RELEVANCE, SEARCH_NEWEST, SEARCH_TITLE };
enum source_state { SOURCE_OFF, SOURCE_OK, SOURCE_TIMEOUT, SOURCE_ERROR };

struct search_request {
	const char *q;                           /* NULL or "": only the filters */
	const char *kind, *tag, *source, *owner; /* or NULL */
	int64_t year_from, year_to;              /* 0 = open */
	enum search_sort sort;
	enum media_scope scope;
	bool archived; /* what the caller archived, instead of all else */
	int page;      /* from 1 */
};

struct search_hit {
	struct media media;
	double score; /* 0..1 */
	const char *matched[SEARCH_MATCHED_MAX];
	size_t nmatched;
};

struct search_source {
	const char *name;
	enum source_state state;
};
struct search_result {
	struct search_hit *hits;
	size_t n;
	int64_t total;
	bool exact; /* total is not a lower bound */
	struct search_source sources[SEARCH_SOURCES_MAX];
	size_t nsources;
	bool whole;               /* all sources responded in time */
	const char *did_you_mean; /* or NULL */
};

const char *search_state_name(enum source_state); /* "off", "ok", "timeout", "error" */

/*
 * Puts a leg of a room above this one in the place of the row with its name; for main(), before the
 * first search.
 */
struct search_leg;
void search_set_leg(const struct search_leg *);

/* ERR_VALIDATION when there is neither a query nor a filter. */
bool search_run(const struct call *, const struct search_request *, struct search_result *,
    struct error *);

struct search_suggestion {
	const char *text, *kind /* "title", "word" */;
	const char *media_id, *media_kind; /* of a title; else NULL */
};
bool search_suggest(const struct call *, const char *q, enum media_scope,
    struct search_suggestion **, size_t *n, struct error *);

#endif
