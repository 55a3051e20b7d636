/*
 * What the rules of the alerts ask for: one function for each `fact` of model/alert_rules.def. A
 * question that failed is unknown, and harms no other.
 */
#ifndef MN_SERVICE_OPERATOR_ALERT_FACTS_H
#define MN_SERVICE_OPERATOR_ALERT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/alert.h"

struct arena;
struct call;
struct db;
struct error;

#define ALERT_SAMPLES_MIN 20   /* requests, items of a batch: fewer say nothing */
#define ALERT_FAILURES_MIN 2   /* failed requests: one now and then is chance */
#define ALERT_FIGURES_MIN_S 60 /* the registry is sampled every minute */

/*
 * Outside a transaction: other machines are asked. Rules that can have several subjects come with
 * a fact for each; a subject of NULL stands for all of a rule of which nothing is known.
 */
void alert_facts_find(const struct call *, struct alert_fact **, size_t *n);

/* The facts of some rules by themselves. */
bool alert_queue_lag(struct db *, struct arena *, double *seconds, struct error *);
bool alert_dead_jobs(struct db *, struct arena *, double *n, struct error *);
/* An address that several people cannot have unless a proxy stands between them and nginx. */
bool alert_address_is_private(const char *address);

/* The share of requests that failed, in percent. */
double alert_error_share(uint64_t failed, uint64_t requests);

#endif
