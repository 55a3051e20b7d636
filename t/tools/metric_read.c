/*
 * Prints the metrics of a run directory, one series in a line as in Prometheus: metric-read
 * RUN_DIR. Histograms show their count, sum and 95th percentile.
 */
#include <stdio.h>

#include "core/error.h"
#include "core/metric.h"
#include "core/banned.h"

static void
print(const struct metric_point *point, const char *suffix, double value)
{
	printf("%s%s", point->name, suffix);
	for (unsigned i = 0; i < point->nlabels; i++)
		printf("%s%s=\"%s\"", i == 0 ? "{" : ",", point->labels[i].name,
		    point->labels[i].value);
	printf("%s %g\n", point->nlabels > 0 ? "}" : "", value);
}

int
main(int argc, char **argv)
{
	struct metric_cursor cursor = { 0 };
	struct metric_point point;
	struct error err;

	error_clear(&err);
	if (argc != 2 || !metric_open(argv[1], &err)) {
		fprintf(stderr, "usage: metric-read RUN_DIR (%s %s)\n", err.message, err.detail);
		return 64;
	}
	while (metric_next(&cursor, &point)) {
		if (point.type == METRIC_HISTOGRAM) {
			print(&point, "_count", (double)point.count);
			print(&point, "_sum", point.value);
			print(&point, "_p95", metric_quantile(&point, 0.95));
		} else {
			print(&point, "", point.value);
		}
	}
	return 0;
}
