/* What of the state of the house is a metric: read as a whole, in one statement. */
#ifndef MN_STORE_FACTS_H
#define MN_STORE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

extern const struct query store_facts_queries[];

/* Waiting jobs of one queue are counted up to this many. */
#define FACTS_WAITING_MAX 10000

enum store_fact_kind { STORE_FACT_QUEUE, STORE_FACT_DEAD, STORE_FACT_SYNC, STORE_FACT_STORED };

struct store_fact {
	enum store_fact_kind kind;
	const char *name; /* of the queue, of the kind of media server */
	/*
	 * QUEUE: jobs that are due, running ones, and when the oldest due one became due; DEAD:
	 * jobs; SYNC: end of the last good run of the server whose is oldest; STORED: bytes. Times
	 * in us, 0: none.
	 */
	int64_t value, running, since;
};
bool store_facts(struct db *, struct arena *, struct strings queues, struct store_fact **,
    size_t *n, struct error *);

#endif
