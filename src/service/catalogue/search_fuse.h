/*
 * Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009) of ranked lists, and one hit per title.
 * Pure computation.
 */
#ifndef MN_SERVICE_CATALOGUE_SEARCH_FUSE_H
#define MN_SERVICE_CATALOGUE_SEARCH_FUSE_H

#include <stddef.h>
#include <stdint.h>

#include "service/catalogue/search.h"
#include "store/store_search.h"

struct arena;

#define FUSE_K 60            /* the constant of the method */
#define FUSE_RECENT 0.25     /* how much more an item added just now counts */
#define FUSE_HALF_DAYS 180.0 /* days after which half of the boost is left */

struct ranked_list {
	const struct candidate *items;
	size_t n;
	double weight;
};
struct fused {
	const struct candidate *item;
	double score; /* 0..1 */
};

/* Merges by id, scores, sorts and removes duplicates. */
struct fused *search_fuse(struct arena *, const struct ranked_list *, size_t nlists,
    enum search_sort, int64_t now, size_t *n);

#endif
