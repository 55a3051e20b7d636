/* See search_fuse.h. */
#include "service/catalogue/search_fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/str.h"
#include "core/banned.h"

#define US_PER_DAY (86400.0 * US_PER_SEC)

/* A hash table with open addressing; its values are positions in the list of fused hits. */
struct table {
	const char **keys;
	size_t *places;
	size_t mask;
};

static void
table_init(struct table *t, struct arena *arena, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	t->keys = arena_array(arena, size, sizeof(*t->keys));
	t->places = arena_array(arena, size, sizeof(*t->places));
	t->mask = size - 1;
}

/* Returns the slot of the key, or the free slot for it. */
static size_t
table_slot(const struct table *t, const char *key)
{
	uint64_t h = 14695981039346656037ULL;
	size_t i;

	for (const char *p = key; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211ULL;
	for (i = (size_t)(h >> 32) & t->mask; t->keys[i] != NULL && strcmp(t->keys[i], key) != 0;
	    i = (i + 1) & t->mask)
		;
	return i;
}

static double
recency(const struct candidate *c, int64_t now)
{
	double days = (double)(now - c->created_at) / US_PER_DAY;

	return 1.0 + FUSE_RECENT * exp2(-(days > 0 ? days : 0) / FUSE_HALF_DAYS);
}

static int
by_score(const void *a, const void *b)
{
	const struct fused *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	if (x->item->created_at != y->item->created_at)
		return x->item->created_at < y->item->created_at ? 1 : -1;
	return strcmp(y->item->id, x->item->id);
}

static int
by_newest(const void *a, const void *b)
{
	const struct fused *x = a, *y = b;

	if (x->item->created_at != y->item->created_at)
		return x->item->created_at < y->item->created_at ? 1 : -1;
	return strcmp(y->item->id, x->item->id);
}

static int
by_title(const void *a, const void *b)
{
	const struct fused *x = a, *y = b;
	int c = strcmp(x->item->title_key, y->item->title_key);

	return c != 0 ? c : strcmp(x->item->id, y->item->id);
}

/*
 * Only films and the like are merged by title: a person's own pictures with the same name are
 * different pictures.
 */
static char
kind_group(const char *kind)
{
	static const struct {
		const char *kind;
		char group;
	} groups[] = { { "movie", 'f' }, { "video", 'f' }, { "show", 's' }, { "season", 'n' },
		{ "episode", 'e' }, { "audio", 'a' }, { "track", 'a' } };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (str_eq(groups[i].kind, kind))
			return groups[i].group;
	return '\0';
}

static bool
same_year(const struct candidate *a, const struct candidate *b)
{
	return a->year == 0 || b->year == 0 || a->year == b->year;
}

#define SAME_KEYS 4

/*
 * Writes the keys by which an item is recognised as a title; from *by_name on, keys made of its
 * title, which match only between Plex and other sources.
 */
static size_t
same_keys(struct arena *arena, const struct candidate *c, const char *keys[SAME_KEYS],
    size_t *by_name)
{
	char group = kind_group(c->kind);
	size_t n = 0;

	if (group == '\0')
		return 0;
	if (c->tmdb != NULL)
		keys[n++] = arena_printf(arena, "tmdb %c %s", group, c->tmdb);
	if (c->imdb != NULL)
		keys[n++] = arena_printf(arena, "imdb %c %s", group, c->imdb);
	*by_name = n;
	if (*c->title_key != '\0') {
		keys[n++] = arena_printf(arena, "title %c %s %lld", group, c->title_key,
		    (long long)c->year);
		keys[n++] = arena_printf(arena, "title %c %s", group, c->title_key);
	}
	return n;
}

/* Whether the item with this key is the same title. */
static bool
is_same(const struct table *t, const struct fused *list, const char *key, bool by_name,
    const struct candidate *c)
{
	size_t slot = table_slot(t, key);
	const struct candidate *other;

	if (t->keys[slot] == NULL)
		return false;
	other = list[t->places[slot]].item;
	return !by_name || (!str_eq(other->source, c->source) && same_year(other, c));
}

/* Keeps the better of equal titles: the list is sorted. */
static size_t
dedupe(struct arena *arena, struct fused *list, size_t n)
{
	struct table t;
	size_t kept = 0;

	table_init(&t, arena, SAME_KEYS * n);
	for (size_t i = 0; i < n; i++) {
		const char *keys[SAME_KEYS];
		size_t by_name = 0, nkeys = same_keys(arena, list[i].item, keys, &by_name);
		bool same = false;

		for (size_t k = 0; k < nkeys; k++)
			same = same || is_same(&t, list, keys[k], k >= by_name, list[i].item);
		if (same)
			continue;
		list[kept] = list[i];
		for (size_t k = 0; k < nkeys; k++) {
			size_t slot = table_slot(&t, keys[k]);

			if (t.keys[slot] == NULL) {
				t.keys[slot] = keys[k];
				t.places[slot] = kept;
			}
		}
		kept++;
	}
	return kept;
}

/* Adds the votes of a list; candidates of equal rank share a place. */
static size_t
vote(struct table *t, struct fused *list, size_t n, const struct ranked_list *votes)
{
	size_t place = 1;

	for (size_t i = 0; i < votes->n; i++) {
		const struct candidate *c = &votes->items[i];
		size_t slot = table_slot(t, c->id);

		if (i > 0 && c->rank < votes->items[i - 1].rank)
			place = i + 1;
		if (t->keys[slot] == NULL) {
			t->keys[slot] = c->id;
			t->places[slot] = n;
			list[n++] = (struct fused) { c, 0 };
		}
		list[t->places[slot]].score += votes->weight / (double)(FUSE_K + place);
	}
	return n;
}

struct fused *
search_fuse(struct arena *arena, const struct ranked_list *lists, size_t nlists,
    enum search_sort sort, int64_t now, size_t *n)
{
	struct fused *out;
	struct table ids;
	double best = 0;
	size_t max = 0;

	for (size_t i = 0; i < nlists; i++) {
		max += lists[i].n;
		best += lists[i].weight / (FUSE_K + 1);
	}
	out = arena_array(arena, max + 1, sizeof(*out));
	*n = 0;
	table_init(&ids, arena, max);
	for (size_t i = 0; i < nlists; i++)
		*n = vote(&ids, out, *n, &lists[i]);
	for (size_t i = 0; i < *n; i++)
		out[i].score *= recency(out[i].item, now) / (best * (1.0 + FUSE_RECENT));
	qsort(out, *n, sizeof(*out), by_score);
	*n = dedupe(arena, out, *n);
	if (sort == SEARCH_NEWEST)
		qsort(out, *n, sizeof(*out), by_newest);
	else if (sort == SEARCH_TITLE)
		qsort(out, *n, sizeof(*out), by_title);
	return out;
}
