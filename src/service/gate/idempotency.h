/*
 * Idempotency-Key: the effects of a request and its response commit together under (caller, route,
 * key). The response is kept for 24 hours. Failures are not kept: the key may be used again.
 */
#ifndef MN_SERVICE_GATE_IDEMPOTENCY_H
#define MN_SERVICE_GATE_IDEMPOTENCY_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;
struct services;

struct idempotent {
	const char *user_id;
	const char *route; /* method and path template */
	const char *key;
	const char *path, *query; /* of the request itself; query may be NULL */
	const char *body;
	size_t body_len;
};

struct idempotent_answer {
	int status;
	const char *text;
	size_t len;
};

/*
 * *kept = the earlier response, or NULL: then an outer transaction is open, which
 * idempotency_keep() or idempotency_undo() ends. ERR_CONFLICT (idempotency_key_in_use) while the
 * first request is in progress, ERR_UNPROCESSABLE (idempotency_key_reused) for another request with
 * the same key.
 */
bool idempotency_begin(const struct call *, const struct idempotent *,
    const struct idempotent_answer **kept, struct error *);
bool idempotency_keep(const struct call *, const struct idempotent *, int status, const char *text,
    struct error *);
void idempotency_undo(struct services *);

#endif
