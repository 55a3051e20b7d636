/*
 * What items are found by, brought up to date: table search_index, sql/0042-search-all-scripts.sql.
 *
 * A trigger writes it with each item. When the languages of the house change, those of the trigger
 * change first (store_index_languages()), then the items that are there follow in the order of
 * their ids. That begins when every transaction that may still write items as before is over:
 * `since` is noted in a transaction of its own, and older ones are waited for.
 */
#ifndef MN_STORE_STORE_SEARCH_INDEX_H
#define MN_STORE_STORE_SEARCH_INDEX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/str.h"
#include "store/pg.h"

extern const struct query store_search_index_queries[];

struct index_state {
	bool filled;       /* all items are up to date */
	bool ready;        /* they can be gone through */
	const char *after; /* the last one that is, or NULL */
};

/* `languages`: the setting; what PostgreSQL has no stems for is left out. */
bool store_index_languages(struct db *, struct arena *, const char *languages, struct error *);
bool store_index_state(struct db *, struct arena *, struct index_state *, struct error *);
bool store_index_since(struct db *, struct arena *, struct error *);

struct index_batch {
	struct strings changed; /* ids of those that have to be written */
	const char *last;       /* NULL: there are no more */
};
/* The next items behind `after`. */
bool store_index_next(struct db *, struct arena *, const char *after, int limit,
    struct index_batch *, struct error *);
/* Writes what these are found by; within a transaction. */
bool store_index_put(struct db *, struct arena *, const struct strings *ids, struct error *);
/* Goes on behind `last`, or, NULL, ends; `from` is where the batch began. *moved: it still was. */
bool store_index_move(struct db *, struct arena *, const char *from, const char *last, bool *moved,
    struct error *);

#endif
