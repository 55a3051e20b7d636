/*
 * Search in the catalogue: candidates by text and by metadata, the page's items, words for
 * corrections and suggestions.
 *
 * Candidates are limited: of the readable items that pass the filters, the newest `cap` matches of
 * each branch (mine, shared with me, the house) are ranked. The statements are planned at each call
 * with their parameters known, so that PostgreSQL itself reads all matches of a rare word from the
 * GIN index and scans newest first for a frequent one.
 */
#ifndef MN_STORE_STORE_SEARCH_H
#define MN_STORE_STORE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/server.h"
#include "store/pg.h"
#include "store/store_media.h"

extern const struct query store_search_queries[];
extern const struct query store_search_words_queries[];

/* Candidates of the text leg, and those of frequent words; titles and tags have smaller limits. */
#define SEARCH_CAP 2000
#define SEARCH_CAP_FREQUENT 600

/* What a text comes to; the tsqueries are as text. */
struct search_plan {
	const char *asked, *ranked, *must; /* must: NULL if nothing */
	int64_t matches, items;            /* as PostgreSQL expects */
	int cap;                           /* of candidates: one more means that there are more */
	const char *languages;             /* text[] literal: whose stems items are found by */
};

struct search_ask {
	struct media_reader reader;
	/*
	 * Terms as an array of PostgreSQL, "{}" = everything: see mn_search_terms() in
	 * sql/0042-search-all-scripts.sql. beginning: of a word, "" = none. Both must match.
	 */
	const char *terms, *beginning;
	struct search_plan plan; /* of both; store_search_plan() */
	bool by_rank;            /* where there are too many, the best are wanted, not the newest */
	/* compared with whole titles and their beginnings; "" = none */
	const char *title;
	const char *const *labels;
	size_t nlabels; /* words that count more when they are tags */
	/* Filters; NULL or 0 = open. */
	const char *const *kinds;
	size_t nkinds;
	const char *source, *owner;
	int64_t year_from, year_to;
	const char *taken_from, *taken_to; /* days of wall clock, the last one included */
	const char *camera;                /* words of make and model; among the terms too */
	const char *place;                 /* words of a city, its region or the country's code */
	bool archived;                     /* what the caller archived, instead of all else */
	const char *const *not_kinds;
	size_t n_not_kinds;
	const char *not_years; /* int4range[] literal */
	/* external id as JSON, with its value as string and as number */
	const char *id_text, *id_number;
	/*
	 * Soft filters: an item passes if its kind or year matches, or if its text has the words.
	 */
	const char *const *soft_kinds;
	size_t nsoft_kinds;
	const char *soft_kind_words;              /* text[] literals */
	const char *soft_years, *soft_year_words; /* int[] literal, text[] literal */
	/* All of the query: a word that is among the terms, but items of this year count too. */
	int64_t year;
};

/* Rank of a title that is the whole query, in the metadata leg. */
#define SEARCH_RANK_TITLE 3.0

struct candidate {
	const char *id, *title_key, *kind, *source, *tmdb, *imdb;
	double rank;
	int64_t created_at; /* us */
	int64_t year;       /* 0: unknown */
	/* the item itself if it has no row in the database; else NULL */
	const struct media *media;
};

/* Whether there is a text at all. */
bool store_search_has_text(const struct search_ask *);
/*
 * Fills a call for the plan of a text; store_search_planned() reads its rows. Without a text, or
 * with `rows` NULL, the plan is that of the filters alone.
 */
void store_search_plan(struct arena *, const struct search_ask *, struct db_call *);
void store_search_planned(const struct rows *, struct search_ask *);

/*
 * Each function fills a call for db_each(), so that all legs share one round trip.
 * store_search_candidates() then reads its rows, best first. *partial: it did not look at all
 * items, and there may be others.
 */
void store_search_text(struct arena *, const struct search_ask *, struct db_call *);
void store_search_metadata(struct arena *, const struct search_ask *, struct db_call *);
void store_search_candidates(struct arena *, const struct rows *, struct candidate **, size_t *n,
    bool *partial);

/* Servers that have a search of their own; at most `limit`. */
bool store_search_servers(struct db *, struct arena *, int limit, struct server **, size_t *n,
    struct error *);
/* What they have found, the best first; all of equal length. */
struct search_served {
	struct strings servers, keys, sections; /* ids, keys on the server */
	struct strings ranks;
};
/* Those that the caller can read and that pass the filters of the search. */
bool store_search_served(struct db *, struct arena *, const struct search_ask *,
    const struct search_served *, struct candidate **, size_t *n, struct error *);
/* Sections of which the catalogue lacks something, unless a run has begun within `minutes`. */
bool store_search_unserved(struct db *, struct arena *, const struct search_served *, int minutes,
    struct strings *servers, struct strings *sections, struct error *);

#define MATCHED_TITLE 1u
#define MATCHED_TAGS 2u /* tags, genres, artist and the like */
#define MATCHED_OVERVIEW 4u
#define MATCHED_FILENAME 8u

struct items_ask {
	const struct media_reader *reader;
	const char *const *ids;
	size_t nids;
	const char *any_words; /* text[] literal: any of them counts */
	const char *beginning; /* as in struct search_ask */
	const char *languages; /* as in struct search_plan */
};
struct items_found {
	struct media *items;
	unsigned *matched; /* MATCHED_* of each item */
	size_t n;
};
/* The items of a page in no particular order, with what matched any of the words. */
bool store_search_items(struct db *, struct arena *, const struct items_ask *, struct items_found *,
    struct error *);

struct similar_ask {
	const struct media_reader *reader;
	const char *const *words;
	size_t nwords;
};
struct word_candidate {
	const char *word, *similar;
	int64_t n;
};
struct word_candidates {
	struct word_candidate *items;
	size_t n;
};
/*
 * For each word that is in no item the caller can read: similar words that are, most similar first;
 * `word` is as given. A word that is known appears once with similar == NULL.
 */
bool store_search_similar(struct db *, struct arena *, const struct similar_ask *,
    struct word_candidates *, struct error *);

struct suggest_ask {
	const struct media_reader *reader;
	const char *title; /* suggests titles that start with this */
	const char *word;  /* suggests words that start with this: 2 bytes or more, or "" */
	int limit;         /* of each kind */
};
struct suggestion_row {
	const char *text, *kind /* "title" or "word" */, *media_id, *media_kind;
};
struct suggestions {
	struct suggestion_row *items;
	size_t n;
};
bool store_search_suggest(struct db *, struct arena *, const struct suggest_ask *,
    struct suggestions *, struct error *);

#endif
