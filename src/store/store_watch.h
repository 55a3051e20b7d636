/*
 * What the house has measured: samples of each host's registry, added up in buckets that grow
 * coarser with age (sql/0019), and facts of the house.
 */
#ifndef MN_STORE_WATCH_H
#define MN_STORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/watch.h"
#include "store/pg.h"

extern const struct query store_watch_queries[];

/* Widths of the buckets, and how long each kind is kept; seconds. */
#define WATCH_MINUTE 60
#define WATCH_MINUTE_KEPT 21600
#define WATCH_TEN_MINUTES 600
#define WATCH_TEN_MINUTES_KEPT 172800
#define WATCH_HOUR 3600
#define WATCH_HOUR_KEPT 2592000

struct watch_sample {
	const char *registry; /* its id */
	int64_t created;      /* us */
	const char *host;
	const struct watch_reading *readings;
	size_t n;
	const struct watch_level *levels;
	size_t nlevels;
};
/*
 * Adds what the registry has counted since its last sample, in one statement: a reading that is not
 * newer than the one before adds nothing, whichever process made that.
 */
bool store_watch_sample(struct db *, struct arena *, const struct watch_sample *, struct error *);
/* Removes what is past its time. */
bool store_watch_expire(struct db *, struct arena *, struct error *);

bool store_watch_window(struct db *, struct arena *, int seconds, struct watch_window *,
    struct error *);
/* Each route that was asked for, the busiest first. */
bool store_watch_routes(struct db *, struct arena *, int seconds, struct watch_route **, size_t *n,
    struct error *);

/* The house in all buckets from a time to another one: of the narrowest width that is kept. */
bool store_watch_history(struct db *, struct arena *, int64_t from, int64_t to,
    struct watch_points *, struct error *);
/* The same of a level of the house: "queue" (jobs that waited, at most), "stored" (bytes). */
bool store_watch_levels(struct db *, struct arena *, const char *name, int64_t from, int64_t to,
    struct watch_points *, struct error *);

bool store_watch_facts(struct db *, struct arena *, struct strings queues, struct watch_fact **,
    size_t *n, struct error *);

#endif
