#include "service/operator/alert_facts.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "model/watch.h"
#include "service/call.h"
#include "service/job.h"
#include "service/notify/alert_step.h"
#include "service/notify/mail.h"
#include "service/operator/certificate.h"
#include "service/operator/disk_trend.h"
#include "service/services.h"
#include "store/store_alert_facts.h"
#include "store/store_alerts.h"
#include "store/store_backups.h"
#include "store/store_watch.h"

#include "core/banned.h"

#define CERTIFICATE_LOOK_S 60
#define HOST_MAX 256
#define EVER_S (365 * 86400) /* further back than samples are kept */

/* One look. */
struct finder {
	const struct call *call;
	enum alert_id rule; /* that is looked at now */
	struct alert_fact *facts;
	size_t n, room;
	struct watch_window figures; /* of all requests */
	bool figures_known;
};

static void
add(struct finder *f, struct alert_fact fact)
{
	struct alert_fact *larger;

	if (f->n == f->room) {
		f->room = f->room * 2 + ALERTS;
		larger = arena_array(f->call->arena, f->room, sizeof(*larger));
		if (f->n > 0)
			memcpy(larger, f->facts, f->n * sizeof(*larger));
		f->facts = larger;
	}
	fact.rule = f->rule;
	f->facts[f->n++] = fact;
}

static void
known(struct finder *f, double value)
{
	add(f, (struct alert_fact) { .subject = "", .known = FACT_PRESENT, .value = value });
}

static void
absent(struct finder *f)
{
	add(f, (struct alert_fact) { .subject = "", .known = FACT_ABSENT });
}

/* err NULL: nothing failed, there is just too little to say anything. */
static void
unknown(struct finder *f, const struct error *err)
{
	if (err != NULL)
		log_info(f->call->svc->log, "alert %s: not known: %s", alert_rules[f->rule].name,
		    err->message);
	add(f, (struct alert_fact) { .subject = NULL, .known = FACT_UNKNOWN });
}

/* --- requests --------------------------------------------------------------------------------- */

static void
find_figures(struct finder *f)
{
	int64_t seconds = config_int(f->call->svc->config, CFG_ALERT_WINDOW);
	struct error err = { 0 };

	if (seconds < ALERT_FIGURES_MIN_S)
		seconds = ALERT_FIGURES_MIN_S;
	f->figures_known =
	    store_watch_window(f->call->svc->db, f->call->arena, (int)seconds, &f->figures, &err);
	if (!f->figures_known)
		log_info(f->call->svc->log, "alerts: the figures of the requests are not known: %s",
		    err.message);
}

static void
of_requests(struct finder *f, uint64_t samples, double value)
{
	if (f->figures_known && samples >= ALERT_SAMPLES_MIN)
		known(f, value);
	else
		unknown(f, NULL);
}

static void
fact_latency(struct finder *f)
{
	of_requests(f, f->figures.requests, f->figures.p95_ms);
}

double
alert_error_share(uint64_t failed, uint64_t requests)
{
	return failed < ALERT_FAILURES_MIN ? 0 : 100.0 * (double)failed / (double)requests;
}

static void
fact_errors(struct finder *f)
{
	of_requests(f, f->figures.requests,
	    alert_error_share(f->figures.failed, f->figures.requests));
}

static void
fact_cache_hits(struct finder *f)
{
	uint64_t hits = f->figures.cache_hits, all = hits + f->figures.cache_misses;

	of_requests(f, all, all == 0 ? 0 : 100.0 * (double)hits / (double)all);
}

/* --- what PostgreSQL knows -------------------------------------------------------------------- */

static void
fact_sync_age(struct finder *f)
{
	int64_t minutes = config_int(f->call->svc->config, CFG_SYNC_MINUTES);
	struct sync_age *ages;
	struct error err = { 0 };
	size_t n;

	if (minutes == 0)
		return;
	if (!store_sync_ages(f->call->svc->db, f->call->arena, &ages, &n, &err)) {
		unknown(f, &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add(f,
		    (struct alert_fact) { .subject = ages[i].server_id,
			.subject_name = ages[i].name,
			.known = FACT_PRESENT,
			.value = ages[i].seconds / (double)(minutes * 60) });
}

bool
alert_queue_lag(struct db *db, struct arena *arena, double *seconds, struct error *err)
{
	/* Somebody waits for these; the others have jobs that take minutes, and much to do. */
	const char *const prompt[] = { job_queues[JOB_QUEUE_QUICK].name,
		job_queues[JOB_QUEUE_MAIL].name, job_queues[JOB_QUEUE_EVENTS].name };

	return store_queue_lag(db, arena,
	    (struct strings) { prompt, sizeof(prompt) / sizeof(prompt[0]) }, seconds, err);
}

static void
fact_queue_lag(struct finder *f)
{
	struct error err = { 0 };
	double seconds;

	if (alert_queue_lag(f->call->svc->db, f->call->arena, &seconds, &err))
		known(f, seconds);
	else
		unknown(f, &err);
}

bool
alert_dead_jobs(struct db *db, struct arena *arena, double *n, struct error *err)
{
	/* Housekeeping comes back to what these could not have (upkeep.enrich). */
	static const char *const again[] = { "media.poster", "media.enrich" };

	return store_dead_jobs(db, arena,
	    (struct strings) { again, sizeof(again) / sizeof(again[0]) }, n, err);
}

static void
fact_dead_jobs(struct finder *f)
{
	struct error err = { 0 };
	double n;

	if (alert_dead_jobs(f->call->svc->db, f->call->arena, &n, &err))
		known(f, n);
	else
		unknown(f, &err);
}

static void
fact_batch_failures(struct finder *f)
{
	struct error err = { 0 };
	double percent;
	bool any;

	if (!store_batch_failures(f->call->svc->db, f->call->arena, ALERT_SAMPLES_MIN, &any,
		&percent, &err))
		unknown(f, &err);
	else if (any)
		known(f, percent);
	else
		absent(f);
}

static void
fact_mail_failing(struct finder *f)
{
	struct error err = { 0 };
	double seconds;

	if (!mail_configured(f->call->svc->config))
		absent(f);
	else if (store_mail_failing(f->call->svc->db, f->call->arena, &seconds, &err))
		known(f, seconds / 60);
	else
		unknown(f, &err);
}

/* An address that several people cannot have unless something stands between them and nginx. */
bool
alert_address_is_private(const char *address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return !http_out_may_reach("", (const struct sockaddr *)&v4);
	return inet_pton(AF_INET6, address, &v6.sin6_addr) == 1 &&
	    !http_out_may_reach("", (const struct sockaddr *)&v6);
}

static void
fact_one_address(struct finder *f)
{
	struct error err = { 0 };
	const char *address;
	double people;

	if (!store_one_address(f->call->svc->db, f->call->arena, &address, &people, &err))
		unknown(f, &err);
	else if (address != NULL && alert_address_is_private(address))
		known(f, people);
	else
		absent(f);
}

/* Where none has been made yet, the time begins when it was first seen that some are wanted. */
static void
fact_backup_age(struct finder *f)
{
	struct db *db = f->call->svc->db;
	bool wanted = config_str(f->call->svc->config, CFG_BACKUP_DIRECTORY)[0] != '\0';
	struct alert_sample *wishes;
	struct error err = { 0 };
	int64_t at;
	size_t n;

	if (!store_backup_last(db, f->call->arena, &at, &err) ||
	    !store_alert_sample_change(db, f->call->arena, "backup", wanted ? 1 : 0, &err) ||
	    !store_alert_samples(db, f->call->arena, "backup", EVER_S, &wishes, &n, &err))
		unknown(f, &err);
	else if (at == 0 && !wanted)
		absent(f);
	else
		known(f,
		    (double)(clock_now() - (at != 0 ? at : wishes[n - 1].at)) /
			(3600.0 * US_PER_SEC));
}

/* --- what this host knows --------------------------------------------------------------------- */

/* Hosts are measured apart from each other: whichever does the job. */
static const char *
series(const struct finder *f, const char *what)
{
	char host[HOST_MAX] = "";

	gethostname(host, sizeof(host) - 1);
	return arena_printf(f->call->arena, "%s:%s", what, host);
}

/* A host that measured nothing for so long is not there any more. */
static bool
is_stale(const struct alert_series *disk)
{
	return clock_now() - disk->samples[disk->n - 1].at > TREND_STALE_S * US_PER_SEC;
}

/* One of each host: now this one looks, now that one, and each must find all that was bad. */
static void
fact_disk_full(struct finder *f)
{
	struct db *db = f->call->svc->db;
	struct alert_series *disks;
	struct error err = { 0 };
	struct statvfs fs;
	size_t n;

	if ((statvfs(config_str(f->call->svc->config, CFG_DATA_DIR), &fs) == 0 &&
		!store_alert_sample_add(db, f->call->arena, series(f, "disk"),
		    (double)fs.f_bavail * (double)fs.f_frsize, TREND_APART_S, &err)) ||
	    !store_alert_series(db, f->call->arena, "disk:", TREND_SECONDS, &disks, &n, &err)) {
		unknown(f, &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct alert_fact fact = { .subject = disks[i].name + strlen("disk:") };

		if (is_stale(&disks[i]))
			continue;
		fact.subject_name = fact.subject;
		fact.known = disk_trend(disks[i].samples, disks[i].n, &fact.value);
		add(f, fact);
	}
}

/* How often the counter rose since then. One that began again says nothing about before. */
static double
risen(const struct alert_sample *samples, size_t n, int64_t since)
{
	double sum = 0;

	for (size_t i = 1; i < n; i++)
		if (samples[i].at >= since && samples[i].value > samples[i - 1].value)
			sum += samples[i].value - samples[i - 1].value;
	return sum;
}

static void
fact_redis_rebuilt(struct finder *f)
{
	const struct call *call = f->call;
	const char *name = series(f, "epoch");
	int64_t window = config_int(call->svc->config, CFG_ALERT_WINDOW) * US_PER_SEC;
	struct metric_point reloads;
	struct alert_sample *samples;
	struct error err = { 0 };
	size_t n;

	metric_read(METRIC_EPOCH_RELOADS, UNLABELLED, &reloads);
	/* The first one since the host was started made the copy: it had not been lost. */
	if (!store_alert_sample_change(call->svc->db, call->arena, name, fmax(reloads.value, 1),
		&err) ||
	    !store_alert_samples(call->svc->db, call->arena, name, EVER_S, &samples, &n, &err))
		unknown(f, &err);
	else
		known(f, risen(samples, n, clock_now() - window));
}

/* nginx is asked every CERTIFICATE_LOOK_S, not at every look. */
static void
fact_certificate(struct finder *f)
{
	static int64_t due, expires;
	static bool was_known;
	struct error err = { 0 };

	if (clock_monotonic() >= due) {
		was_known =
		    certificate_expiry(f->call->svc->config, f->call->arena, &expires, &err);
		due = clock_monotonic() + CERTIFICATE_LOOK_S * US_PER_SEC;
	}
	if (!was_known)
		unknown(f, err.message[0] != '\0' ? &err : NULL);
	else if (expires == 0)
		absent(f);
	else
		known(f, (double)(expires - clock_now()) / (86400.0 * US_PER_SEC));
}

void
alert_facts_find(const struct call *call, struct alert_fact **facts, size_t *n)
{
	typedef void fact_fn(struct finder *);
	static fact_fn *const finders[ALERTS] = {
#define ALERT(id, name, severity, side, clear, hold, fact, ...) [ALERT_##id] = fact,
#include "model/alert_rules.def"
#undef ALERT
	};
	struct finder f = { .call = call };

	find_figures(&f);
	for (f.rule = 0; f.rule < ALERTS; f.rule++)
		if (finders[f.rule] != NULL)
			finders[f.rule](&f);
	*facts = f.facts;
	*n = f.n;
}
