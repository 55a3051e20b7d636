/*
 * Figures of the library that are kept, not counted: what people's items occupy, by month of
 * creation, and how often tags are used, by scope. Triggers (sql/0009) write each change as a row
 * of its own until housekeeping folds it into its sum, so writers never wait for each other; every
 * reader adds both.
 */
#ifndef MN_STORE_STORE_SUMS_H
#define MN_STORE_STORE_SUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_sums_queries[];

/*
 * Inside a transaction: bytes of a person's items, pending and held uploads included, and their
 * quota, -1 = not set. Two calls for one person do not run together, so that two uploads cannot
 * exceed one quota; nothing else waits for them.
 */
bool store_storage_used(struct db *, struct arena *, const char *user_id, int64_t *bytes,
    int64_t *quota, struct error *);
/* Folds all changes into the sums. */
bool store_sums_fold(struct db *, struct arena *, struct error *);
/* Compares the sums with the items and corrects them; *wrong counts the sums that were wrong. */
bool store_sums_check(struct db *, struct arena *, int64_t *wrong, struct error *);

#endif
