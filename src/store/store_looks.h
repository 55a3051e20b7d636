/*
 * Items of one person that are the same, in every byte or by what they look like. What pictures
 * look like is kept when they are published; sql/0033 has the index.
 */
#ifndef MN_STORE_STORE_LOOKS_H
#define MN_STORE_STORE_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/duplicates.h"
#include "store/pg.h"

extern const struct query store_looks_queries[];

/* In the transaction that publishes the item and holds its owner. */
bool store_look_keep(struct db *, struct arena *, const char *media_id, int64_t look,
    struct error *);

struct duplicates_ask {
	const char *user_id;
	bool by_look;      /* else by bytes */
	const char *after; /* id of a group, or NULL */
	int limit;         /* groups */
};
bool store_duplicates(struct db *, struct arena *, const struct duplicates_ask *,
    struct duplicate_group **, size_t *n, struct error *);

#endif
