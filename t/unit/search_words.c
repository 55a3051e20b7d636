/* The words of a query as sent to PostgreSQL, and distances between words. */
#include <string.h>

#include "core/arena.h"
#include "service/catalogue/search_words.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;

static void
texts(const char *typed, const char *all, const char *any, const char *shown, const char *title)
{
	struct search_query q;

	search_parse(&arena, typed, &q);
	is_str(search_words_text(&arena, &q, q.nterms, WORDS_ALL), all, "%s: all", typed);
	is_str(search_words_text(&arena, &q, q.nterms, WORDS_ANY), any, "%s: any", typed);
	is_str(search_words_text(&arena, &q, q.nterms, WORDS_SHOWN), shown, "%s: shown", typed);
	is_str(search_words_title(&arena, &q), title, "%s: as a title", typed);
}

static void
distance(const char *a, const char *b, unsigned want)
{
	is_int(search_words_distance(a, b, 3), want, "%s -> %s", a, b);
	is_int(search_words_distance(b, a, 3), want, "%s -> %s", b, a);
}

int
main(void)
{
	struct search_ask ask = { .text = "" };
	struct search_query q;
	char longest[200];

	arena_init(&arena);
	texts("Marvel movies 2023", "\"marvel\"", "\"marvel\"",
	    "\"marvel\" or \"movies\" or \"2023\"", "marvel movies 2023");
	texts("\"blade runner\" dog -cat", "\"blade runner\" \"dog\" -\"cat\"",
	    "\"blade runner\" or \"dog\"", "\"blade runner\" or \"dog\"", "");
	texts("sink or swim", "\"sink\" \"or\" \"swim\"", "\"sink\" or \"or\" or \"swim\"",
	    "\"sink\" or \"or\" or \"swim\"", "sink or swim");
	texts("", "", "", "", "");
	search_parse(&arena, "dog photos 2019 2020", &q);
	search_words_soft(&arena, &q, &ask);
	is_str(ask.soft_years, "{2019,2020}", "years");
	is_str(ask.soft_year_words, "\"2019\" or \"2020\"", "as words");
	is_int(ask.nsoft_kinds, 1, "kinds");
	is_str(ask.soft_kinds[0], "image", "which");
	is_str(ask.soft_kind_words, "\"photos\"", "as words");
	is_str(search_words_prefix(&arena, "hom"), "'hom':*", "a beginning");

	distance("", "", 0);
	distance("same", "same", 0);
	distance("leon", "leno", 1);
	distance("dusk", "dsuk", 1);
	distance("avengers", "avangers", 1);
	distance("harbor", "harbour", 1);
	distance("kitten", "sitting", 3);
	distance("abc", "xyzvw", 4);
	distance("a", "abcdef", 4);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	is_int(search_words_distance(longest, longest, 3), 4,
	    "words past all bounds are not compared");
	arena_clear(&arena);
	return done_testing();
}
