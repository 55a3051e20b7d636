/*
 * Metrics that are no counters of the registry (core/metric.h) but facts of the moment: of this
 * host and, with three statements, of the house. They are gauges. What cannot be learned is
 * missing.
 *
 * How many there can be is bounded: each fact is there once, or once for each value of a closed
 * set (queues, directories, kinds of media servers).
 */
#ifndef MN_SERVICE_OPERATOR_FACTS_H
#define MN_SERVICE_OPERATOR_FACTS_H

#include <stddef.h>

struct call;

/* A certificate is looked at that often; while it could not be, more often. */
#define FACTS_CERTIFICATE_SECONDS 600
#define FACTS_CERTIFICATE_RETRY_SECONDS 60

struct fact_row {
	const char *name, *help;
	const char *label; /* or NULL */
};

struct fact {
	const struct fact_row *row;
	const char *value_of_label; /* or NULL */
	double value;
};

/* All that is known, those of one row together. */
struct facts {
	const struct fact *items;
	size_t n;
};
struct facts facts_read(const struct call *);

#endif
