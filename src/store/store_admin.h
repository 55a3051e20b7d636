/* The reads of the administration, and the storage of people. */
#ifndef MN_STORE_ADMIN_H
#define MN_STORE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/audit.h"
#include "model/figures.h"
#include "store/pg.h"

struct redis;
struct media_reader;

extern const struct query store_admin_queries[];

/* The audit log, with the names that actors and targets have now. */
struct store_audit_filter {
	const char *actor, *action /* a prefix */, *target;
	int64_t from, to; /* us, 0 = open */
	int64_t before;   /* an id; 0: from the newest */
	int limit;
};
bool store_audit_list(struct db *, struct arena *, const struct store_audit_filter *,
    struct audit_row **, size_t *n, struct error *);

struct figures_ask {
	int months, people; /* at most so many of each */
};
bool store_figures(struct db *, struct arena *, const struct figures_ask *, struct figures *,
    struct error *);
/* bytes and quota of each (user_id), in the order of `ids`. */
bool store_storage_of(struct db *, struct arena *, struct strings ids, struct person_storage **,
    struct error *);
bool store_failures(struct db *, struct arena *, const struct media_reader *,
    struct failure_group **, size_t *n, struct error *);
/* In a transaction: locks failed uploads with this reason, or with any (NULL). */
bool store_failures_lock(struct db *, struct arena *, const char *code, int limit,
    struct failed_item **, size_t *n, struct error *);
bool store_postgres_load(struct db *, struct arena *, struct postgres_load *, struct error *);
bool store_queues_load(struct db *, struct arena *, struct queue_load **, size_t *n,
    struct error *);
bool store_redis_load(struct redis *, struct arena *, struct redis_load *, struct error *);

#endif
