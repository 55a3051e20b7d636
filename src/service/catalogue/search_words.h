/* The words of a parsed query: as PostgreSQL takes them, as a person reads them, and corrected. */
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

#define SEARCH_PREFIX_MIN 2  /* bytes of a word that is taken as a beginning */
#define CORRECT_WORDS_MAX 6  /* words of a query that are looked up */
#define CORRECT_LENGTH_MIN 3 /* bytes */

enum words_join {
	/*
	 * all of them, and none of the absent ones; without years and words for kinds, which are
	 * asked for otherwise
	 */
	WORDS_ALL,
	WORDS_ANY,   /* any of the same */
	WORDS_SHOWN, /* any of all words, years and kinds too: what is told as matched */
};

/*
 * For websearch_to_tsquery: every word in quotes, so that nothing a person types is an operator
 * there.
 */
const char *search_words_text(struct arena *, const struct search_query *, size_t nterms,
    enum words_join);
/* For to_tsquery: 'word':* */
const char *search_words_prefix(struct arena *, const char *word);
/* As typed, without filters and absent words. */
const char *search_words_plain(struct arena *, const struct search_query *);
/*
 * The same for the comparison with titles, which knows nothing of absent words: "" where there are
 * any.
 */
const char *search_words_title(struct arena *, const struct search_query *);
void search_words_labels(struct arena *, const struct search_query *, struct search_ask *);
void search_words_soft(struct arena *, const struct search_query *, struct search_ask *);

/*
 * Puts the nearest readable words in place of unknown ones; *changed tells whether there were any.
 */
bool search_words_correct(const struct call *, const struct media_reader *, struct search_query *,
    bool *changed, struct error *);

/*
 * Edits (insert, delete, replace, swap of neighbours) from one word to the other, bytes; max + 1
 * for more than `max`.
 */
unsigned search_words_distance(const char *a, const char *b, unsigned max);

#endif
