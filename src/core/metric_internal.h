/* The layout of the metrics' mapping; for metric.c, metric_carry.c and metric_read.c. */
#ifndef MN_CORE_METRIC_INTERNAL_H
#define MN_CORE_METRIC_INTERNAL_H

#include <stdatomic.h>

#include "core/metric.h"
#include "core/shm.h"

/* version of the notes that metric_carry.c reads in a file of another layout */
#define METRIC_FORMAT 2

/*
 * A name of an open label. Its hash claims the place. Every process that finds a place with the
 * right hash and without a text writes the text, which is the same for all of them: a process that
 * is killed between the two steps leaves nothing unfinished. Two names with the same hash would
 * share a place; with some hundred names of our own choice that does not happen.
 */
struct metric_name {
	_Atomic uint64_t hash;
	_Atomic uint64_t named;
	_Atomic uint64_t text[METRIC_NAME_MAX / sizeof(uint64_t)];
};

/* The file's description of itself, for a process with another table. Offsets in bytes. */
struct metric_label_note {
	uint64_t hash; /* of the label's name */
	uint64_t names, max;
};
struct metric_note {
	uint64_t hash; /* of the whole declaration; 0: not to be carried over */
	uint64_t cells, width;
	uint64_t labels[METRIC_LABELS_MAX]; /* of the notes above */
};

/* Each label counts one value more than it has names: "other", the last. */
enum {
	DIM_NONE = 1,
#define FIXED(id, name, ...) DIM_##id = VALUES_##id + 1,
#define OPEN(id, name, max) DIM_##id = (max) + 1,
#include "core/metric_table.def"
};

/* A histogram's cells: one for each bound, one for larger values, the sum. */
enum {
#define BUCKETS(id, scale, ...) \
	WIDTH_##id = sizeof((const int64_t[]) { __VA_ARGS__ }) / sizeof(int64_t) + 2,
#include "core/metric_table.def"
};

struct metric_layout {
	struct shm_head head;
	uint64_t format, nlabels, nmetrics;
	struct metric_registry registry;
	struct metric_label_note labels[METRIC_LABELS];
	struct metric_note metrics[METRICS];
	/* Which processes add to gauges: id and start of each, 0 for a free place. */
	_Atomic uint64_t processes[METRIC_PROCESSES];
	struct {
#define FIXED(id, name, ...) struct metric_name id[VALUES_##id];
#define OPEN(id, name, max) struct metric_name id[max];
#include "core/metric_table.def"
	} names;
	struct {
#define COUNTER(id, name, help, a, b, c) _Atomic uint64_t id[DIM_##a * DIM_##b * DIM_##c];
#define SECONDS(id, name, help, a, b, c) _Atomic uint64_t id[DIM_##a * DIM_##b * DIM_##c];
#define GAUGE(id, name, help, a, b, c) \
	_Atomic uint64_t id[DIM_##a * DIM_##b * DIM_##c * METRIC_PROCESSES];
#define HISTOGRAM(id, name, help, buckets, a, b, c) \
	_Atomic uint64_t id[DIM_##a * DIM_##b * DIM_##c * WIDTH_##buckets];
#include "core/metric_table.def"
	} cells;
};

struct metric_row {
	const char *name, *help;
	enum metric_type type;
	enum metric_label labels[METRIC_LABELS_MAX];
	unsigned dims[METRIC_LABELS_MAX]; /* values of each label, "other" included */
	unsigned width;                   /* cells of a series */
	size_t cells;                     /* offset */
	const int64_t *bounds;
	unsigned nbounds;
	double scale; /* of a cell's unit to the base unit */
};

struct metric_label_row {
	const char *name;
	const char *const *values; /* of a fixed label */
	unsigned max;
	size_t names; /* offset */
};

extern const struct metric_row metric_rows[METRICS];
extern const struct metric_label_row metric_label_rows[METRIC_LABELS];
extern struct metric_layout *metric_map; /* never NULL */

uint32_t metric_label_in(struct metric_layout *, enum metric_label, const char *name);
void metric_name_write(struct metric_name *, const char *name);
void metric_name_read(const struct metric_name *, char out[METRIC_NAME_MAX]);
/* The first cell of a series. */
_Atomic uint64_t *metric_cell(struct metric_layout *, enum metric, struct metric_values);
size_t metric_series(const struct metric_row *); /* the number of series that a metric can have */
/* The label values of the series at this index. */
struct metric_values metric_values_at(const struct metric_row *, size_t series);
bool metric_process_lives(uint64_t process);
uint64_t metric_fingerprint(void);
/* shm_file.fill: writes notes and fixed names, and carries over values of an earlier layout. */
void metric_fill(void *map, const void *old, size_t old_size);

#endif
