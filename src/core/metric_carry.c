/*
 * Fills a new mapping and carries values over from one of another layout: the series of metrics
 * whose declaration is the same, matched by the names of their labels' values. Gauges are not
 * carried over: their processes still have the old mapping, or start from zero.
 */
#include <string.h>

#include "core/clock.h"
#include "core/id.h"
#include "core/metric_internal.h"
#include "core/str.h"
#include "core/banned.h"

#define OLD_SERIES_MAX (1UL << 24)

/* The declaration of a metric: name, type, labels and bounds, but not the labels' limits. */
static uint64_t
declaration(const struct metric_row *row)
{
	uint64_t hash = shm_hash(SHM_HASH + row->type, row->name);

	for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
		hash = shm_hash(hash, metric_label_rows[row->labels[i]].name);
	for (unsigned i = 0; i < row->nbounds; i++)
		hash = (hash ^ (uint64_t)row->bounds[i]) * 1099511628211ULL;
	return hash;
}

uint64_t
metric_fingerprint(void)
{
	uint64_t hash = shm_hash(SHM_HASH + METRIC_FORMAT, "metrics");

	for (unsigned m = 0; m < METRICS; m++)
		hash = (hash ^ declaration(&metric_rows[m])) * 1099511628211ULL;
	for (unsigned l = 0; l < METRIC_LABELS; l++) {
		const struct metric_label_row *row = &metric_label_rows[l];

		hash = shm_hash(hash + row->max, row->name);
		for (unsigned i = 0; row->values != NULL && i < row->max; i++)
			hash = shm_hash(hash, row->values[i]);
	}
	return (hash ^ sizeof(struct metric_layout)) * 1099511628211ULL;
}

static void
write_notes(struct metric_layout *map)
{
	map->format = METRIC_FORMAT;
	map->nlabels = METRIC_LABELS;
	map->nmetrics = METRICS;
	for (unsigned l = 0; l < METRIC_LABELS; l++) {
		const struct metric_label_row *row = &metric_label_rows[l];
		struct metric_name *names = (struct metric_name *)((char *)map + row->names);

		map->labels[l] = (struct metric_label_note) { shm_hash(SHM_HASH, row->name),
			row->names, row->max };
		for (unsigned i = 0; row->values != NULL && i < row->max; i++)
			metric_name_write(&names[i], row->values[i]);
	}
	for (unsigned m = 0; m < METRICS; m++) {
		const struct metric_row *row = &metric_rows[m];
		struct metric_note *note = &map->metrics[m];

		note->hash = row->type == METRIC_GAUGE ? 0 : declaration(row);
		note->cells = row->cells;
		note->width = row->width;
		for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
			note->labels[i] = row->labels[i];
	}
}

/* The mapping of another layout. Every number in it is checked before it is used. */
struct old {
	const char *map;
	size_t size;
	const struct metric_label_note *labels;
	uint64_t nlabels;
};

static bool
within(const struct old *old, uint64_t offset, uint64_t count, size_t size)
{
	return offset % sizeof(uint64_t) == 0 && offset <= old->size &&
	    count <= (old->size - offset) / size;
}

/* One metric of it: copies of its notes, because other processes may write to them. */
struct old_metric {
	struct metric_note note;
	struct metric_label_note labels[METRIC_LABELS_MAX];
	uint64_t dims[METRIC_LABELS_MAX], series;
};

static bool
take_metric(const struct old *old, const struct metric_note *note, struct old_metric *out)
{
	out->note = *note;
	out->series = 1;
	for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
		if (out->note.labels[i] >= old->nlabels)
			return false;
		out->labels[i] = old->labels[out->note.labels[i]];
		if (out->labels[i].max >= OLD_SERIES_MAX ||
		    !within(old, out->labels[i].names, out->labels[i].max,
			sizeof(struct metric_name)))
			return false;
		/* LABEL_NONE has the one value that every metric without it has. */
		out->dims[i] = out->labels[i].max > 0 ? out->labels[i].max + 1 : 1;
		if (out->series > OLD_SERIES_MAX / out->dims[i])
			return false;
		out->series *= out->dims[i];
	}
	return out->note.width > 0 && out->note.width <= METRIC_BUCKETS_MAX + 2 &&
	    within(old, out->note.cells, out->series * out->note.width, sizeof(uint64_t));
}

static uint32_t
find_fixed(const struct metric_label_row *row, const char *name)
{
	for (uint32_t i = 0; i < row->max; i++)
		if (str_eq(row->values[i], name))
			return i;
	return METRIC_OTHER;
}

/* Where the value of an old label is now. */
static uint32_t
new_value(struct metric_layout *map, enum metric_label label, const struct old *old,
    const struct metric_label_note *note, uint64_t value)
{
	const struct metric_label_row *row = &metric_label_rows[label];
	const struct metric_name *names = (const void *)(old->map + note->names);
	char name[METRIC_NAME_MAX];

	if (label == LABEL_NONE)
		return 0;
	if (value >= note->max)
		return METRIC_OTHER;
	metric_name_read(&names[value], name);
	if (name[0] == '\0')
		return METRIC_OTHER;
	return row->values != NULL ? find_fixed(row, name) : metric_label_in(map, label, name);
}

static void
carry_series(struct metric_layout *map, enum metric metric, const struct old *old,
    const struct old_metric *from, uint64_t series)
{
	const _Atomic uint64_t *cells = (const void *)(old->map + from->note.cells);
	_Atomic uint64_t *to;
	struct metric_values values;
	uint64_t counted = 0, rest = series;

	cells += series * from->note.width;
	for (uint64_t i = 0; i < from->note.width; i++)
		counted |= atomic_load_explicit(&cells[i], memory_order_relaxed);
	if (counted == 0)
		return;
	for (int i = METRIC_LABELS_MAX - 1; i >= 0; i--) {
		values.v[i] = new_value(map, metric_rows[metric].labels[i], old, &from->labels[i],
		    rest % from->dims[i]);
		rest /= from->dims[i];
	}
	to = metric_cell(map, metric, values);
	for (uint64_t i = 0; i < from->note.width; i++)
		atomic_fetch_add_explicit(&to[i],
		    atomic_load_explicit(&cells[i], memory_order_relaxed), memory_order_relaxed);
}

/* Returns the metric that was carried over, or METRICS. */
static enum metric
carry_metric(struct metric_layout *map, const struct old *old, const struct metric_note *note)
{
	struct old_metric from;

	for (unsigned m = 0; m < METRICS; m++) {
		if (metric_rows[m].type == METRIC_GAUGE ||
		    note->hash != declaration(&metric_rows[m]))
			continue;
		if (!take_metric(old, note, &from) || from.note.width != metric_rows[m].width)
			return METRICS;
		for (uint64_t i = 0; i < from.series; i++)
			carry_series(map, (enum metric)m, old, &from, i);
		return (enum metric)m;
	}
	return METRICS;
}

/*
 * The requests go on: what was stored of them before is still a part of them
 * (processing/sampler.h).
 */
static void
take_registry(struct metric_layout *fresh, const struct metric_layout *old)
{
	struct metric_registry registry = old->registry;

	registry.id[METRIC_REGISTRY_MAX - 1] = '\0';
	if (uuid_valid(registry.id) && registry.created > 0 &&
	    registry.created <= fresh->registry.created)
		fresh->registry = registry;
}

void
metric_fill(void *context, const void *map, size_t size)
{
	struct metric_layout *fresh = context;
	const struct metric_layout *head = map;
	struct old old = { .map = map, .size = size };
	uint64_t nmetrics, at = offsetof(struct metric_layout, labels);

	write_notes(fresh);
	uuid_v7(fresh->registry.id);
	fresh->registry.created = clock_now();
	if (map == NULL || size < at || head->format != METRIC_FORMAT)
		return;
	old.nlabels = head->nlabels;
	nmetrics = head->nmetrics;
	if (!within(&old, at, old.nlabels, sizeof(struct metric_label_note)))
		return;
	old.labels = (const void *)(old.map + at);
	at += old.nlabels * sizeof(struct metric_label_note);
	if (!within(&old, at, nmetrics, sizeof(struct metric_note)))
		return;
	for (uint64_t i = 0; i < nmetrics; i++)
		if (carry_metric(fresh, &old,
			(const struct metric_note *)(const void *)(old.map + at) + i) ==
		    METRIC_HTTP_DURATION)
			take_registry(fresh, head);
}
