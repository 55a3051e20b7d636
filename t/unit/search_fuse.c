/* Fusion of ranked lists, recency, and merging of duplicates into one hit. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "service/catalogue/search_fuse.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define NOW (1700000000LL * US_PER_SEC)
#define DAY (86400LL * US_PER_SEC)

static struct arena arena;

static struct candidate
film(const char *id, const char *title, int64_t year, const char *source, double rank)
{
	return (struct candidate) { .id = id,
		.title_key = title,
		.kind = "movie",
		.source = source,
		.rank = rank,
		.created_at = NOW,
		.year = year };
}

/* Ids in order. */
static const char *
order(const struct ranked_list *lists, size_t n, enum search_sort sort)
{
	struct fused *found;
	const char *out = "";
	size_t nfound;

	found = search_fuse(&arena, lists, n, sort, NOW, &nfound);
	for (size_t i = 0; i < nfound; i++)
		out = arena_printf(&arena, "%s%s", out, found[i].item->id);
	return out;
}

static void
votes(void)
{
	struct candidate text[] = { film("a", "one", 1, "upload", 3),
		film("b", "two", 1, "upload", 2), film("c", "three", 1, "upload", 1) };
	struct candidate labels[] = { film("c", "three", 1, "upload", 9),
		film("b", "two", 1, "upload", 8) };
	struct ranked_list lists[] = { { text, 3, 1.0 }, { labels, 2, 1.0 } };
	struct fused *found;
	size_t n;

	is_str(order(lists, 1, SEARCH_RELEVANCE), "abc", "one list is its own order");
	is_str(order(lists, 2, SEARCH_RELEVANCE), "cba", "two votes are more than one");
	is_str(order(lists, 2, SEARCH_TITLE), "acb", "by title");
	is_str(order(NULL, 0, SEARCH_RELEVANCE), "", "nothing of nothing");
	found = search_fuse(&arena, lists, 2, SEARCH_RELEVANCE, NOW, &n);
	ok(found[0].score > found[2].score && found[2].score > 0 && found[0].score <= 1,
	    "scores within 0..1");
	labels[0] = text[0];
	labels[0].rank = 100;
	lists[1].n = 1;
	found = search_fuse(&arena, lists, 2, SEARCH_RELEVANCE, NOW, &n);
	ok(found[0].score > 0.999 && found[0].score < 1.001, "first everywhere and new is 1");
}

static void
age(void)
{
	struct candidate text[] = { film("a", "one", 1, "upload", 1),
		film("b", "two", 1, "upload", 1), film("c", "three", 1, "upload", 1) };
	struct ranked_list list = { text, 3, 1.0 };

	text[0].created_at = NOW - 4000 * DAY;
	text[1].created_at = NOW - 100 * DAY;
	is_str(order(&list, 1, SEARCH_RELEVANCE), "cba", "of equal ones the newer");
	is_str(order(&list, 1, SEARCH_NEWEST), "cba", "newest first");
	text[2].created_at = NOW + DAY;
	is_str(order(&list, 1, SEARCH_RELEVANCE), "cba", "a clock that runs ahead does no harm");
}

static void
same(void)
{
	struct candidate text[] = { film("a", "paprika", 1991, "plex", 5),
		film("b", "paprika", 2006, "upload", 4), film("c", "paprika", 2006, "plex", 3),
		film("d", "paprika", 2006, "upload", 2), film("e", "tampopo", 1985, "plex", 1) };
	struct ranked_list list = { text, 5, 1.0 };

	is_str(order(&list, 1, SEARCH_RELEVANCE), "abde",
	    "Plex's and the other's of one year are one, two uploads are two");
	text[1].year = 0;
	is_str(order(&list, 1, SEARCH_RELEVANCE), "ace", "an unknown year is any year");
	text[4].tmdb = text[0].tmdb = "603";
	is_str(order(&list, 1, SEARCH_RELEVANCE), "ac", "one TMDB id is one film");
	for (size_t i = 0; i < 5; i++)
		text[i].kind = "image";
	is_str(order(&list, 1, SEARCH_RELEVANCE), "abcde", "pictures are never the same");
}

int
main(void)
{
	arena_init(&arena);
	votes();
	age();
	same();
	arena_clear(&arena);
	return done_testing();
}
