/* What the house has measured, beside what it should achieve: for the page. */
#ifndef MN_SERVICE_OPERATOR_WATCH_H
#define MN_SERVICE_OPERATOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/watch.h"

struct call;
struct error;

/* What the house should achieve. */
#define WATCH_TARGET_RESPONSE_MS 50
#define WATCH_TARGET_DATABASE_MS 15
#define WATCH_TARGET_HITS 0.85
#define WATCH_TARGET_ERRORS 0.001

#define WATCH_WINDOW_LIST(X) X("5m") X("1h") X("1d")

struct watch_summary {
	struct watch_window total;
	const struct watch_route *routes; /* the busiest first */
	size_t n;
};
/* `window`: a word of WATCH_WINDOW_LIST. */
bool watch_summary(const struct call *, const char *window, struct watch_summary *, struct error *);

/* What can be plotted; hits and errors are shares of one. */
#define WATCH_METRIC_LIST(X) \
	X("p50") \
	X("p95") X("p99") X("database") X("hits") X("errors") X("requests") X("queue") X("storage")

struct watch_value {
	int64_t at; /* us, the start of its bucket */
	bool known;
	double value;
};
struct watch_plot {
	const char *unit; /* "ms", "ratio", "requests", "jobs", "bytes" */
	double threshold; /* of its alert, or what it should be; < 0: nothing of the kind */
	int step;         /* seconds */
	const struct watch_value *values;
	size_t n;
};
/*
 * `metric`: a word of WATCH_METRIC_LIST; `from` and `to` in us, 0: a day ago, now. A time that is
 * longer ago than anything is kept, or an order of times that is none, is an error of its field.
 */
bool watch_history(const struct call *, const char *metric, int64_t from, int64_t to,
    struct watch_plot *, struct error *);

#endif
