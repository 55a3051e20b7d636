/* The reads for health and for the counters of the queue. */
#ifndef MN_STORE_HEALTH_H
#define MN_STORE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/job.h"
#include "store/pg.h"

extern const struct query store_health_queries[];

bool store_queue_state(struct db *, struct arena *, struct queue_state *, struct error *);

#endif
