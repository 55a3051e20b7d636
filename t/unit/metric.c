/* The metrics: many processes counting at once, kills, restarts, limits. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/metric.h"
#include "core/metric_internal.h"
#include "core/str.h"
#include "t/unit/metric_children.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define CHILDREN 6
#define ROUNDS 20000

/* Shared by the parent and its children. */
static struct {
	_Atomic int ready, go;
	uint32_t labels[CHILDREN][10];
} *board;

static uint64_t
count_of(enum metric metric, struct metric_values values)
{
	struct metric_point point;

	metric_read(metric, values, &point);
	return point.count;
}

/* --- values --------------------------------------------------------------------------------- */

static void
count_much(int child)
{
	uint32_t kind = metric_label(LABEL_JOB_KIND, "crowd");

	atomic_fetch_add(&board->ready, 1);
	await(&board->go, 1);
	for (int i = 0; i < ROUNDS; i++) {
		metric_add(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE), 1);
		metric_observe(METRIC_JOB_DURATION, LABELS(kind), 20000);
	}
}

static void
count_until_killed(int child)
{
	uint32_t kind = metric_label(LABEL_JOB_KIND, "killed");

	atomic_fetch_add(&board->ready, 1);
	for (;;)
		metric_observe(METRIC_JOB_DURATION, LABELS(kind), 1000000);
}

static void
test_crowd(void)
{
	pid_t children[CHILDREN], victim;
	uint32_t kind, killed;
	uint64_t seen;
	bool well = true;

	victim = start(count_until_killed, 0);
	for (int i = 0; i < CHILDREN; i++)
		children[i] = start(count_much, i);
	await(&board->ready, CHILDREN + 1);
	atomic_store(&board->go, 1);
	killed = metric_label(LABEL_JOB_KIND, "killed");
	while (count_of(METRIC_JOB_DURATION, LABELS(killed)) < 1000)
		usleep(100);
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	seen = count_of(METRIC_JOB_DURATION, LABELS(killed));
	for (int i = 0; i < CHILDREN; i++)
		well = ended_well(children[i]) && well;
	kind = metric_label(LABEL_JOB_KIND, "crowd");
	ok(well, "children counted");
	is_int(value_of(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE)), CHILDREN * ROUNDS,
	    "nothing of a counter is lost");
	is_int(count_of(METRIC_JOB_DURATION, LABELS(kind)), CHILDREN * ROUNDS,
	    "nor of a histogram");
	ok(value_of(METRIC_JOB_DURATION, LABELS(kind)) == CHILDREN * ROUNDS * 0.02,
	    "whose sum is in seconds");
	is_int(count_of(METRIC_JOB_DURATION, LABELS(killed)), seen,
	    "what a killed process counted stays");
}

static void
read_back(int want)
{
	uint32_t kind = metric_label(LABEL_JOB_KIND, "crowd");

	if ((int)value_of(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE)) != want)
		_exit(2);
	metric_add(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE), 1);
}

static void
test_restart(void)
{
	uint32_t kind = metric_label(LABEL_JOB_KIND, "crowd");
	int before = (int)value_of(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE));

	ok(ended_well(start(read_back, before)), "a new process reads what was counted");
	is_int(value_of(METRIC_JOBS, LABELS(kind, VALUE_JOB_DONE)), before + 1, "and goes on");
}

/* --- histograms ------------------------------------------------------------------------------ */

static void
test_buckets(void)
{
	static const int64_t amounts[] = { -5, 0, 500, 501, 1000, 10000000, 10000001 };
	uint32_t smtp = metric_label(LABEL_SERVICE, "smtp");
	struct metric_point point;

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		metric_observe(METRIC_OUTBOUND_DURATION, LABELS(smtp), amounts[i]);
	metric_read(METRIC_OUTBOUND_DURATION, LABELS(smtp), &point);
	is_int(point.type, METRIC_HISTOGRAM, "a histogram");
	ok(point.bounds[0] == 0.0005, "bounds are in seconds");
	is_int(point.buckets[0], 3, "a bound belongs to its bucket");
	is_int(point.buckets[1], 2, "what is over it to the next");
	is_int(point.buckets[point.nbounds - 1], 1, "the last bound");
	is_int(point.buckets[point.nbounds], 1, "and beyond");
	is_int(point.count, 7, "all of them");
}

static void
test_quantiles(void)
{
	uint32_t get = metric_label(LABEL_METHOD, "GET"), post = metric_label(LABEL_METHOD, "POST"),
		 route = metric_label(LABEL_ROUTE, "/api/quantile");
	struct metric_point point, other;

	metric_read(METRIC_HTTP_DURATION, LABELS(route, get), &point);
	ok(metric_quantile(&point, 0.95) == 0, "nothing was observed");
	for (int i = 0; i < 90; i++)
		metric_observe(METRIC_HTTP_DURATION, LABELS(route, get), 800);
	for (int i = 0; i < 10; i++)
		metric_observe(METRIC_HTTP_DURATION, LABELS(route, post), 40000);
	metric_read(METRIC_HTTP_DURATION, LABELS(route, get), &point);
	ok(metric_quantile(&point, 0.5) == 0.00075, "half of a bucket");
	ok(metric_quantile(&point, 1) == 0.001, "its end");
	metric_read(METRIC_HTTP_DURATION, LABELS(route, post), &other);
	metric_merge(&point, &other);
	is_int(point.count, 100, "two methods of a route");
	ok(metric_quantile(&point, 0.95) == 0.0375, "p95 of both: %f",
	    metric_quantile(&point, 0.95));
	metric_observe(METRIC_HTTP_DURATION, LABELS(route, post), 60000000);
	metric_read(METRIC_HTTP_DURATION, LABELS(route, post), &point);
	ok(metric_quantile(&point, 1) == 10, "never over the last bound");
}

/* --- labels ---------------------------------------------------------------------------------- */

static void
name_them(int child)
{
	char name[32];

	atomic_fetch_add(&board->ready, 1);
	await(&board->go, 1);
	for (int i = 0; i < 10; i++) {
		int n = (i + child) % 10;

		snprintf(name, sizeof(name), "/api/named/%d", n);
		board->labels[child][n] = metric_label(LABEL_ROUTE, name);
	}
}

static void
test_names(void)
{
	pid_t children[CHILDREN];
	bool well = true, same = true, apart = true;

	atomic_store(&board->ready, 0);
	atomic_store(&board->go, 0);
	for (int i = 0; i < CHILDREN; i++)
		children[i] = start(name_them, i);
	await(&board->ready, CHILDREN);
	atomic_store(&board->go, 1);
	for (int i = 0; i < CHILDREN; i++)
		well = ended_well(children[i]) && well;
	ok(well, "children named routes");
	for (int n = 0; n < 10; n++) {
		for (int i = 1; i < CHILDREN; i++)
			same = same && board->labels[i][n] == board->labels[0][n];
		for (int other = 0; other < n; other++)
			apart = apart && board->labels[0][n] != board->labels[0][other];
	}
	ok(same, "a name has one place for all processes");
	ok(apart, "and names have places of their own");
}

static void
test_half_named(void)
{
	uint32_t at = metric_label(LABEL_ROUTE, "/api/half");
	struct metric_name *slot = &metric_map->names.ROUTE[at];
	struct metric_point point;

	/* The state after a process was killed between claiming the place and writing the name. */
	atomic_store(&slot->named, 0);
	memset((void *)slot->text, 0, sizeof(slot->text));
	is_int(metric_label(LABEL_ROUTE, "/api/half"), at, "a claimed place is found");
	metric_read(METRIC_HTTP_CACHE, LABELS(at), &point);
	is_str(point.labels[0].value, "/api/half", "and gets its name then");
}

/* A host can never have more lines than this for a monitor, whatever anybody sends to it. */
#define LINES_MAX 60000

static void
test_bound(void)
{
	size_t lines = 0;

	for (unsigned m = 0; m < METRICS; m++) {
		const struct metric_row *row = &metric_rows[m];

		lines += metric_series(row) * (row->nbounds > 0 ? row->nbounds + 3 : 1);
	}
	ok(lines <= LINES_MAX, "%zu lines at most", lines);
}

static void
test_overflow(void)
{
	char name[METRIC_NAME_MAX + 1];
	struct metric_cursor cursor = { 0 };
	struct metric_point point;
	unsigned named = 0, max = metric_label_rows[LABEL_POOL].max;

	for (unsigned i = 0; i < max + 5; i++) {
		uint32_t pool;

		snprintf(name, sizeof(name), "pool-%u", i);
		pool = metric_label(LABEL_POOL, name);
		named += pool != METRIC_OTHER;
		metric_add(METRIC_POOL_REQUESTS, LABELS(pool, VALUE_STATUS_2XX), 1);
	}
	is_int(named, max, "as many names as the table says");
	is_int(value_of(METRIC_POOL_REQUESTS, LABELS(METRIC_OTHER, VALUE_STATUS_2XX)), 5,
	    "the rest is counted together");
	while (metric_next(&cursor, &point) && point.metric != METRIC_POOL_REQUESTS)
		;
	for (unsigned i = 0; i < max; i++)
		metric_next(&cursor, &point);
	is_str(point.labels[0].value, "other", "under its name");
	is_str(point.labels[1].value, "2xx", "beside a label of fixed values");
	memset(name, 'x', METRIC_NAME_MAX);
	name[METRIC_NAME_MAX] = '\0';
	is_int(metric_label(LABEL_JOB_KIND, name), METRIC_OTHER, "a name that is too long");
	is_int(metric_label(LABEL_JOB_KIND, NULL), METRIC_OTHER, "no name");
}

static void
test_iterator(void)
{
	struct metric_cursor cursor = { 0 };
	struct metric_point point;
	bool zero = false, labelled = false, order = true;
	enum metric last = 0;

	while (metric_next(&cursor, &point)) {
		order = order && point.metric >= last;
		last = point.metric;
		zero = zero || str_eq(point.name, "medianest_epoch_reloads_total");
		if (str_eq(point.name, "medianest_jobs_total") &&
		    str_eq(point.labels[0].value, "crowd"))
			labelled = point.nlabels == 2 && str_eq(point.labels[0].name, "kind") &&
			    str_eq(point.labels[1].name, "outcome") &&
			    str_eq(point.labels[1].value, "done") && point.help[0] != '\0';
		if (point.nlabels > 0 && point.value == 0 && point.count == 0)
			order = false;
	}
	ok(order, "in order of the table, without empty series");
	ok(zero, "a metric without labels shows its 0");
	ok(labelled, "a series says its name, help and labels");
}

/* --- gauges ---------------------------------------------------------------------------------- */

static void
hold_gauge(int n)
{
	metric_gauge_add(METRIC_LIVE_CONNECTIONS, LABELS(VALUE_TRANSPORT_STREAM), n);
	atomic_fetch_add(&board->ready, 1);
	for (;;)
		pause();
}

static void
test_gauges(void)
{
	struct metric_values stream = LABELS(VALUE_TRANSPORT_STREAM);
	uint64_t place;
	pid_t child;

	atomic_store(&board->ready, 0);
	metric_gauge_add(METRIC_LIVE_CONNECTIONS, stream, 3);
	metric_gauge_add(METRIC_LIVE_CONNECTIONS, stream, -1);
	child = start(hold_gauge, 5);
	await(&board->ready, 1);
	is_int(value_of(METRIC_LIVE_CONNECTIONS, stream), 7, "what two processes hold");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	is_int(value_of(METRIC_LIVE_CONNECTIONS, stream), 2, "a killed one holds nothing");
	child = start(hold_gauge, 1);
	await(&board->ready, 2);
	is_int(value_of(METRIC_LIVE_CONNECTIONS, stream), 3, "the next one begins at 0");
	/* A reused process id: alive, but started at another time. */
	place = atomic_load(&metric_map->processes[1]);
	ok((pid_t)(place >> 32) == child, "it has taken the dead one's place");
	atomic_store(&metric_map->processes[1], place ^ 1);
	is_int(value_of(METRIC_LIVE_CONNECTIONS, stream), 2,
	    "another process of that id is not it");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ok(open_metrics(), "the mapping");
	test_crowd();
	test_restart();
	test_buckets();
	test_quantiles();
	test_names();
	test_half_named();
	test_overflow();
	test_bound();
	test_iterator();
	test_gauges();
	clear_dir();
	return done_testing();
}
