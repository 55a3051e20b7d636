/*
 * What the house has measured: samples of each host's registry, added up in buckets that grow
 * coarser with age (sql/0019).
 */
#ifndef MN_STORE_WATCH_H
#define MN_STORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/watch.h"
#include "store/pg.h"

extern const struct query store_watch_queries[];

/* Widths of the buckets, and how long each kind is kept; seconds. */
#define WATCH_MINUTE 60
#define WATCH_MINUTE_KEPT (6 * 3600)
#define WATCH_TEN_MINUTES 600
#define WATCH_TEN_MINUTES_KEPT (2 * 86400)
#define WATCH_HOUR 3600
#define WATCH_HOUR_KEPT (30 * 86400)

struct watch_sample {
	const char *registry; /* its id */
	int64_t created;      /* us */
	const char *host;
	const struct watch_reading *readings;
	size_t n;
};
/*
 * Adds what the registry has counted since its last sample, in one statement: a reading that is not
 * newer than the one before adds nothing, whoever made that.
 */
bool store_watch_sample(struct db *, struct arena *, const struct watch_sample *, struct error *);
/* Removes what is past its time. */
bool store_watch_expire(struct db *, struct arena *, struct error *);

bool store_watch_window(struct db *, struct arena *, int seconds, struct watch_window *,
    struct error *);

#endif
