/* What PostgreSQL knows of the state of the house, for the rules of the alerts. */
#ifndef MN_STORE_ALERT_FACTS_H
#define MN_STORE_ALERT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_alert_facts_queries[];

struct sync_age {
	const char *server_id, *name;
	double seconds; /* since it was synced, or since it was set up or changed */
};
/* Of the servers that are to be synced. A run that is at work is no old one. */
bool store_sync_ages(struct db *, struct arena *, struct sync_age **, size_t *n, struct error *);
/*
 * Seconds for which the oldest job that is due has been waiting. Of queues that are not named here
 * only if none of their jobs runs.
 */
bool store_queue_lag(struct db *, struct arena *, struct strings prompt, double *seconds,
    struct error *);
/* Jobs that were given up, without those of these kinds. */
bool store_dead_jobs(struct db *, struct arena *, struct strings without, double *n,
    struct error *);
/* Seconds for which mail has been waiting that failed; 0: mail that was sent since, or none. */
bool store_mail_failing(struct db *, struct arena *, double *seconds, struct error *);
/*
 * The worst share, in percent, of the items that one person uploaded in the last hour and that
 * could not be read; of people with `least` items at least. *any: there is one.
 */
bool store_batch_failures(struct db *, struct arena *, int least, bool *any, double *percent,
    struct error *);
/* The address from which everybody came within a day, NULL if there are others; and how many. */
bool store_one_address(struct db *, struct arena *, const char **address, double *people,
    struct error *);

#endif
