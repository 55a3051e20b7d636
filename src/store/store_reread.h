/* Queries of items that an earlier version of the reader read, and of reading them again. */
#ifndef MN_STORE_REREAD_H
#define MN_STORE_REREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

struct arena;
struct error;
struct process_found;

extern const struct query store_reread_queries[];

/* An item to be read again; texts are in the arena, NULL if absent. */
struct reread_item {
	const char *id; /* NULL: there is none */
	const char *object_key, *kind, *filename, *sidecar;
	int64_t created_at, modified_at; /* us; of the file, 0 = unknown */
};

/* How many there are. */
bool store_reread_left(struct db *, struct arena *, int64_t *n, struct error *);
/* The next one after this id. */
bool store_reread_next(struct db *, struct arena *, const char *after, struct reread_item *,
    struct error *);
/* Whether one of these queues has a job that is due or runs. */
bool store_reread_busy(struct db *, struct arena *, struct strings queues, bool *busy,
    struct error *);
/*
 * Inside the transaction of the job, with the item held: what the file says now. What people edited
 * stays, and so does what was made of the file's content. *changed: the item is another one now;
 * *paired: it belongs to a live photo, as was not known before.
 */
bool store_reread_publish(struct db *, struct arena *, const struct reread_item *,
    const struct process_found *, bool *changed, bool *paired, struct error *);
/* The item has been read, whatever was found. */
bool store_reread_seen(struct db *, struct arena *, const struct reread_item *, struct error *);

#endif
