#include "store/store_watch.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/metric.h"
#include "core/str.h"
#include "store/sql_watch.h"

#include "core/banned.h"

#define Q(id) (&store_watch_queries[id])

_Static_assert(SQL_MINUTE == WATCH_MINUTE && SQL_MINUTE_KEPT == WATCH_MINUTE_KEPT &&
	SQL_TEN_MINUTES == WATCH_TEN_MINUTES && SQL_TEN_MINUTES_KEPT == WATCH_TEN_MINUTES_KEPT &&
	SQL_HOUR == WATCH_HOUR && SQL_HOUR_KEPT == WATCH_HOUR_KEPT &&
	SQL_WAITING_MAX == WATCH_WAITING_MAX,
    "watch.sql has the same numbers");
_Static_assert(WATCH_COUNTS == 20, "`sums` of watch.sql has one for each");

static const char *
counts_text(struct arena *arena, const uint64_t counts[WATCH_COUNTS])
{
	struct buf text;

	buf_init(&text, arena, 0);
	for (unsigned i = 0; i < WATCH_COUNTS; i++)
		buf_addf(&text, "%s%llu", i == 0 ? "{" : ",", (unsigned long long)counts[i]);
	buf_adds(&text, "}");
	return text.data;
}

/* Readings or levels, column by column. */
struct columns {
	const char **items[4];
};

static struct columns
reading_columns(struct arena *arena, const struct watch_sample *sample)
{
	struct columns c;

	for (unsigned i = 0; i < 4; i++)
		c.items[i] = arena_array(arena, sample->n + 1, sizeof(*c.items[i]));
	for (size_t i = 0; i < sample->n; i++) {
		c.items[0][i] = sample->readings[i].route;
		c.items[1][i] = sample->readings[i].method;
		c.items[2][i] = sample->readings[i].hashing ? "true" : "false";
		c.items[3][i] = counts_text(arena, sample->readings[i].counts);
	}
	return c;
}

static struct columns
level_columns(struct arena *arena, const struct watch_sample *sample)
{
	struct columns c = { { NULL } };

	for (unsigned i = 0; i < 2; i++)
		c.items[i] = arena_array(arena, sample->nlevels + 1, sizeof(*c.items[i]));
	for (size_t i = 0; i < sample->nlevels; i++) {
		c.items[0][i] = sample->levels[i].name;
		c.items[1][i] = db_int(arena, sample->levels[i].value);
	}
	return c;
}

bool
store_watch_sample(struct db *db, struct arena *arena, const struct watch_sample *sample,
    struct error *err)
{
	const struct columns readings = reading_columns(arena, sample);
	const struct columns levels = level_columns(arena, sample);

	return db_exec(db, arena, Q(Q_WATCH_SAMPLE),
	    DB_PARAMS(sample->registry, sample->host, db_time(arena, sample->created),
		db_array(arena, readings.items[0], sample->n),
		db_array(arena, readings.items[1], sample->n),
		db_array(arena, readings.items[2], sample->n),
		db_array(arena, readings.items[3], sample->n),
		db_array(arena, levels.items[0], sample->nlevels),
		db_array(arena, levels.items[1], sample->nlevels)),
	    NULL, err);
}

bool
store_watch_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_WATCH_EXPIRE), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_WATCH_EXPIRE_LEVELS), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_WATCH_EXPIRE_REGISTRIES), DB_NO_PARAMS, NULL, err);
}

/* The narrowest buckets that are kept for so long. */
static int
step_for(int64_t seconds)
{
	if (seconds <= WATCH_MINUTE_KEPT)
		return WATCH_MINUTE;
	return seconds <= WATCH_TEN_MINUTES_KEPT ? WATCH_TEN_MINUTES : WATCH_HOUR;
}

static double
milliseconds(const struct metric_point *point, double q)
{
	return metric_quantile(point, q) * (double)(US_PER_SEC / US_PER_MS);
}

static void
take_percentiles(const uint64_t *latency, struct watch_window *out)
{
	struct metric_point point;

	metric_histogram(METRIC_HTTP_DURATION, &point);
	for (unsigned i = 0; i <= point.nbounds; i++) {
		point.buckets[i] = latency[i];
		point.count += latency[i];
	}
	out->p50_ms = milliseconds(&point, 0.50);
	out->p95_ms = milliseconds(&point, 0.95);
	out->p99_ms = milliseconds(&point, 0.99);
}

/* From an array of counts; NULL is none. */
static struct watch_window
take_window(struct arena *arena, const struct rows *rows, size_t row, int column, int seconds)
{
	struct watch_window out = { .seconds = seconds };
	uint64_t counts[WATCH_COUNTS] = { 0 };
	const char **items;
	size_t n = 0;

	if (rows_null(rows, row, column))
		return out;
	items = rows_array(arena, rows, row, column, &n);
	for (size_t i = 0; i < n && i < WATCH_COUNTS; i++)
		counts[i] = strtoull(items[i], NULL, 10);
	out.requests = counts[WATCH_REQUESTS];
	out.failed = counts[WATCH_FAILED];
	out.cache_hits = counts[WATCH_HITS];
	out.cache_misses = counts[WATCH_MISSES];
	if (out.requests > 0)
		out.database_ms =
		    (double)counts[WATCH_DATABASE_US] / (double)out.requests / (double)US_PER_MS;
	take_percentiles(&counts[WATCH_LATENCY], &out);
	return out;
}

bool
store_watch_window(struct db *db, struct arena *arena, int seconds, struct watch_window *out,
    struct error *err)
{
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_WATCH_WINDOW),
		DB_PARAMS(db_int(arena, step_for(seconds)), db_int(arena, seconds)), &rows, err))
		return false;
	*out = (struct watch_window) { .seconds = seconds };
	if (rows_count(rows) > 0)
		*out = take_window(arena, rows, 0, 0, seconds);
	return true;
}

bool
store_watch_routes(struct db *db, struct arena *arena, int seconds, struct watch_route **out,
    size_t *n, struct error *err)
{
	struct watch_route *routes;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_WATCH_ROUTES),
		DB_PARAMS(db_int(arena, step_for(seconds)), db_int(arena, seconds)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = routes = arena_array(arena, *n + 1, sizeof(*routes));
	for (size_t i = 0; i < *n; i++)
		routes[i] = (struct watch_route) {
			.route = rows_str(rows, i, 0),
			.method = rows_str(rows, i, 1),
			.hashing = rows_bool(rows, i, 2),
			.window = take_window(arena, rows, i, 3, seconds),
		};
	return true;
}

static struct watch_point *
take_buckets(struct arena *arena, const struct rows *rows, struct watch_points *out)
{
	struct watch_point *items;

	out->n = rows_count(rows);
	items = arena_array(arena, out->n + 1, sizeof(*items));
	for (size_t i = 0; i < out->n; i++)
		items[i].at = rows_int(rows, i, 0);
	out->items = items;
	return items;
}

bool
store_watch_history(struct db *db, struct arena *arena, int64_t from, int64_t to,
    struct watch_points *out, struct error *err)
{
	struct watch_point *items;
	struct rows *rows;

	out->step = step_for((clock_now() - from) / US_PER_SEC);
	if (!db_exec(db, arena, Q(Q_WATCH_HISTORY),
		DB_PARAMS(db_int(arena, out->step), db_time(arena, from), db_time(arena, to)),
		&rows, err))
		return false;
	items = take_buckets(arena, rows, out);
	for (size_t i = 0; i < out->n; i++) {
		items[i].window = take_window(arena, rows, i, 1, out->step);
		items[i].measured = rows_bool(rows, i, 2);
	}
	return true;
}

bool
store_watch_levels(struct db *db, struct arena *arena, const char *name, int64_t from, int64_t to,
    struct watch_points *out, struct error *err)
{
	struct watch_point *items;
	struct rows *rows;

	out->step = step_for((clock_now() - from) / US_PER_SEC);
	if (!db_exec(db, arena, Q(Q_WATCH_LEVELS),
		DB_PARAMS(db_int(arena, out->step), db_time(arena, from), db_time(arena, to), name),
		&rows, err))
		return false;
	items = take_buckets(arena, rows, out);
	for (size_t i = 0; i < out->n; i++) {
		items[i].measured = !rows_null(rows, i, 1);
		items[i].level = rows_int(rows, i, 1);
	}
	return true;
}

static enum watch_fact_kind
fact_kind(const char *word)
{
	static const char *const words[] = {
		[WATCH_FACT_QUEUE] = "queue",
		[WATCH_FACT_DEAD] = "dead",
		[WATCH_FACT_SYNC] = "sync",
		[WATCH_FACT_STORED] = "stored",
	};
	size_t i = 0;

	while (i + 1 < sizeof(words) / sizeof(words[0]) && !str_eq(word, words[i]))
		i++;
	return (enum watch_fact_kind)i;
}

bool
store_watch_facts(struct db *db, struct arena *arena, struct strings queues,
    struct watch_fact **out, size_t *n, struct error *err)
{
	struct watch_fact *facts;
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_WATCH_FACTS),
		DB_PARAMS(db_array(arena, queues.items, queues.n)), &rows, err))
		return false;
	*n = rows_count(rows);
	*out = facts = arena_array(arena, *n + 1, sizeof(*facts));
	for (size_t i = 0; i < *n; i++)
		facts[i] = (struct watch_fact) {
			.kind = fact_kind(rows_str(rows, i, 0)),
			.name = rows_str(rows, i, 1),
			.value = rows_int(rows, i, 2),
			.running = rows_int(rows, i, 3),
			.since = rows_int(rows, i, 4),
		};
	return true;
}
