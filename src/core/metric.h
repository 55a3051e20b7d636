/*
 * Metrics: counters, gauges and histograms that all processes of the host write into one shared
 * mapping (core/shm.h), without locks and system calls. The metrics are declared in
 * metric_table.def; one observation is a few relaxed atomic additions:
 *
 *	uint32_t kind = metric_label(LABEL_JOB_KIND, row->kind);
 *
 *	metric_add(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE), 1);
 *	metric_observe(METRIC_JOB_DURATION, LABELS(kind), us);
 *
 * Values survive the restart of any process, and a kill: an observation that was cut short may be
 * in a histogram's count and not in its sum. After an upgrade that changed the table, metrics whose
 * declaration is unchanged are carried over; values that old processes measure after that are lost.
 *
 * A gauge is the sum of what the living processes have added to it: the share of a process that was
 * killed disappears with it.
 *
 * The values of an open label (routes, pools, kinds of jobs) are named when they are first used. A
 * name has the same place in every process. Names past the limit of the table, or longer than
 * METRIC_NAME_MAX, are counted together as "other". Names come from the program, never from
 * requests.
 */
#ifndef MN_CORE_METRIC_H
#define MN_CORE_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

#define METRIC_NAME_MAX 88    /* bytes of a label's value, NUL included */
#define METRIC_LABELS_MAX 3   /* of one metric */
#define METRIC_BUCKETS_MAX 16 /* bounds of one histogram */
/* processes that can add to gauges at once; the others are not counted in them */
#define METRIC_PROCESSES 256
#define METRIC_REGISTRY_MAX 40  /* of metric_registry.id, NUL included */
#define METRIC_OTHER UINT32_MAX /* as a label's value: "other" */

enum metric {
#define COUNTER(id, name, help, a, b, c) METRIC_##id,
#define SECONDS(id, name, help, a, b, c) METRIC_##id,
#define GAUGE(id, name, help, a, b, c) METRIC_##id,
#define HISTOGRAM(id, name, help, buckets, a, b, c) METRIC_##id,
#include "core/metric_table.def"
	METRICS,
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum metric_label {
	LABEL_NONE,
#define FIXED(id, name, ...) LABEL_##id,
#define OPEN(id, name, max) LABEL_##id,
#include "core/metric_table.def"
	METRIC_LABELS,
};

/* VALUE_<id> of the fixed labels, and how many each has. */
#define V(id, text) VALUE_##id,
#define FIXED(id, name, ...) enum { __VA_ARGS__ VALUES_##id };
#include "core/metric_table.def"
#undef V

/* The values of a metric's labels, in the order of its row. */
struct metric_values {
	uint32_t v[METRIC_LABELS_MAX];
};
#define LABELS(...) ((struct metric_values) { { __VA_ARGS__ } })
#define UNLABELLED LABELS(0)

/* Without it, or when it fails, the metrics are private to the process. Once, before it forks. */
bool metric_open(const char *run_dir, struct error *);

/* The value of an open label that has this name; NULL: METRIC_OTHER. */
uint32_t metric_label(enum metric_label, const char *name);

void metric_add(enum metric, struct metric_values, uint64_t n);         /* a counter; SECONDS: us */
void metric_gauge_add(enum metric, struct metric_values, int64_t n);    /* a gauge */
void metric_observe(enum metric, struct metric_values, int64_t amount); /* a histogram */

/* One series: a metric with one value of each of its labels, in the base unit of its name. */
struct metric_point {
	enum metric metric;
	enum metric_type type;
	const char *name, *help;
	unsigned nlabels;
	struct {
		const char *name;
		char value[METRIC_NAME_MAX];
	} labels[METRIC_LABELS_MAX];
	double value; /* of a counter or gauge; a histogram's sum */
	/* A bucket counts values above the previous bound and up to its own. */
	unsigned nbounds;
	double bounds[METRIC_BUCKETS_MAX];
	uint64_t buckets[METRIC_BUCKETS_MAX + 1], count;
};

/*
 * Every series in the order of the table; of those with labels, only series that have counted
 * something. Start with a zeroed cursor; false: no more series.
 */
struct metric_cursor {
	unsigned metric;
	size_t series;
};
bool metric_next(struct metric_cursor *, struct metric_point *);
void metric_read(enum metric, struct metric_values, struct metric_point *);
/* A histogram without observations, for metric_quantile() over counts from elsewhere. */
void metric_histogram(enum metric, struct metric_point *);
/* How many values a label has, "other" included: the last one. */
unsigned metric_label_values(enum metric_label);
void metric_label_text(enum metric_label, uint32_t value, char out[METRIC_NAME_MAX]);
/* Adds the other series of the same metric, such as another method of the same route. */
void metric_merge(struct metric_point *, const struct metric_point *other);
/*
 * The quantile `q` (0 to 1) of a histogram, estimated within its bucket as Prometheus does; at most
 * the last bound, 0 without observations.
 */
double metric_quantile(const struct metric_point *, double q);

/*
 * Which counters these are: their values only grow as long as the id stays the same. A host that
 * starts again has new ones; an upgrade that carries requests and durations over keeps the id.
 */
struct metric_registry {
	char id[METRIC_REGISTRY_MAX]; /* a UUID */
	int64_t created;              /* us */
};
/* False: this process counts for itself. */
bool metric_registry(struct metric_registry *);

#endif
