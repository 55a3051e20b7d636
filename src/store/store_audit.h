/* The audit log and its chain. The api role may add and read, nothing else. */
#ifndef MN_STORE_AUDIT_H
#define MN_STORE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_audit_queries[];

enum audit_column {
	AUDIT_ID,
	AUDIT_AT,
	AUDIT_ACTOR_ID,
	AUDIT_ACTOR,
	AUDIT_ACTION,
	AUDIT_TARGET_TYPE,
	AUDIT_TARGET_ID,
	AUDIT_DETAIL,
	AUDIT_ADDRESS,
	AUDIT_REQUEST,
	AUDIT_COLUMNS,
};

struct audit_new {
	const char *actor_id, *action, *target_type, *target_id, *detail, *address, *request_id;
};

bool store_audit_add(struct db *, struct arena *, const struct audit_new *, struct error *);
/* actor, action (prefix), target, from, to (us, 0 = open), before id ("" = newest), limit. */
struct store_audit_filter {
	const char *actor, *action, *target;
	int64_t from, to;
	const char *before;
	int limit;
};
bool store_audit_list(struct db *, struct arena *, const struct store_audit_filter *,
    struct rows **, struct error *);

/*
 * One chainer at a time, then the last link: seq, hash (hexadecimal); no row = none yet. In a
 * transaction.
 */
bool store_audit_chain_lock(struct db *, struct arena *, struct rows **last, struct error *);
bool store_audit_unchained(struct db *, struct arena *, int limit, struct rows **, struct error *);
bool store_audit_chain_add(struct db *, struct arena *, int64_t seq, const char *audit_id,
    const void *hash, size_t len, struct error *);
/* Links after a seq with their rows: AUDIT_COLUMNS, then seq, hash (hexadecimal). */
bool store_audit_chain_read(struct db *, struct arena *, int64_t after, int limit, struct rows **,
    struct error *);
bool store_audit_unchained_count(struct db *, struct arena *, struct rows **, struct error *);

#endif
