/*
 * Responses stored under their Idempotency-Key. A row is written in the transaction of the change
 * that it describes.
 */
#ifndef MN_STORE_IDEMPOTENCY_H
#define MN_STORE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "store/pg.h"

#define IDEMPOTENCY_HOURS "24" /* how long a response is kept */
#define IDEMPOTENCY_EXPIRE_ROWS 10000

struct idempotency_row {
	const char *principal, *route, *key;
	const char *hash; /* hexadecimal SHA-256 of the request */
	int status;
	const char *response;
	size_t response_len;
};

extern const struct query store_idempotency_queries[];

/*
 * Inside a transaction: locks the key until its end; *taken is false if another request holds it.
 * Fills hash, status and response if they are stored, or leaves hash NULL. One round trip; the row
 * is read after locking, so that it is what the last holder committed.
 */
bool store_idempotency_take(struct db *, struct arena *, struct idempotency_row *, bool *taken,
    struct error *);
bool store_idempotency_keep(struct db *, struct arena *, const struct idempotency_row *,
    struct error *);
/* At most IDEMPOTENCY_EXPIRE_ROWS at once. */
bool store_idempotency_expire(struct db *, struct arena *, struct error *);

#endif
