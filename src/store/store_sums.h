/*
 * Figures of the library that are kept, not counted: what people's items occupy, by month of
 * creation, how often tags are used, by scope, and what there is of each kind of media, by state
 * and month of creation. Triggers (sql/0009, sql/0022) write each change as a row
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
 * For pipelines of store_*.c: two statements, which give bytes of a person's items, pending and
 * held uploads included, and their quota. Two such transactions of one person do not run together,
 * so that two uploads cannot exceed one quota; nothing else waits for them. `user_id` must live
 * until they have run.
 */
#define STORAGE_CALLS 2
void store_storage_calls(const char *const *user_id, struct db_call calls[STORAGE_CALLS]);
/* quota -1 = not set. ERR_UNAUTHENTICATED: there is no such person. */
bool store_storage_read(const struct db_call calls[STORAGE_CALLS], int64_t *bytes, int64_t *quota,
    struct error *);
/* Folds all changes into the sums. */
bool store_sums_fold(struct db *, struct arena *, struct error *);
/* Compares the sums with the items and corrects them; *wrong counts the sums that were wrong. */
bool store_sums_check(struct db *, struct arena *, int64_t *wrong, struct error *);

#endif
