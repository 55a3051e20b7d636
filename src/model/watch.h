/* What the house has measured over a time, all hosts together. */
#ifndef MN_MODEL_WATCH_H
#define MN_MODEL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The house over a window that ends now. It consists of whole buckets, so it is longer than asked
 * for by up to one (a minute for windows of up to six hours). Routes that hash passwords, which
 * takes its time, are left out.
 */
struct watch_window {
	int seconds; /* as asked for */
	uint64_t requests, failed /* 5xx */, cache_hits, cache_misses;
	double p50_ms, p95_ms, p99_ms; /* 0 without requests */
	double database_ms;            /* mean of a request */
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

#endif
