/* Reading the metrics: metric.h. */
#include <string.h>

#include "core/metric_internal.h"
#include "core/str.h"
#include "core/banned.h"

#define OTHER "other"

void
metric_label_text(enum metric_label label, uint32_t value, char out[METRIC_NAME_MAX])
{
	const struct metric_label_row *row = &metric_label_rows[label];
	const struct metric_name *names =
	    (const struct metric_name *)((const char *)metric_map + row->names);

	if (value < row->max && row->values != NULL)
		str_copy(out, METRIC_NAME_MAX, row->values[value]);
	else if (value < row->max)
		metric_name_read(&names[value], out);
	else
		str_copy(out, METRIC_NAME_MAX, OTHER);
}

static uint64_t
gauge_read(const _Atomic uint64_t *cells)
{
	uint64_t sum = 0, value;

	for (unsigned i = 0; i < METRIC_PROCESSES; i++) {
		value = atomic_load_explicit(&cells[i], memory_order_relaxed);
		if (value != 0 &&
		    metric_process_lives(atomic_load_explicit(&metric_map->processes[i],
			memory_order_relaxed)))
			sum += value;
	}
	return sum;
}

static struct metric_point
metric_empty(enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];

	return (struct metric_point) {
		.metric = metric,
		.type = row->type,
		.name = row->name,
		.help = row->help,
	};
}

static void
read_bounds(const struct metric_row *row, struct metric_point *point)
{
	point->nbounds = row->nbounds;
	for (unsigned i = 0; i < row->nbounds; i++)
		point->bounds[i] = (double)row->bounds[i] * row->scale;
}

static void
histogram_read(const struct metric_row *row, const _Atomic uint64_t *cells,
    struct metric_point *point)
{
	read_bounds(row, point);
	for (unsigned i = 0; i <= row->nbounds; i++) {
		point->buckets[i] = atomic_load_explicit(&cells[i], memory_order_relaxed);
		point->count += point->buckets[i];
	}
	point->value =
	    (double)atomic_load_explicit(&cells[row->nbounds + 1], memory_order_relaxed) *
	    row->scale;
}

void
metric_read(enum metric metric, struct metric_values values, struct metric_point *point)
{
	const struct metric_row *row = &metric_rows[metric];
	const _Atomic uint64_t *cells = metric_cell(metric_map, metric, values);

	*point = metric_empty(metric);
	for (size_t i = 0; i < METRIC_LABELS_MAX && row->labels[i] != LABEL_NONE; i++) {
		point->labels[i].name = metric_label_rows[row->labels[i]].name;
		metric_label_text(row->labels[i], values.v[i], point->labels[i].value);
		point->nlabels++;
	}
	switch (row->type) {
	case METRIC_COUNTER:
		point->value =
		    (double)atomic_load_explicit(cells, memory_order_relaxed) * row->scale;
		break;
	case METRIC_GAUGE: point->value = (double)(int64_t)gauge_read(cells); break;
	case METRIC_HISTOGRAM: histogram_read(row, cells, point); break;
	}
}

void
metric_histogram(enum metric metric, struct metric_point *point)
{
	const struct metric_row *row = &metric_rows[metric];

	*point = metric_empty(metric);
	read_bounds(row, point);
}

unsigned
metric_label_values(enum metric_label label)
{
	return metric_label_rows[label].max + 1;
}

bool
metric_next(struct metric_cursor *cursor, struct metric_point *point)
{
	for (; cursor->metric < METRICS; cursor->metric++, cursor->series = 0) {
		const struct metric_row *row = &metric_rows[cursor->metric];

		while (cursor->series < metric_series(row)) {
			metric_read((enum metric)cursor->metric,
			    metric_values_at(row, cursor->series++), point);
			if (point->nlabels == 0 || point->value != 0 || point->count != 0)
				return true;
		}
	}
	return false;
}

void
metric_merge(struct metric_point *into, const struct metric_point *other)
{
	into->value += other->value;
	into->count += other->count;
	for (unsigned i = 0; i <= into->nbounds; i++)
		into->buckets[i] += other->buckets[i];
}

double
metric_quantile(const struct metric_point *point, double q)
{
	double rank = q * (double)point->count, below = 0, from;
	unsigned i = 0;

	if (point->count == 0 || point->nbounds == 0)
		return 0;
	while (i < point->nbounds && below + (double)point->buckets[i] < rank)
		below += (double)point->buckets[i++];
	if (i == point->nbounds)
		return point->bounds[i - 1];
	from = i > 0 ? point->bounds[i - 1] : 0;
	if (point->buckets[i] == 0)
		return from;
	return from + (point->bounds[i] - from) * ((rank - below) / (double)point->buckets[i]);
}
