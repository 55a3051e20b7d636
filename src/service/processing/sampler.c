#include "service/processing/sampler.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/metric.h"
#include "core/str.h"
#include "service/call.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/store_watch.h"

#include "core/banned.h"

#define LEVELS_MAX 4
#define HOST_MAX 256 /* bytes of a host's name, NUL included */

static uint64_t
counter(enum metric metric, struct metric_values values)
{
	struct metric_point point;

	metric_read(metric, values, &point);
	return (uint64_t)point.value;
}

static uint64_t
microseconds(enum metric metric, struct metric_values values)
{
	struct metric_point point;

	metric_read(metric, values, &point);
	return (uint64_t)llround(point.value * (double)US_PER_SEC);
}

/* Only what is read is cached, so the cache counts by route; it goes to one of its methods. */
static void
read_cache(uint32_t route, const char *method, uint64_t counts[WATCH_COUNTS])
{
	if (!str_eq(method, "GET"))
		return;
	counts[WATCH_HITS] = counter(METRIC_HTTP_CACHE, LABELS(route, VALUE_CACHE_HIT));
	counts[WATCH_MISSES] = counter(METRIC_HTTP_CACHE, LABELS(route, VALUE_CACHE_MISS));
}

static void
read_counts(struct arena *arena, struct metric_values of, const struct metric_point *duration,
    struct watch_reading *out)
{
	const uint32_t route = of.v[0], method = of.v[1];

	out->route = arena_strdup(arena, duration->labels[0].value);
	out->method = arena_strdup(arena, duration->labels[1].value);
	out->hashing =
	    microseconds(METRIC_HTTP_STAGE, LABELS(route, method, VALUE_STAGE_HASHING)) > 0;
	out->counts[WATCH_REQUESTS] = duration->count;
	out->counts[WATCH_FAILED] =
	    counter(METRIC_HTTP_REQUESTS, LABELS(route, method, VALUE_STATUS_5XX));
	out->counts[WATCH_DATABASE_US] = microseconds(METRIC_HTTP_DATABASE, of);
	read_cache(route, out->method, out->counts);
	for (unsigned i = 0; i <= duration->nbounds; i++)
		out->counts[WATCH_LATENCY + i] = duration->buckets[i];
}

/*
 * Calls read_counts() for each series that has counted something since it was stored; `out` NULL:
 * only says how many there are. `now` gets the requests of each series.
 */
static size_t
read_registry(const struct sampler *s, struct arena *arena, uint64_t *now,
    struct watch_reading *out)
{
	struct metric_point duration;
	size_t n = 0, series = 0;

	for (uint32_t r = 0; r < metric_label_values(LABEL_ROUTE); r++)
		for (uint32_t m = 0; m < metric_label_values(LABEL_METHOD); m++, series++) {
			metric_read(METRIC_HTTP_DURATION, LABELS(r, m), &duration);
			if (out == NULL)
				now[series] = duration.count;
			if (now[series] == s->taken[series])
				continue;
			if (out != NULL)
				read_counts(arena, LABELS(r, m), &duration, &out[n]);
			n++;
		}
	return n;
}

static size_t
series_count(void)
{
	return (size_t)metric_label_values(LABEL_ROUTE) * metric_label_values(LABEL_METHOD);
}

void
sampler_init(struct sampler *s, struct arena *arena)
{
	*s = (struct sampler) { .taken = arena_array(arena, series_count(), sizeof(*s->taken)) };
}

/* Sizes of a directory's file system; what cannot be learned is left out. */
static void
read_disk(const char *path, const char *size, const char *free, struct watch_sample *sample,
    struct watch_level *levels)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return;
	levels[sample->nlevels++] =
	    (struct watch_level) { size, (int64_t)st.f_blocks * (int64_t)st.f_frsize };
	levels[sample->nlevels++] =
	    (struct watch_level) { free, (int64_t)st.f_bavail * (int64_t)st.f_frsize };
}

static const char *
host_name(struct arena *arena)
{
	char host[HOST_MAX];

	if (gethostname(host, sizeof(host)) != 0)
		host[0] = '\0';
	host[sizeof(host) - 1] = '\0';
	return arena_strdup(arena, host);
}

bool
sampler_run(struct sampler *s, const struct call *call, struct error *err)
{
	const struct config *config = call->svc->config;
	struct metric_registry registry;
	struct watch_level levels[LEVELS_MAX];
	struct watch_sample sample = { .registry = registry.id, .levels = levels };
	struct watch_reading *readings;
	uint64_t *now;

	if (!metric_registry(&registry))
		return true; /* nobody else counts here */
	now = arena_array(call->arena, series_count(), sizeof(*now));
	sample.created = registry.created;
	sample.host = host_name(call->arena);
	sample.n = read_registry(s, call->arena, now, NULL);
	sample.readings = readings = arena_array(call->arena, sample.n + 1, sizeof(*readings));
	read_registry(s, call->arena, now, readings);
	read_disk(config_str(config, CFG_DATA_DIR), "data.size", "data.free", &sample, levels);
	read_disk(scratch_path(config, call->arena, ""), "scratch.size", "scratch.free", &sample,
	    levels);
	if (!store_watch_sample(call->svc->db, call->arena, &sample, err))
		return false;
	memcpy(s->taken, now, series_count() * sizeof(*now));
	return true;
}
