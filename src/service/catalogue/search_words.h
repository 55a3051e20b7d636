/* The words of a parsed query: for PostgreSQL, for a person to read, and corrected. */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_WORDS_H
#define MN_SERVICE_CATALOGUE_SEARCH_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "service/catalogue/search.h"
#include "service/catalogue/search_parse.h"
#include "store/store_search.h"

struct call;
struct arena;
struct error;

#define SEARCH_BEGINNING_MIN 2 /* bytes of a word that may be the beginning of one */
#define SEARCH_PARTS_MIN 9     /* bytes of a word that may be several: three characters */
#define CORRECT_WORDS_MAX 6    /* words of a query that are looked up for correction */
#define CORRECT_LENGTH_MIN 3   /* bytes */

enum words_join {
	WORDS_ALL, /* all words */
	WORDS_ANY, /* any of the words */
};

/*
 * Terms for search_ask.terms, without years and words for kinds, which are separate conditions.
 * Phrases, exclusions, tags and the camera are among them in any case.
 */
const char *search_words_terms(struct arena *, const struct search_query *, size_t nterms,
    enum words_join);
/* Words that are reported as matched, including years and kinds: for items_ask.any_words. */
const char *search_words_shown(struct arena *, const struct search_query *);
size_t search_words_count(const struct search_query *, enum term_kind);
/* The words as typed, without filters and excluded words. */
const char *search_words_plain(struct arena *, const struct search_query *);
/* The whole query, to be typed again. */
const char *search_words_again(struct arena *, const struct search_query *);
/* Takes the phrases apart; their words are never a year or a kind. */
void search_words_loosen(struct arena *, struct search_query *);
/* A year that is all of the query becomes a word and the year of the ask. */
void search_words_year(struct search_query *, struct search_ask *);
void search_words_labels(struct arena *, const struct search_query *, struct search_ask *);
void search_words_soft(struct arena *, const struct search_query *, struct search_ask *);
/* Kinds and years that must not be; words, phrases and tags that must not are among the terms. */
void search_words_exclude(struct arena *, const struct search_query *, struct search_ask *);

/* Replaces unknown words by the nearest readable ones; *changed: there were any. */
bool search_words_correct(const struct call *, const struct media_reader *, struct search_query *,
    bool *changed, struct error *);

/*
 * Returns the number of edits (insert, delete, replace, swap of neighbours) between two words, in
 * characters; max + 1 for more than `max`.
 */
unsigned search_words_distance(const char *a, const char *b, unsigned max);

#endif
