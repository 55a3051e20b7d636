/* The words of a query as sent to PostgreSQL, and distances between words. */
#include <string.h>

#include "core/arena.h"
#include "service/catalogue/search_words.h"
#include "store/pg.h"
#include "t/unit/tap.h"
#include "core/banned.h"

static struct arena arena;

static void
texts(const char *typed, const char *all, const char *any, const char *shown, const char *title)
{
	struct search_query q;

	search_parse(&arena, typed, &q);
	is_str(search_words_terms(&arena, &q, q.nterms, WORDS_ALL), all, "%s: all", typed);
	is_str(search_words_terms(&arena, &q, q.nterms, WORDS_ANY), any, "%s: any", typed);
	is_str(search_words_shown(&arena, &q), shown, "%s: shown", typed);
	is_str(search_words_plain(&arena, &q), title, "%s: as a title", typed);
}

/* What is proposed, as it is and with the phrases taken apart. */
static void
again(const char *typed, const char *whole, const char *loosened)
{
	struct search_query q;

	search_parse(&arena, typed, &q);
	is_str(search_words_again(&arena, &q), whole, "%s: again", typed);
	search_words_loosen(&arena, &q);
	is_str(search_words_again(&arena, &q), loosened, "%s: loosened", typed);
}

static void
excluded(const char *typed, const char *kinds, const char *years)
{
	struct search_ask ask = { .terms = "{}" };
	struct search_query q;

	search_parse(&arena, typed, &q);
	search_words_soft(&arena, &q, &ask);
	search_words_exclude(&arena, &q, &ask);
	is_str(ask.n_not_kinds > 0 ? db_array(&arena, ask.not_kinds, ask.n_not_kinds) : NULL, kinds,
	    "%s: no such kinds", typed);
	is_str(ask.not_years, years, "%s: no such years", typed);
	ok(ask.soft_years == NULL && ask.nsoft_kinds == 0, "%s: none is wanted", typed);
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
	struct search_ask ask = { .terms = "{}" };
	struct search_query q;
	char longest[200];

	arena_init(&arena);
	texts("Marvel movies 2023", "{\"~marvel\"}", "{\"|marvel\"}",
	    "{\"marvel\",\"movies\",\"2023\"}", "marvel movies 2023");
	texts("\"blade runner\" dog -cat -\"a b\"",
	    "{\"=blade runner\",\"~dog\",\"-cat\",\"!a b\"}",
	    "{\"=blade runner\",\"|dog\",\"-cat\",\"!a b\"}", "{\"blade runner\",\"dog\"}",
	    "blade runner dog");
	texts("tag:a\\\"b sea -tag:\"c d\"", "{\"~sea\",\"#a\\\\\\\"b\",\"^c d\"}",
	    "{\"|sea\",\"#a\\\\\\\"b\",\"^c d\"}", "{\"sea\"}", "sea");
	texts("camera:\"nikon d90\" sea", "{\"~sea\",\"&nikon d90\"}", "{\"|sea\",\"&nikon d90\"}",
	    "{\"sea\"}", "sea");
	texts("!!!", "{\"~!!!\"}", "{\"|!!!\"}", "{\"!!!\"}", "!!!");
	texts("", "{}", "{}", "{}", "");
	again("\"Blade runner\" dog -cat -\"a b\" photos tag:\"x y\" -year:1990",
	    "\"blade runner\" dog -cat -\"a b\" photos tag:\"x y\" -year:1990",
	    "blade runner dog -cat -\"a b\" photos tag:\"x y\" -year:1990");
	again("\"movies 1999\" tt0133093", "\"movies 1999\" tt0133093", "movies 1999 tt0133093");
	again("kind:video", "kind:video", "kind:video");
	excluded("dog", NULL, NULL);
	excluded("-photos -2019 -kind:audio -year:1990-1999", "{\"image\",\"audio\"}",
	    "{\"[2019,2019]\",\"[1990,1999]\"}");
	excluded("-\"2019\" -\"photos\"", NULL, NULL);
	search_parse(&arena, "dog photos 2019 2020", &q);
	search_words_soft(&arena, &q, &ask);
	is_str(ask.soft_years, "{\"2019\",\"2020\"}", "years");
	is_str(ask.soft_year_words, "{\"2019\",\"2020\"}", "as words");
	is_int(ask.nsoft_kinds, 1, "kinds");
	is_str(ask.soft_kinds[0], "image", "which");
	is_str(ask.soft_kind_words, "{\"photos\"}", "as words");
	search_parse(&arena, "1917 -war", &q);
	ask = (struct search_ask) { .terms = "{}" };
	search_words_year(&q, &ask);
	is_int(ask.year, 1917, "a year alone");
	is_str(search_words_terms(&arena, &q, q.nterms, WORDS_ALL), "{\"~1917\",\"-war\"}",
	    "is a word too");
	search_parse(&arena, "1917 1918", &q);
	ask = (struct search_ask) { .terms = "{}" };
	search_words_year(&q, &ask);
	is_int(ask.year, 0, "two are years");

	distance("", "", 0);
	distance("same", "same", 0);
	distance("leon", "leno", 1);
	distance("dusk", "dsuk", 1);
	distance("avengers", "avangers", 1);
	distance("harbor", "harbour", 1);
	distance("kitten", "sitting", 3);
	distance("abc", "xyzvw", 4);
	distance("a", "abcdef", 4);
	distance("m\xc3\xa4rz", "marz", 1);
	distance("\xe5\x8d\x83\xe5\xb0\x8b", "\xe5\x8d\x83\xe6\x9c\xac", 1);
	distance("\xd1\x81\xd0\xbe\xd0\xbd", "\xd0\xbe\xd1\x81\xd0\xbd", 1);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	is_int(search_words_distance(longest, longest, 3), 4,
	    "words past all bounds are not compared");
	arena_clear(&arena);
	return done_testing();
}
