#include "store/store_watch.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/metric.h"
#include "core/str.h"
#include "core/words.h"

#include "core/banned.h"

enum { Q_SAMPLE, Q_EXPIRE, Q_EXPIRE_REGISTRIES, Q_WINDOW };

#define S(i) "sum(counts[" #i "])"
#define SUMS \
	S(1) \
	"," S(2) "," S(3) "," S(4) "," S(5) "," S(6) "," S(7) "," S(8) "," S(9) "," S(10) "," S( \
	    11) "," S(12) "," S(13) "," S(14) "," S(15) "," S(16) "," S(17) "," S(18) "," S(19) "," S(20)
_Static_assert(WATCH_COUNTS == 20, "SUMS has one sum for each");

#define SECONDS_OF(n) "make_interval(secs => " n ")"
#define PAST(step, kept) "(step = " TEXT(step) " AND at < now() - " SECONDS_OF(TEXT(kept)) ")"

const struct query store_watch_queries[] = {
	/*
	 * The row of a reading is what two workers of one host meet at: each sees there what the
	 * other has stored. What was counted over more than two buckets of a width, because nobody
	 * sampled meanwhile, is in the wider ones only. The order of the last insert keeps two
	 * hosts from waiting for each other.
	 */
	[Q_SAMPLE] = { "watch_sample",
	    "WITH sampled AS (INSERT INTO metric_registries AS r"
	    " (registry, host, sampled_at, sampled_before)"
	    " VALUES ($1::uuid, $2, now(), least(now(), $3::timestamptz))"
	    " ON CONFLICT (registry) DO UPDATE SET host = excluded.host, sampled_at = now(),"
	    " sampled_before = r.sampled_at RETURNING registry, sampled_before),"
	    " given AS (SELECT route, method, hashing, counts::bigint[] AS counts"
	    " FROM unnest($4::text[], $5::text[], $6::boolean[], $7::text[])"
	    " AS g (route, method, hashing, counts)),"
	    " read AS (INSERT INTO metric_readings AS t (registry, route, method, counts, before)"
	    " SELECT registry, route, method, counts, '{}' FROM sampled, given"
	    " ON CONFLICT (registry, route, method) DO UPDATE"
	    " SET before = t.counts, counts = excluded.counts"
	    " WHERE excluded.counts[1] > t.counts[1] RETURNING route, method, counts, before),"
	    " added AS MATERIALIZED (SELECT route, method, hashing,"
	    " mn_counts_since(read.counts, read.before) AS counts"
	    " FROM read JOIN given USING (route, method)),"
	    " rows AS (SELECT * FROM added UNION ALL SELECT '', '', false, mn_counts_sum(counts)"
	    " FROM added WHERE NOT hashing HAVING count(*) > 0)"
	    " INSERT INTO metric_samples AS s (step, at, route, method, hashing, counts)"
	    " SELECT step, date_bin(" SECONDS_OF(
		"step") ", now(), 'epoch'), route, method,"
			" hashing, counts FROM rows, sampled, (VALUES (" TEXT(
			    WATCH_MINUTE) "),"
					  " (" TEXT(WATCH_TEN_MINUTES) "), (" TEXT(
					      WATCH_HOUR) ")) AS w (step)"
							  " WHERE step = " TEXT(WATCH_HOUR) " OR now() - sampled_before <= 2 * " SECONDS_OF(
							      "step") " ORDER BY step, route, method"
								      " ON CONFLICT (step, at, route, method) DO UPDATE SET"
								      " hashing = s.hashing OR excluded.hashing,"
								      " counts = mn_counts_add(s.counts, excluded.counts)",
	    0 },
	[Q_EXPIRE] = { "watch_expire",
	    "DELETE FROM metric_samples WHERE " PAST(WATCH_MINUTE,
		WATCH_MINUTE_KEPT) " OR " PAST(WATCH_TEN_MINUTES,
		WATCH_TEN_MINUTES_KEPT) " OR " PAST(WATCH_HOUR, WATCH_HOUR_KEPT),
	    0 },
	/* One that is sampled again after that counts as new: only the widest bucket takes that. */
	[Q_EXPIRE_REGISTRIES] = { "watch_expire_registries",
	    "DELETE FROM metric_registries WHERE sampled_at < now() - " SECONDS_OF(
		TEXT(WATCH_HOUR_KEPT)),
	    0 },
	[Q_WINDOW] = { "watch_window",
	    "SELECT " SUMS " FROM metric_samples WHERE step = $1::integer"
	    " AND at > now() - " SECONDS_OF(
		"$1::integer + $2::integer") " AND route = '' AND method = ''",
	    QUERY_READ },
	{ .name = NULL },
};
#define Q(id) (&store_watch_queries[id])

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

bool
store_watch_sample(struct db *db, struct arena *arena, const struct watch_sample *sample,
    struct error *err)
{
	const char **columns[4];

	for (unsigned c = 0; c < 4; c++)
		columns[c] = arena_array(arena, sample->n + 1, sizeof(*columns[c]));
	for (size_t i = 0; i < sample->n; i++) {
		columns[0][i] = sample->readings[i].route;
		columns[1][i] = sample->readings[i].method;
		columns[2][i] = sample->readings[i].hashing ? "true" : "false";
		columns[3][i] = counts_text(arena, sample->readings[i].counts);
	}
	return db_exec(db, arena, Q(Q_SAMPLE),
	    DB_PARAMS(sample->registry, sample->host, db_time(arena, sample->created),
		db_array(arena, columns[0], sample->n), db_array(arena, columns[1], sample->n),
		db_array(arena, columns[2], sample->n), db_array(arena, columns[3], sample->n)),
	    NULL, err);
}

bool
store_watch_expire(struct db *db, struct arena *arena, struct error *err)
{
	return db_exec(db, arena, Q(Q_EXPIRE), DB_NO_PARAMS, NULL, err) &&
	    db_exec(db, arena, Q(Q_EXPIRE_REGISTRIES), DB_NO_PARAMS, NULL, err);
}

/* The narrowest buckets that are kept for so long. */
static int
step_for(int seconds)
{
	if (seconds <= WATCH_MINUTE_KEPT)
		return WATCH_MINUTE;
	return seconds <= WATCH_TEN_MINUTES_KEPT ? WATCH_TEN_MINUTES : WATCH_HOUR;
}

static void
take_counts(const struct rows *rows, size_t row, int column, uint64_t counts[WATCH_COUNTS])
{
	for (int i = 0; i < WATCH_COUNTS; i++)
		counts[i] = (uint64_t)rows_int(rows, row, column + i);
}

static void
take_percentiles(const uint64_t counts[WATCH_COUNTS], struct watch_window *out)
{
	struct metric_point point;

	metric_histogram(METRIC_HTTP_DURATION, &point);
	for (unsigned i = 0; i <= point.nbounds; i++) {
		point.buckets[i] = counts[WATCH_LATENCY + i];
		point.count += point.buckets[i];
	}
	out->p50_ms = metric_quantile(&point, 0.50) * 1e3;
	out->p95_ms = metric_quantile(&point, 0.95) * 1e3;
	out->p99_ms = metric_quantile(&point, 0.99) * 1e3;
}

static void
take_window(const uint64_t counts[WATCH_COUNTS], struct watch_window *out)
{
	out->requests = counts[WATCH_REQUESTS];
	out->failed = counts[WATCH_FAILED];
	out->cache_hits = counts[WATCH_HITS];
	out->cache_misses = counts[WATCH_MISSES];
	if (out->requests > 0)
		out->database_ms =
		    (double)counts[WATCH_DATABASE_US] / (double)out->requests / (double)US_PER_MS;
	take_percentiles(counts, out);
}

bool
store_watch_window(struct db *db, struct arena *arena, int seconds, struct watch_window *out,
    struct error *err)
{
	uint64_t counts[WATCH_COUNTS];
	struct rows *rows;

	if (!db_exec(db, arena, Q(Q_WINDOW),
		DB_PARAMS(db_int(arena, step_for(seconds)), db_int(arena, seconds)), &rows, err))
		return false;
	*out = (struct watch_window) { .seconds = seconds };
	take_counts(rows, 0, 0, counts);
	take_window(counts, out);
	return true;
}
