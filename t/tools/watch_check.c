/*
 * Samples of several hosts and workers in a real database, as TAP: watch-check CONNINFO. Run by
 * t/505-metrics-history.t.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "store/pg.h"
#include "store/store_watch.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define TIMEOUT_MS 10000
#define WORKERS 4
#define ROUNDS 40

static struct arena arena;
static struct error err;
static const char *conninfo;

static const struct query q_counted = { "counted",
	"SELECT coalesce(sum(counts[1]), 0), coalesce(sum(counts[2]), 0) FROM metric_samples"
	" WHERE route = $1 AND step = $2::integer",
	QUERY_READ };
static const struct query q_age = { "age",
	"UPDATE metric_registries SET sampled_at = now() - make_interval(secs => $2::integer)"
	" WHERE registry = $1::uuid",
	0 };

static int64_t
counted(struct db *db, const char *route, int step, int column)
{
	struct rows *rows;

	if (!db_exec(db, &arena, &q_counted, DB_PARAMS(route, db_int(&arena, step)), &rows, &err))
		return -1;
	return rows_int(rows, 0, column);
}

/* A reading with so many requests, one in ten of which failed, all in the first bucket. */
static bool
sample(struct db *db, const char *registry, const char *route, uint64_t requests)
{
	struct watch_reading reading = { .route = route, .method = "GET" };
	const struct watch_sample given = { .registry = registry,
		.created = clock_now(),
		.host = "host",
		.readings = &reading,
		.n = 1 };

	reading.counts[WATCH_REQUESTS] = reading.counts[WATCH_LATENCY] = requests;
	reading.counts[WATCH_FAILED] = requests / 10;
	return store_watch_sample(db, &arena, &given, &err);
}

static void
is_counted(struct db *db, const char *route, int64_t want, const char *what)
{
	is_int(counted(db, route, WATCH_MINUTE, 0), want, "%s", what);
	is_int(counted(db, route, WATCH_HOUR, 0), want, "%s: by the hour", what);
}

static void
test_one(struct db *db)
{
	char registry[UUID_TEXT], next[UUID_TEXT], other[UUID_TEXT];

	uuid_v7(registry);
	ok(sample(db, registry, "/one", 100), "a first sample");
	is_counted(db, "/one", 100, "counts all of a registry that is new");
	sample(db, registry, "/one", 100);
	is_counted(db, "/one", 100, "the same again adds nothing");
	sample(db, registry, "/one", 90);
	is_counted(db, "/one", 100, "nor does an older one");
	sample(db, registry, "/one", 130);
	is_counted(db, "/one", 130, "a newer one adds the difference");
	is_int(counted(db, "/one", WATCH_MINUTE, 1), 13, "of every count");
	uuid_v7(next);
	sample(db, next, "/one", 7);
	is_counted(db, "/one", 137, "a host that started again begins at zero");
	uuid_v7(other);
	sample(db, other, "/one", 1000);
	is_counted(db, "/one", 1137, "another host adds up");
}

/* Requests that were counted over hours are not those of this minute. */
static void
test_gap(struct db *db)
{
	char registry[UUID_TEXT];
	int64_t minutes, ten;

	uuid_v7(registry);
	sample(db, registry, "/gap", 10);
	db_exec(db, &arena, &q_age, DB_PARAMS(registry, "300"), NULL, &err);
	sample(db, registry, "/gap", 110);
	is_int(minutes = counted(db, "/gap", WATCH_MINUTE, 0), 10, "five minutes are no minute");
	is_int(counted(db, "/gap", WATCH_TEN_MINUTES, 0), 110, "but they are within ten");
	db_exec(db, &arena, &q_age, DB_PARAMS(registry, "7200"), NULL, &err);
	sample(db, registry, "/gap", 1110);
	is_int(ten = counted(db, "/gap", WATCH_TEN_MINUTES, 0), 110, "two hours are not");
	is_int(counted(db, "/gap", WATCH_HOUR, 0), 1110, "the hour has all");
	sample(db, registry, "/gap", 1111);
	is_int(counted(db, "/gap", WATCH_MINUTE, 0), minutes + 1, "then it goes on");
	is_int(counted(db, "/gap", WATCH_TEN_MINUTES, 0), ten + 1, "in all of them");
}

/* Each worker reads the same counters, which grow; none may count what another one has. */
static void
work(const char *registry, int worker)
{
	struct db *db = db_new(conninfo, TIMEOUT_MS, NULL);
	bool well = true;

	for (int i = 1; i <= ROUNDS; i++) {
		well = sample(db, registry, "/both", (uint64_t)(i * 100 + worker)) && well;
		arena_reset(&arena);
	}
	db_free(db);
	_exit(well ? 0 : 1);
}

static void
test_together(struct db *db)
{
	char registry[UUID_TEXT];
	pid_t pids[WORKERS];
	bool well = true;
	int status;

	uuid_v7(registry);
	for (int i = 0; i < WORKERS; i++)
		if ((pids[i] = fork()) == 0)
			work(registry, i);
	for (int i = 0; i < WORKERS; i++)
		well = waitpid(pids[i], &status, 0) == pids[i] && status == 0 && well;
	ok(well, "%d workers sample one registry at once", WORKERS);
	is_int(counted(db, "/both", WATCH_HOUR, 0), ROUNDS * 100 + WORKERS - 1,
	    "and count each request once");
}

/* Hosts add to the same rows at once, each with routes in an order of its own. */
static void
host(int number)
{
	struct db *db = db_new(conninfo, TIMEOUT_MS, NULL);
	struct watch_reading readings[2] = {
		{ .route = number % 2 == 0 ? "/a" : "/b", .method = "GET" },
		{ .route = number % 2 == 0 ? "/b" : "/a", .method = "GET" },
	};
	char registry[UUID_TEXT];
	struct watch_sample given = { .registry = registry,
		.created = clock_now(),
		.host = "host",
		.readings = readings,
		.n = 2 };
	bool well = true;

	uuid_v7(registry);
	for (int i = 1; i <= ROUNDS; i++) {
		readings[0].counts[WATCH_REQUESTS] = readings[1].counts[WATCH_REQUESTS] =
		    (uint64_t)i;
		well = store_watch_sample(db, &arena, &given, &err) && well;
		arena_reset(&arena);
	}
	db_free(db);
	_exit(well ? 0 : 1);
}

static void
test_hosts(struct db *db)
{
	pid_t pids[WORKERS];
	bool well = true;
	int status;

	for (int i = 0; i < WORKERS; i++)
		if ((pids[i] = fork()) == 0)
			host(i);
	for (int i = 0; i < WORKERS; i++)
		well = waitpid(pids[i], &status, 0) == pids[i] && status == 0 && well;
	ok(well, "%d hosts sample at once", WORKERS);
	is_int(counted(db, "/a", WATCH_HOUR, 0), (int64_t)WORKERS * ROUNDS, "one route");
	is_int(counted(db, "/b", WATCH_HOUR, 0), (int64_t)WORKERS * ROUNDS, "and the other");
}

int
main(int argc, char **argv)
{
	struct db *db;

	if (argc != 2) {
		fprintf(stderr, "usage: watch-check CONNINFO\n");
		return 64;
	}
	conninfo = argv[1];
	arena_init(&arena);
	error_clear(&err);
	db = db_new(conninfo, TIMEOUT_MS, NULL);
	test_one(db);
	test_gap(db);
	test_together(db);
	test_hosts(db);
	db_free(db);
	return done_testing();
}
