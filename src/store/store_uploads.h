/*
 * Uploads: rows of `uploads`, whose state moves by compare-and-set: pending -> completing ->
 * completed, pending -> aborted | expired.
 */
#ifndef MN_STORE_STORE_UPLOADS_H
#define MN_STORE_STORE_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/upload.h"
#include "store/pg.h"

extern const struct query store_uploads_queries[];

bool store_upload_add(struct db *, struct arena *, const struct upload *, struct error *);
/* A person's own upload; ERR_NOT_FOUND. */
bool store_upload_get(struct db *, struct arena *, const char *id, const char *user_id,
    struct upload *, struct error *);
/*
 * Compare and set: *moved tells whether it was in one of the states `from`
 * ("{pending,completing}").
 */
bool store_upload_move(struct db *, struct arena *, const char *id, const char *from,
    const char *to, bool *moved, struct error *);

#endif
