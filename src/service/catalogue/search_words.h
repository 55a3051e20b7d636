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

#define SEARCH_PREFIX_MIN 2  /* bytes of a word that may be a prefix */
#define CORRECT_WORDS_MAX 6  /* words of a query that are looked up for correction */
#define CORRECT_LENGTH_MIN 3 /* bytes */

enum words_join {
	/*
	 * all words and none of the excluded ones; without years and words for kinds, which are
	 * separate conditions
	 */
	WORDS_ALL,
	WORDS_ANY,   /* any of these words */
	WORDS_SHOWN, /* any word, including years and kinds: reported as matched */
};

/* For websearch_to_tsquery: puts every word in quotes, so that no typed text is an operator. */
const char *search_words_text(struct arena *, const struct search_query *, size_t nterms,
    enum words_join);
/* For to_tsquery: 'word':* */
const char *search_words_prefix(struct arena *, const char *word);
/* The words as typed, without filters and excluded words. */
const char *search_words_plain(struct arena *, const struct search_query *);
/*
 * The same for the comparison with titles, which cannot exclude words: "" if the query excludes
 * any.
 */
const char *search_words_title(struct arena *, const struct search_query *);
void search_words_labels(struct arena *, const struct search_query *, struct search_ask *);
void search_words_soft(struct arena *, const struct search_query *, struct search_ask *);

/* Replaces unknown words by the nearest readable ones; *changed: there were any. */
bool search_words_correct(const struct call *, const struct media_reader *, struct search_query *,
    bool *changed, struct error *);

/*
 * Returns the number of edits (insert, delete, replace, swap of neighbours) between two words, in
 * bytes; max + 1 for more than `max`.
 */
unsigned search_words_distance(const char *a, const char *b, unsigned max);

#endif
