#include "service/operator/processes.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "service/call.h"
#include "service/operator/health.h"
#include "service/services.h"
#include "store/store_admin.h"
#include "store/store_schema.h"

#include "core/banned.h"

#define POOL_PREFIX "pool."
#define POOL_SUFFIX ".workers"

static int64_t
metric_value(enum metric metric, struct metric_values values)
{
	struct metric_point point;

	metric_read(metric, values, &point);
	return (int64_t)point.value;
}

/* Workers of the pool that were replaced, for whatever reason. */
static int64_t
replaced(const char *pool)
{
	uint32_t label = metric_label(LABEL_POOL, pool);
	int64_t n = 0;

	for (uint32_t end = 0; end < VALUES_WORKER_END; end++)
		n += metric_value(METRIC_POOL_ENDED, LABELS(label, end));
	return n;
}

/* The name of the pool whose number of workers the setting is; NULL: it is another setting. */
static const char *
pool_of(struct arena *arena, const char *key)
{
	size_t len = strlen(key), prefix = strlen(POOL_PREFIX), suffix = strlen(POOL_SUFFIX);

	if (!str_starts(key, POOL_PREFIX) || len <= prefix + suffix ||
	    !str_eq(key + len - suffix, POOL_SUFFIX))
		return NULL;
	return arena_strndup(arena, key + prefix, len - prefix - suffix);
}

static void
read_pools(const struct call *call, struct process_states *out)
{
	const struct config *config = call->svc->config;

	out->pools = arena_array(call->arena, CONFIG_KEYS, sizeof(*out->pools));
	for (enum config_key key = 0; key < CONFIG_KEYS; key++) {
		const char *name = pool_of(call->arena, config_rows[key].key);

		if (name == NULL)
			continue;
		out->pools[out->npools++] = (struct pool_state) {
			.name = name,
			.workers = config_int(config, key),
			.busy =
			    metric_value(METRIC_POOL_BUSY, LABELS(metric_label(LABEL_POOL, name))),
			.restarts = replaced(name),
			.pid = process_pid(config, arena_printf(call->arena, "pool-%s", name)),
		};
	}
}

static void
read_daemons(const struct call *call, struct process_states *out)
{
	const struct config *config = call->svc->config;
	char version[32], path[RUN_PATH_MAX];

	out->worker = process_pid(config, "worker") != 0;
	out->notifyd = process_pid(config, "notifyd") != 0;
	snprintf(path, sizeof(path), "%s/worker.version", config_str(config, CFG_RUN_DIR));
	if (out->worker && run_note_read(path, version, sizeof(version)))
		out->worker_version = arena_strdup(call->arena, version);
	out->websockets = metric_value(METRIC_LIVE_CONNECTIONS, LABELS(VALUE_TRANSPORT_WEBSOCKET));
	out->streams = metric_value(METRIC_LIVE_CONNECTIONS, LABELS(VALUE_TRANSPORT_STREAM));
}

static void
limit_queues(const struct config *config, struct process_states *out)
{
	for (size_t i = 0; i < JOB_QUEUES; i++) {
		const struct job_queue *q = &job_queues[i];
		int64_t limit = q->concurrency_setting == JOB_NO_SETTING ?
		    q->concurrency :
		    config_int(config, (enum config_key)q->concurrency_setting);

		out->queues[i] = (struct queue_figures) { .queue = q->name, .limit = limit };
	}
}

static bool
read_queues(const struct call *call, struct process_states *out, struct error *err)
{
	struct queue_load *loads;
	size_t n;

	if (!store_queues_load(call->svc->db, call->arena, &loads, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < JOB_QUEUES; k++)
			if (str_eq(out->queues[k].queue, loads[i].queue)) {
				out->queues[k].running = loads[i].running;
				out->queues[k].waiting = loads[i].waiting;
				out->queues[k].oldest_s = loads[i].oldest_s;
			}
	return true;
}

/* Without Redis the rest is worth knowing all the more. */
static void
read_redis(const struct call *call, struct process_states *out)
{
	struct error why;

	error_clear(&why);
	if (!store_redis_load(call->svc->redis, call->arena, &out->redis, &why))
		log_notice(call->svc->log, "processes: %s", why.message);
	out->redis_errors = metric_value(METRIC_REDIS_ERRORS, UNLABELLED);
	out->redis_reconnects = metric_value(METRIC_REDIS_RECONNECTS, UNLABELLED);
	out->postgres_reconnects = metric_value(METRIC_DB_RECONNECTS, UNLABELLED);
	out->postgres_errors = metric_value(METRIC_DB_ERRORS, UNLABELLED);
}

bool
processes_read(const struct call *call, struct process_states *out, struct error *err)
{
	*out = (struct process_states) { .npools = 0 };
	read_pools(call, out);
	read_daemons(call, out);
	limit_queues(call->svc->config, out);
	read_redis(call, out);
	return read_queues(call, out, err) &&
	    store_schema_version(call->svc->db, call->arena, &out->schema, err) &&
	    store_postgres_load(call->svc->db, call->arena, &out->postgres, err);
}
