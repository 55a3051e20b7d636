#include "service/operator/health.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "service/call.h"
#include "service/services.h"
#include "store/redis.h"
#include "store/s3.h"
#include "store/store_health.h"
#include "core/banned.h"

#define HEALTH_REDIS_SECONDS "60" /* life of the key that the check writes */

struct probe {
	const char *name;
	const char *trouble;
	bool (*run)(const struct call *, struct health *, struct error *);
};

static bool
probe_postgres(const struct call *call, struct health *health, struct error *err)
{
	health->queue_known = store_queue_state(call->svc->db, call->arena, &health->queue, err);
	return health->queue_known;
}

static bool
probe_redis(const struct call *call, struct health *health, struct error *err)
{
	struct redisReply *reply;

	/* A write: a server without memory responds to PING and keeps nothing. */
	return redis_command(call->svc->redis, call->arena,
	    REDIS_ARGV("SET", redis_key(call->svc->redis, call->arena, "health"), "", "EX",
		HEALTH_REDIS_SECONDS),
	    &reply, err);
}

static bool
probe_storage(const struct call *call, struct health *health, struct error *err)
{
	s3_set_timeout(call->svc->s3, HEALTH_STORAGE_MS);
	return s3_probe(call->svc->s3, err);
}

/* Reads the first line of a small file in the run directory; false: there is no such file. */
static bool
run_file(const struct config *config, const char *name, char *text, size_t size)
{
	char path[RUN_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", config_str(config, CFG_RUN_DIR), name);
	return run_note_read(path, text, size);
}

int64_t
process_pid(const struct config *config, const char *name)
{
	char file[64], text[16];
	int64_t pid;

	snprintf(file, sizeof(file), "%s.pid", name);
	if (!run_file(config, file, text, sizeof(text)) || !str_to_int(text, 1, INT32_MAX, &pid))
		return 0;
	return kill((pid_t)pid, 0) == 0 || errno == EPERM ? pid : 0;
}

static bool
process_lives(struct services *svc, const char *name, struct error *err)
{
	return process_pid(svc->config, name) != 0 ||
	    error_set(err, ERR_UNAVAILABLE, "%s is not running.", name);
}

static bool
probe_worker(const struct call *call, struct health *health, struct error *err)
{
	char mode[32];

	if (!process_lives(call->svc, "worker", err))
		return false;
	if (run_file(call->svc->config, "worker.sandbox", mode, sizeof(mode)) &&
	    !str_eq(mode, "bubblewrap"))
		health->dependencies[HEALTH_WORKER].notice =
		    "Files are decoded without bubblewrap: only a system call filter and"
		    " limits protect the server.";
	return true;
}

static bool
probe_notifyd(const struct call *call, struct health *health, struct error *err)
{
	return process_lives(call->svc, "notifyd", err);
}

static const struct probe probes[HEALTH_DEPENDENCIES] = {
	[HEALTH_POSTGRES] = { "postgres", "The database is not responding.", probe_postgres },
	[HEALTH_REDIS] = { "redis",
	    "Redis is not responding or has no memory left: requests are slower, and only nginx"
	    " limits their rate.",
	    probe_redis },
	[HEALTH_STORAGE] = { "storage",
	    "The object store is not responding: uploads and downloads do not work.",
	    probe_storage },
	[HEALTH_WORKER] = { "worker", "medianest-worker is not running: uploads are not processed.",
	    probe_worker },
	[HEALTH_NOTIFYD] = { "notifyd",
	    "medianest-notifyd is not running: pages get no live updates.", probe_notifyd },
};

const char *
health_dependency_name(enum health_dependency which)
{
	return probes[which].name;
}

const char *
health_status(const struct health *health)
{
	if (!health->dependencies[HEALTH_POSTGRES].ok)
		return "down";
	for (int i = 0; i < HEALTH_DEPENDENCIES; i++) {
		if (!health->dependencies[i].ok)
			return "degraded";
	}
	return "ok";
}

static void
run_probe(const struct call *call, enum health_dependency which, struct health *health)
{
	struct dependency_state *state = &health->dependencies[which];
	int64_t start = clock_monotonic();
	struct error err;

	error_clear(&err);
	state->ok = probes[which].run(call, health, &err);
	state->latency = clock_monotonic() - start;
	state->trouble = state->ok ? state->notice : probes[which].trouble;
	if (!state->ok)
		log_warn(call->svc->log, "health: %s: %s %s", probes[which].name, err.message,
		    err.detail);
}

const struct health *
health_check(const struct call *call)
{
	static struct health kept;
	static int64_t kept_until;

	if (clock_monotonic() < kept_until)
		return &kept;
	memset(&kept, 0, sizeof(kept));
	for (int i = 0; i < HEALTH_DEPENDENCIES; i++)
		run_probe(call, (enum health_dependency)i, &kept);
	kept.checked_at = clock_now();
	kept_until = clock_monotonic() + HEALTH_KEEP_MS * US_PER_MS;
	return &kept;
}

bool
health_ready(const struct call *call, struct error *err)
{
	struct queue_state queue;

	return store_queue_state(call->svc->db, call->arena, &queue, err);
}
