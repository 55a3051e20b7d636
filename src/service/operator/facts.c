#include <config.h>

#include "service/operator/facts.h"

#include <stdint.h>
#include <sys/statvfs.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "core/words.h"
#include "service/call.h"
#include "service/job.h"
#include "service/notify/alert.h"
#include "service/operator/certificate.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/store_backups.h"
#include "store/store_watch.h"

#include "core/banned.h"

enum fact_id {
	FACT_BUILD,
	FACT_DATABASE_UP,
	FACT_DISK_SIZE,
	FACT_DISK_FREE,
	FACT_CERTIFICATE,
	FACT_WAITING,
	FACT_RUNNING,
	FACT_OLDEST,
	FACT_DEAD,
	FACT_SYNC,
	FACT_STORED,
	FACT_BACKUP,
	FACT_ALERT,
	FACTS,
};

static const struct fact_row fact_rows[FACTS] = {
	[FACT_BUILD] = { "medianest_build_info", "The version that serves this", "version" },
	[FACT_DATABASE_UP] = { "medianest_database_up",
	    "Whether PostgreSQL responds: 0 or 1; without it the figures of the house are missing",
	    NULL },
	[FACT_DISK_SIZE] = { "medianest_disk_size_bytes", "Size of the file system of a directory",
	    "directory" },
	[FACT_DISK_FREE] = { "medianest_disk_free_bytes",
	    "Space that is left for MediaNest in the file system of a directory", "directory" },
	[FACT_CERTIFICATE] = { "medianest_certificate_expiry_timestamp_seconds",
	    "When the certificate that nginx shows here expires", NULL },
	[FACT_WAITING] = { "medianest_queue_waiting_jobs",
	    "Jobs of the house that are due and wait, up to " TEXT(WATCH_WAITING_MAX), "queue" },
	[FACT_RUNNING] = { "medianest_queue_running_jobs", "Jobs of the house that are running",
	    "queue" },
	[FACT_OLDEST] = { "medianest_queue_oldest_timestamp_seconds",
	    "When the oldest waiting job of the house became due; missing if none waits", "queue" },
	[FACT_DEAD] = { "medianest_dead_jobs", "Jobs of the house that were given up", NULL },
	[FACT_SYNC] = { "medianest_sync_success_timestamp_seconds",
	    "End of the last good sync of the media server that was not synced for the longest"
	    " time",
	    "kind" },
	[FACT_ALERT] = { "medianest_alert_value",
	    "What a rule of the alerts found at its last look, in the unit of its setting"
	    " alerts.NAME.threshold; infinite if there is nothing to worry about. Of a rule without"
	    " one: its open alerts",
	    "rule" },
	[FACT_BACKUP] = { "medianest_backup_timestamp_seconds",
	    "End of the last complete backup; missing if there was none", NULL },
	[FACT_STORED] = { "medianest_stored_bytes", "Size of everybody's files", NULL },
};

/* Facts are collected in any order, by row. */
struct collection {
	struct arena *arena;
	struct fact *of[FACTS];
	size_t n[FACTS], room[FACTS];
};

#define ROOM_AT_FIRST 4

static void
add(struct collection *c, enum fact_id id, const char *value_of_label, double value)
{
	struct fact *wider;

	if (c->n[id] == c->room[id]) {
		c->room[id] = c->room[id] == 0 ? ROOM_AT_FIRST : c->room[id] * 2;
		wider = arena_array(c->arena, c->room[id], sizeof(*wider));
		for (size_t i = 0; i < c->n[id]; i++)
			wider[i] = c->of[id][i];
		c->of[id] = wider;
	}
	c->of[id][c->n[id]++] = (struct fact) { &fact_rows[id], value_of_label, value };
}

static double
seconds(int64_t us)
{
	return (double)us / (double)US_PER_SEC;
}

static void
add_disk(struct collection *c, const char *name, const char *path)
{
	struct statvfs st;

	if (statvfs(path, &st) != 0)
		return;
	add(c, FACT_DISK_SIZE, name, (double)st.f_blocks * (double)st.f_frsize);
	add(c, FACT_DISK_FREE, name, (double)st.f_bavail * (double)st.f_frsize);
}

static void
add_certificate(struct collection *c, const struct call *call)
{
	static int64_t due, expires;
	struct error err;
	bool known;

	if (clock_monotonic() >= due) {
		error_clear(&err);
		known = certificate_expiry(call->svc->config, call->arena, &expires, &err);
		if (!known)
			log_info(call->svc->log, "%s %s", err.message, err.detail);
		due = clock_monotonic() +
		    US_PER_SEC *
			(known ? FACTS_CERTIFICATE_SECONDS : FACTS_CERTIFICATE_RETRY_SECONDS);
	}
	if (expires > 0)
		add(c, FACT_CERTIFICATE, NULL, seconds(expires));
}

static void
add_stored(struct collection *c, const struct watch_fact *fact)
{
	switch (fact->kind) {
	case WATCH_FACT_QUEUE:
		add(c, FACT_WAITING, fact->name, (double)fact->value);
		add(c, FACT_RUNNING, fact->name, (double)fact->running);
		if (fact->since > 0)
			add(c, FACT_OLDEST, fact->name, seconds(fact->since));
		break;
	case WATCH_FACT_DEAD: add(c, FACT_DEAD, NULL, (double)fact->value); break;
	case WATCH_FACT_SYNC: add(c, FACT_SYNC, fact->name, seconds(fact->since)); break;
	case WATCH_FACT_STORED: add(c, FACT_STORED, NULL, (double)fact->value); break;
	}
}

/* False: the database does not respond, so no more is asked of it. */
static bool
add_house(struct collection *c, const struct call *call)
{
	const char *queues[JOB_QUEUES];
	struct watch_fact *facts;
	struct error err;
	size_t n = 0;
	bool up;

	for (int q = 0; q < JOB_QUEUES; q++)
		queues[q] = job_queues[q].name;
	error_clear(&err);
	up = store_watch_facts(call->svc->db, call->arena, (struct strings) { queues, JOB_QUEUES },
	    &facts, &n, &err);
	if (!up)
		log_warn(call->svc->log, "metrics of the house: %s %s", err.message, err.detail);
	add(c, FACT_DATABASE_UP, NULL, up ? 1 : 0);
	for (size_t i = 0; i < n; i++)
		add_stored(c, &facts[i]);
	return up;
}

/* Those of rules of which something is known. */
static void
add_alerts(struct collection *c, const struct call *call)
{
	struct alert_value *values;
	struct error err;
	size_t n;

	error_clear(&err);
	if (!alert_values(call, &values, &n, &err)) {
		log_warn(call->svc->log, "metrics of the alerts: %s %s", err.message, err.detail);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add(c, FACT_ALERT, values[i].rule, values[i].value);
}

static void
add_backup(struct collection *c, const struct call *call)
{
	struct error err;
	int64_t finished;

	error_clear(&err);
	if (store_backup_last(call->svc->db, call->arena, &finished, &err) && finished > 0)
		add(c, FACT_BACKUP, NULL, seconds(finished));
}

static struct facts
in_order(const struct collection *c)
{
	struct fact *items;
	size_t n = 0;

	for (int id = 0; id < FACTS; id++)
		n += c->n[id];
	items = arena_array(c->arena, n + 1, sizeof(*items));
	n = 0;
	for (int id = 0; id < FACTS; id++)
		for (size_t i = 0; i < c->n[id]; i++)
			items[n++] = c->of[id][i];
	return (struct facts) { items, n };
}

struct facts
facts_read(const struct call *call)
{
	const struct config *config = call->svc->config;
	struct collection c = { .arena = call->arena };

	add(&c, FACT_BUILD, PACKAGE_VERSION, 1);
	add_disk(&c, "data", config_str(config, CFG_DATA_DIR));
	add_disk(&c, "scratch", scratch_path(config, call->arena, ""));
	add_certificate(&c, call);
	if (add_house(&c, call)) {
		add_alerts(&c, call);
		add_backup(&c, call);
	}
	return in_order(&c);
}
