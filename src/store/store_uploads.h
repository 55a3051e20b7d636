/*
 * Uploads: rows of `uploads`, whose state moves by compare-and-set: pending -> completing ->
 * completed, pending -> aborted | expired.
 */
#ifndef MN_STORE_STORE_UPLOADS_H
#define MN_STORE_STORE_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_uploads_queries[];

struct upload {
	const char *id, *media_id, *user_id;
	const char *status;     /* pending, completing, completed, aborted, expired */
	const char *object_key; /* incoming/<id> */
	const char *content_type;
	const char *sha256;       /* announced, hexadecimal, or NULL */
	const char *multipart_id; /* the store's id, or NULL */
	int64_t size, part_size;  /* bytes; part_size 0: one piece */
	int64_t expires_at;       /* us */
	bool expired;             /* by the database's clock */
};

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
