/*
 * What lies where, for a map: sums by square, as sql/0050 keeps them. Triggers note the squares
 * whose items change; housekeeping counts these again. Readers take what the sums do not hold of
 * from the items, so no answer is older than its question.
 */
#ifndef MN_STORE_STORE_SPOTS_H
#define MN_STORE_STORE_SPOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"
#include "store/store_media.h"

extern const struct query store_spots_queries[];

/* Whether the sums know what is asked for; else, the items have to be counted. */
bool store_spots_know(const struct media_clusters_ask *);
/* The same rows as those of the statement that counts items. */
bool store_spots_clusters(struct db *, struct arena *, const struct media_clusters_ask *,
    struct rows **, struct error *);

/* Counts squares again that have changed, a few at a time, each few for themselves. */
bool store_spots_fold(struct db *, struct arena *, struct error *);
/* Compares the sums with the items, and notes squares that are wrong: *wrong of them. */
bool store_spots_check(struct db *, struct arena *, int64_t *wrong, struct error *);

#endif
