/*
 * The cost of one observation, alone and while another process writes to the same cells: metric
 * RUN_DIR
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/banned.h"

#define ROUNDS 1000000
#define REPEATS 5 /* the best result counts, because other work on the machine only adds time */

static void
count_once(int i)
{
	metric_add(METRIC_HTTP_REQUESTS, LABELS(3, 1, VALUE_STATUS_2XX), 1);
}

static void
observe_once(int i)
{
	metric_observe(METRIC_HTTP_DURATION, LABELS(3, 1), i % 100000);
}

static void
gauge_once(int i)
{
	metric_gauge_add(METRIC_POOL_BUSY, LABELS(2), i % 2 == 0 ? 1 : -1);
}

static void
named_once(int i)
{
	metric_observe(METRIC_HTTP_DURATION,
	    LABELS(metric_label(LABEL_ROUTE, "/api/media/{id}/shares"),
		metric_label(LABEL_METHOD, "PATCH")),
	    i % 100000);
}

static const struct {
	const char *name;
	void (*run)(int);
} parts[] = {
	{ "counter", count_once },
	{ "histogram", observe_once },
	{ "gauge", gauge_once },
	{ "histogram, with both labels looked up by name", named_once },
};

static double
nanoseconds(void (*run)(int))
{
	int64_t start, took, best = INT64_MAX;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		start = clock_monotonic();
		for (int i = 0; i < ROUNDS; i++)
			run(i);
		took = clock_monotonic() - start;
		best = took < best ? took : best;
	}
	return (double)best * 1000 / ROUNDS;
}

static double
beside_another(void (*run)(int))
{
	pid_t other = fork();
	double ns;

	if (other == 0)
		for (int i = 0;; i++)
			run(i);
	ns = nanoseconds(run);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	return ns;
}

/* Lines of: name, tab, ns alone, tab, ns beside another process. */
int
main(int argc, char **argv)
{
	struct error err;

	error_clear(&err);
	if (argc != 2 || !metric_open(argv[1], &err)) {
		fprintf(stderr, "usage: metric RUN_DIR (%s %s)\n", err.message, err.detail);
		return 64;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		printf("%s\t%.1f\t%.1f\n", parts[i].name, nanoseconds(parts[i].run),
		    beside_another(parts[i].run));
	return 0;
}
