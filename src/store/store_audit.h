/* The audit log and its chain. The api role can only add and read rows. */
#ifndef MN_STORE_AUDIT_H
#define MN_STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/crypto.h"
#include "model/audit.h"
#include "store/pg.h"

extern const struct query store_audit_queries[];

struct audit_new {
	const char *actor_id, *action, *target_type, *target_id, *detail, *address, *request_id;
};

bool store_audit_add(struct db *, struct arena *, const struct audit_new *, struct error *);
/* Of a query that selects all columns of audit_log in the order of struct audit_row. */
#define STORE_AUDIT_COLUMNS 10
struct audit_row store_audit_row(const struct rows *, size_t row);

struct audit_link {
	int64_t seq; /* 0: there is none yet */
	unsigned char hash[SHA256_SIZE];
	int64_t audit_id; /* of its row; store_audit_chain_lock() fills it */
};
/*
 * In a transaction: one chainer at a time, then the last link. ERR_INTERNAL when the link is
 * damaged.
 */
bool store_audit_chain_lock(struct db *, struct arena *, struct audit_link *last, struct error *);
/* Rows after the one of the last link. */
bool store_audit_unchained(struct db *, struct arena *, int64_t after, int limit,
    struct audit_row **, size_t *n, struct error *);
bool store_audit_chain_add(struct db *, struct arena *, const char *audit_id,
    const struct audit_link *, struct error *);
struct audit_chained {
	struct audit_row row;
	struct audit_link link;
	bool damaged; /* the stored hash is malformed */
};
struct audit_chain {
	const struct audit_chained *items;
	size_t n;
};
/* Links after a seq with their rows. */
bool store_audit_chain_read(struct db *, struct arena *, int64_t after, int limit,
    struct audit_chain *, struct error *);
bool store_audit_unchained_count(struct db *, struct arena *, int64_t *n, struct error *);

#endif
