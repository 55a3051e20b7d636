#include "service/operator/watch.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/store_watch.h"

#include "core/banned.h"

#define DAY_SECONDS 86400

static const struct {
	const char *word;
	int seconds;
} windows[] = { { "5m", 300 }, { "1h", 3600 }, { "1d", DAY_SECONDS } };

bool
watch_summary(const struct call *call, const char *window, struct watch_summary *out,
    struct error *err)
{
	struct watch_route *routes;
	int seconds = windows[0].seconds;

	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
		if (str_eq(window, windows[i].word))
			seconds = windows[i].seconds;
	if (!store_watch_window(call->svc->db, call->arena, seconds, &out->total, err) ||
	    !store_watch_routes(call->svc->db, call->arena, seconds, &routes, &out->n, err))
		return false;
	out->routes = routes;
	return true;
}

static bool
p50(const struct watch_point *p, double *value)
{
	*value = p->window.p50_ms;
	return p->window.requests > 0;
}

static bool
p95(const struct watch_point *p, double *value)
{
	*value = p->window.p95_ms;
	return p->window.requests > 0;
}

static bool
p99(const struct watch_point *p, double *value)
{
	*value = p->window.p99_ms;
	return p->window.requests > 0;
}

static bool
database(const struct watch_point *p, double *value)
{
	*value = p->window.database_ms;
	return p->window.requests > 0;
}

static bool
hits(const struct watch_point *p, double *value)
{
	uint64_t all = p->window.cache_hits + p->window.cache_misses;

	*value = all > 0 ? (double)p->window.cache_hits / (double)all : 0;
	return all > 0;
}

static bool
errors(const struct watch_point *p, double *value)
{
	if (p->window.requests == 0)
		return false;
	*value = (double)p->window.failed / (double)p->window.requests;
	return true;
}

/* A bucket in which nobody measured is not one without requests. */
static bool
requests(const struct watch_point *p, double *value)
{
	*value = (double)p->window.requests;
	return p->measured || p->window.requests > 0;
}

static bool
level(const struct watch_point *p, double *value)
{
	*value = (double)p->level;
	return p->measured;
}

#define NO_SETTING (-1)

static const struct plotted {
	const char *word, *unit;
	bool (*value)(const struct watch_point *, double *); /* false: there is none */
	const char *level;                                   /* as it is stored, or NULL */
	int setting;   /* enum config_key of its alert's threshold, or NO_SETTING: `target` */
	double target; /* < 0: none */
	double scale;  /* of the setting */
} plotted[] = {
	{ "p50", "ms", p50, NULL, NO_SETTING, WATCH_TARGET_RESPONSE_MS, 0 },
	{ "p95", "ms", p95, NULL, CFG_ALERT_LATENCY, 0, 1 },
	{ "p99", "ms", p99, NULL, CFG_ALERT_LATENCY_CRITICAL, 0, 1 },
	{ "database", "ms", database, NULL, NO_SETTING, WATCH_TARGET_DATABASE_MS, 0 },
	{ "hits", "ratio", hits, NULL, CFG_ALERT_CACHE_HITS, 0, 0.01 },
	{ "errors", "ratio", errors, NULL, CFG_ALERT_ERRORS, 0, 0.01 },
	{ "requests", "requests", requests, NULL, NO_SETTING, -1, 0 },
	{ "queue", "jobs", level, "queue", NO_SETTING, -1, 0 },
	{ "storage", "bytes", level, "stored", NO_SETTING, -1, 0 },
};

/* An alert that is switched off (-1, or 0 where nothing is below it) has no threshold. */
static double
threshold(const struct config *config, const struct plotted *what)
{
	int64_t set;

	if (what->setting == NO_SETTING)
		return what->target;
	set = config_int(config, (enum config_key)what->setting);
	return set > 0 ? (double)set * what->scale : -1;
}

static const struct plotted *
plotted_find(const char *word)
{
	for (size_t i = 0; i < sizeof(plotted) / sizeof(plotted[0]); i++)
		if (str_eq(word, plotted[i].word))
			return &plotted[i];
	return &plotted[0];
}

static bool
check_span(int64_t now, int64_t from, int64_t to, struct error *err)
{
	if (from < now - WATCH_HOUR_KEPT * US_PER_SEC || from > now)
		error_field(err, "from", "range", "must be within the last %d days",
		    WATCH_HOUR_KEPT / DAY_SECONDS);
	if (to < from || to > now + DAY_SECONDS * US_PER_SEC)
		error_field(err, "to", "range", "must be after from, and not in the future");
	return err->nfields == 0;
}

bool
watch_history(const struct call *call, const char *metric, int64_t from, int64_t to,
    struct watch_plot *out, struct error *err)
{
	const struct plotted *what = plotted_find(metric);
	struct watch_points points;
	struct watch_value *values;
	int64_t now = clock_now();

	if (to == 0)
		to = now;
	if (from == 0)
		from = to - DAY_SECONDS * US_PER_SEC;
	if (!check_span(now, from, to, err))
		return false;
	if (!(what->level == NULL ?
		    store_watch_history(call->svc->db, call->arena, from, to, &points, err) :
		    store_watch_levels(call->svc->db, call->arena, what->level, from, to, &points,
			err)))
		return false;
	values = arena_array(call->arena, points.n + 1, sizeof(*values));
	for (size_t i = 0; i < points.n; i++) {
		values[i].at = points.items[i].at;
		values[i].known = what->value(&points.items[i], &values[i].value);
	}
	*out = (struct watch_plot) { what->unit, threshold(call->svc->config, what), points.step,
		values, points.n };
	return true;
}
