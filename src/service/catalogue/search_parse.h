/*
 * Parses the text of the search field. Pure: no catalogue, no clock. What a word is in which script
 * is decided where items are indexed: sql/0042-search-all-scripts.sql.
 *
 * Words, "phrases", -words, -"phrases"; tag:x, year:2023, year:1990-1999, kind:video, source:plex,
 * taken:2012-05 (search_taken.h), camera:x, place:x, tmdb:603, imdb:tt0133093, tvdb:1; a bare
 * tt0133093 too; -tag:x, -year:2023, -kind:video, -source:plex. A filter with an invalid value is
 * taken as words.
 * Single letters with signs between them are one word, M*A*S*H as S.W.A.T. and 9-1-1; signs alone
 * are a word if they are all of the text. A bare year and words for a kind
 * ('movies', 'photos') are words that the item's year or kind may also match: they narrow or boost,
 * and never empty the result. With a minus, they exclude the year or the kind as well as the word.
 */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_PARSE_H
#define MN_SERVICE_CATALOGUE_SEARCH_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define SEARCH_QUERY_MAX 200 /* code points */
#define SEARCH_TERMS_MAX 100 /* as many words as a query can have */
#define SEARCH_TAGS_MAX 8
#define SEARCH_KINDS_MAX 12
#define SEARCH_YEARS_MAX 4
#define SEARCH_YEAR_FIRST 1870
#define SEARCH_YEAR_LAST 2100

enum term_kind {
	TERM_WORD,
	TERM_PHRASE,
	TERM_NOT, /* has a year or kinds if it is a word for them */
	TERM_YEAR,
	TERM_MEDIA_KIND,
	TERM_NOT_PHRASE,
};

struct search_years {
	int64_t from, to;
};

struct search_term {
	enum term_kind kind;
	/*
	 * cleaned: no ASCII punctuation unless it is all of the text, spaces only in phrases; never
	 * empty
	 */
	const char *text;
	int64_t year;             /* TERM_YEAR; 0: none */
	const char *const *kinds; /* TERM_MEDIA_KIND: NULL-terminated; or NULL */
};

struct search_query {
	struct search_term terms[SEARCH_TERMS_MAX];
	size_t nterms;
	const char *tags[SEARCH_TAGS_MAX];
	size_t ntags;
	const char *kinds[SEARCH_KINDS_MAX]; /* of kind: */
	size_t nkinds;
	const char *source;
	int64_t year_from, year_to;        /* of year:, 0 = open */
	const char *taken_from, *taken_to; /* of taken:, days as 2012-05-17; NULL = open */
	const char *camera, *place;        /* words of camera: and place:, or NULL */
	const char *not_tags[SEARCH_TAGS_MAX];
	size_t n_not_tags;
	const char *not_kinds[SEARCH_KINDS_MAX];
	size_t n_not_kinds;
	struct search_years not_years[SEARCH_YEARS_MAX];
	size_t n_not_years;
	const char *filters;            /* all of these as typed, a space before each */
	const char *id_name, *id_value; /* "tmdb", "603" */
	/* the text ends with a bare word, which may be incomplete */
	bool typing;
};

void search_parse(struct arena *, const char *q, struct search_query *);

/* Whether it is one of the kinds of media. */
bool search_kind_known(const char *);

#endif
