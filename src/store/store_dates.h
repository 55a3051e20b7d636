/*
 * Dates of many items: of the time before their source was kept (sql/0028), and of those that
 * follow the owner's time zone (sql/0039).
 */
#ifndef MN_STORE_STORE_DATES_H
#define MN_STORE_STORE_DATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/media.h"
#include "store/pg.h"

extern const struct query store_dates_queries[];

struct undated {
	const char *id, *owner_id, *filename; /* owner_id and filename may be NULL */
	bool video;
	int64_t created_at, modified_at, taken_at; /* us, 0: unknown */
	const char *local, *offset; /* as metadata had them: of the camera's clock; or NULL */
};

/* In a transaction: the next ones, locked; those that somebody holds are left for later. */
bool store_dates_next(struct db *, struct arena *, int limit, struct undated **, size_t *n,
    struct error *);
/* Writes their dates, completed in the zones of their owners. */
bool store_dates_put(struct db *, struct arena *, const struct undated *, const struct taken *,
    size_t n, struct error *);

/* In a transaction: the person's zone, which stays until it ends, or NULL. */
bool store_dates_zone(struct db *, struct arena *, const char *user_id, bool *found,
    const char **zone, struct error *);

struct zoned_part {
	const char *owner_id, *after, *zone; /* after: the last item of the part before, or NULL */
	int limit;
};
/*
 * Completes some dates in this zone. *last: of the part; NULL when there are no more. *scopes:
 * whose cached responses show what has changed.
 */
bool store_dates_zoned(struct db *, struct arena *, const struct zoned_part *, const char **last,
    struct strings *scopes, struct error *);

#endif
