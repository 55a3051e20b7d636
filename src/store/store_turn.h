/* Queries of turned items: the turn itself, and the pictures that follow it. */
#ifndef MN_STORE_TURN_H
#define MN_STORE_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_turn_queries[];

/* Items whose pictures are to be made again; of equal length. */
struct turned_items {
	const char **ids, **content_types;
	size_t n;
};
/*
 * The locked item, and the clip of a live photo, by so many degrees clockwise (0..270). `out` has
 * those of them that are ready.
 */
bool store_media_turn(struct db *, struct arena *, const char *id, int64_t by,
    struct turned_items *out, struct error *);

#define TURN_PAUSE_HOURS 1
/* Ready items that wait for such pictures although no job makes them, after a pause. */
bool store_turn_stuck(struct db *, struct arena *, int limit, struct turned_items *,
    struct error *);

/* An item that may need pictures that are turned. */
struct turn_item {
	bool found; /* it is there, ready, and turned in another way than its pictures */
	const char *object_key; /* of the original */
	int64_t rotation;       /* degrees */
};
bool store_turn_load(struct db *, struct arena *, const char *id, struct turn_item *,
    struct error *);

struct turn_found {
	const struct turn_item *item;
	const char *thumbhash, *metadata, *asset_prefix; /* metadata: its `sprite` is taken */
	struct strings assets, sprite_times, keys;       /* keys: objects of this run */
};
/*
 * Inside the transaction of the job, which it makes hold the item. *published false: meanwhile the
 * item was turned again, is being processed or is gone, so its pictures are another job's.
 */
bool store_turn_publish(struct db *, struct arena *, const char *id, const struct turn_found *,
    bool *published, struct error *);

#endif
