/* What the house has measured over a time, all hosts together. */
#ifndef MN_MODEL_WATCH_H
#define MN_MODEL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The house, or one route, over a window that ends now. It consists of whole buckets, so it is
 * longer than asked for by up to one (a minute for windows of up to six hours). In the figures of
 * the house, routes that hash passwords, which takes its time, are left out.
 */
struct watch_window {
	int seconds; /* as asked for */
	uint64_t requests, failed /* 5xx */, cache_hits, cache_misses;
	double p50_ms, p95_ms, p99_ms; /* 0 without requests */
	double database_ms;            /* mean of a request */
};

struct watch_route {
	const char *route, *method;
	bool hashing; /* passwords are hashed there: not in the figures of the house */
	struct watch_window window;
};

/* The house in one bucket. */
struct watch_point {
	int64_t at;    /* us, its start */
	bool measured; /* a host has measured then; without requests if `requests` is 0 */
	struct watch_window window;
	int64_t level; /* of store_watch_levels() */
};

/* Buckets of one width. */
struct watch_points {
	int step; /* seconds */
	const struct watch_point *items;
	size_t n;
};

/*
 * What a row of samples counts, in the order of its array (sql/0019). The last ones are the cells
 * of a histogram with the bounds of LATENCY.
 */
enum watch_count {
	WATCH_REQUESTS,
	WATCH_FAILED,
	WATCH_HITS,
	WATCH_MISSES,
	WATCH_DATABASE_US,
	WATCH_LATENCY,
	WATCH_COUNTS = WATCH_LATENCY + 15,
};

/* One route and method of a host's registry, as it is counted at a moment. */
struct watch_reading {
	const char *route, *method;
	bool hashing; /* passwords are hashed there */
	uint64_t counts[WATCH_COUNTS];
};

/* A size that a host has: "data.size", "data.free", "scratch.size", "scratch.free"; bytes. */
struct watch_level {
	const char *name;
	int64_t value;
};

/* Facts of the house at this moment. */
enum watch_fact_kind { WATCH_FACT_QUEUE, WATCH_FACT_DEAD, WATCH_FACT_SYNC, WATCH_FACT_STORED };
struct watch_fact {
	enum watch_fact_kind kind;
	const char *name; /* of the queue, of the kind of media server; else "" */
	/*
	 * QUEUE: jobs that are due (up to WATCH_WAITING_MAX), running ones, and when the oldest due
	 * one became due; DEAD: jobs that were given up; SYNC: end of the last good run of the
	 * server whose is oldest; STORED: bytes. Times in us, 0: none.
	 */
	int64_t value, running, since;
};
#define WATCH_WAITING_MAX 10000

#endif
