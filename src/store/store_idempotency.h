/*
 * Answers kept for their Idempotency-Key. A row is written in the transaction of what it tells
 * about.
 */
#ifndef MN_STORE_IDEMPOTENCY_H
#define MN_STORE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "store/pg.h"

#define IDEMPOTENCY_HOURS "24" /* an answer is kept so long */
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
 * Inside a transaction: takes the key until it ends; *taken false when somebody else has it. Fills
 * hash, status and response with what is kept, or leaves hash NULL. One round trip; the look
 * follows the lock, so that it sees what the last holder committed.
 */
bool store_idempotency_take(struct db *, struct arena *, struct idempotency_row *, bool *taken,
    struct error *);
bool store_idempotency_keep(struct db *, struct arena *, const struct idempotency_row *,
    struct error *);
/* At most IDEMPOTENCY_EXPIRE_ROWS at once. */
bool store_idempotency_expire(struct db *, struct arena *, struct error *);

#endif
