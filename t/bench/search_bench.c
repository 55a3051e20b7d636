/*
 * Times searches and suggestions against a database as one person: search-bench CONNINFO USER-ID
 * [--all] [--times N] [--all-times] QUERY... Prints a line for each query: median and 95th
 * percentile in ms, and hits; with --all-times also one for all searches together. See
 * t/bench/search.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/catalogue/search.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "core/banned.h"

#define TIMES_DEFAULT 21
#define TIMES_MAX 10000
#define TIMEOUT_MS 60000

static int
by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
once(struct services *svc, const struct principal *who, const char *q, bool suggest, int64_t *took,
    char *what, size_t size, struct error *err)
{
	struct search_request req = { .q = q, .page = 1 };
	struct search_suggestion *list;
	struct search_result result;
	struct arena arena;
	struct call call = { .svc = svc, .arena = &arena, .by = { .who = who } };
	int64_t start;
	size_t n;
	bool ok;

	arena_init(&arena);
	start = clock_monotonic();
	ok = suggest ? search_suggest(&call, q, MEDIA_EVERYONE, &list, &n, err) :
		       search_run(&call, &req, &result, err);
	*took = clock_monotonic() - start;
	if (ok && suggest)
		snprintf(what, size, "%zu: %s", n, n > 0 ? list[0].text : "");
	else if (ok)
		snprintf(what, size, "%lld%s%s%s: %.40s", (long long)result.total,
		    result.exact ? "" : "+", result.did_you_mean != NULL ? " " : "",
		    result.did_you_mean != NULL ? result.did_you_mean : "",
		    result.n > 0 ? result.hits[0].media.title : "");
	arena_clear(&arena);
	return ok;
}

/* Times of all searches. */
static struct {
	int64_t *took;
	size_t n;
} all;

static double
percentile(int64_t *took, size_t n, size_t percent)
{
	qsort(took, n, sizeof(*took), by_number);
	return (double)took[n * percent / 100] / US_PER_MS;
}

static void
measure(struct services *svc, const struct principal *who, const char *q, size_t times,
    bool suggest)
{
	int64_t *took = xmalloc(times * sizeof(*took));
	char what[128] = "";
	struct error err;

	error_clear(&err);
	for (size_t i = 0; i < times; i++)
		if (!once(svc, who, q, suggest, &took[i], what, sizeof(what), &err)) {
			fprintf(stderr, "%s: %s %s\n", q, err.message, err.detail);
			exit(EXIT_FAILURE);
		}
	printf("%-8s %-28s %8.2f %8.2f  %s\n", suggest ? "suggest" : "search", q,
	    percentile(took, times, 50), percentile(took, times, 95), what);
	if (!suggest) {
		all.took = xrealloc(all.took, (all.n + times) * sizeof(*took));
		memcpy(all.took + all.n, took, times * sizeof(*took));
		all.n += times;
	}
	free(took);
}

int
main(int argc, char **argv)
{
	struct principal who = { .permissions = PERM_BIT(PERM_MEDIA_READ) };
	struct services svc = { 0 };
	int64_t times = TIMES_DEFAULT;
	bool together = false;

	if (argc < 4) {
		fputs("usage: search-bench CONNINFO USER-ID [--all] [--times N] [--all-times] "
		      "QUERY...\n",
		    stderr);
		return 64;
	}
	svc.db = db_new(argv[1], TIMEOUT_MS, NULL);
	str_copy(who.user_id, sizeof(who.user_id), argv[2]);
	printf("%-8s %-28s %8s %8s  %s\n", "what", "query", "p50 ms", "p95 ms", "hits");
	for (int i = 3; i < argc; i++) {
		if (str_eq(argv[i], "--all"))
			who.permissions |= PERM_BIT(PERM_MEDIA_MANAGE_ALL);
		else if (str_eq(argv[i], "--all-times"))
			together = true;
		else if (str_eq(argv[i], "--times") && i + 1 < argc &&
		    str_to_int(argv[i + 1], 1, TIMES_MAX, &times))
			i++;
		else {
			measure(&svc, &who, argv[i], (size_t)times, false);
			measure(&svc, &who, argv[i], (size_t)times, true);
		}
	}
	if (together && all.n > 0)
		printf("all searches %8.2f %8.2f\n", percentile(all.took, all.n, 50),
		    percentile(all.took, all.n, 95));
	free(all.took);
	db_free(svc.db);
	return EXIT_SUCCESS;
}
