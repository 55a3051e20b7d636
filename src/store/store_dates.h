/* Uploads of the time before the source of a date was kept: sql/0028. */
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

#endif
