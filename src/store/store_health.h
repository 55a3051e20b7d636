/* What health and the counters of the queue read. */
#ifndef MN_STORE_HEALTH_H
#define MN_STORE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_health_queries[];

struct queue_state {
	int64_t waiting; /* due and not taken */
	int64_t running;
	int64_t dead;
	int64_t lag; /* us since the oldest due job became due; 0 when none waits */
};

bool store_queue_state(struct db *, struct arena *, struct queue_state *, struct error *);

#endif
