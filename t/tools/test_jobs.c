/*
 * Jobs for tests and measurements: medianest-worker with this table instead of the product's is
 * t/tools/test-worker. Run by t/221-runners.t and t/bench/run.
 *
 * Each takes an optional "gate" in its payload: it leaves a link GATE.at to its process id, and
 * waits until the file GATE exists. Jobs with effects add a row to test_effects, a table that the
 * test creates.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bin/jobs.h"
#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "core/banned.h"

#define LOOK_NS 5000000

static const struct query q_effect = { "test_effect",
	"INSERT INTO test_effects (job, kind) VALUES ($1, $2)", 0 };

static bool
gate(const struct call *call, const struct job_env *env, const struct job *job, struct error *err)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	const struct cJSON *payload =
	    json_parse(call->arena, job->payload, strlen(job->payload), err);
	const char *path;

	if (payload == NULL)
		return false;
	path = json_str(payload, "gate", NULL);
	if (path == NULL)
		return true;
	(void)!symlink(arena_printf(call->arena, "%ld", (long)getpid()),
	    arena_printf(call->arena, "%s.at", path));
	while (access(path, F_OK) != 0) {
		if (*env->stop)
			return error_slug(err, ERR_UNAVAILABLE, "stopped", "The worker stops.");
		nanosleep(&look, NULL);
	}
	return true;
}

static bool
effect(const struct call *call, const struct job *job, struct error *err)
{
	return db_exec(call->svc->db, call->arena, &q_effect, DB_PARAMS(job->id, job->kind), NULL,
	    err);
}

/* Of a batch kind: the runner completes it. */
static bool
noop_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return gate(call, env, job, err);
}

static bool
plain_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return store_job_done(call->svc->db, call->arena, job, err);
}

static bool
effect_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct db *db = call->svc->db;

	return gate(call, env, job, err) && db_begin(db, err) &&
	    db_end(db, effect(call, job, err) && store_job_done(db, call->arena, job, err), err);
}

/* Fails in the middle of a transaction without ending it. */
static bool
leak_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return db_begin(call->svc->db, err) && effect(call, job, err) &&
	    error_set(err, ERR_INTERNAL, "It leaves a transaction behind.");
}

static bool
hang_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	while (pause() != 0)
		; /* only a signal ends it */
	return false;
}

static bool
broken_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	return effect(call, job, err) && error_set(err, ERR_INTERNAL, "It always fails.");
}

#define ONCE JOB_NO_SETTING, 0, { 1 }
#define EVERY_SECOND JOB_NO_SETTING, 1, { 1 }

const struct job_kind job_kinds[] = {
	{ "test.noop", JOB_QUEUE_QUICK, 5, 60, ONCE, true, noop_run, NULL },
	{ "test.plain", JOB_QUEUE_QUICK, 5, 60, ONCE, false, plain_run, NULL },
	{ "test.effect", JOB_QUEUE_QUICK, 5, 60, ONCE, false, effect_run, NULL },
	{ "test.leak", JOB_QUEUE_QUICK, 2, 60, ONCE, false, leak_run, NULL },
	{ "test.hang", JOB_QUEUE_QUICK, 2, 1, ONCE, false, hang_run, NULL },
	{ "test.tick", JOB_QUEUE_UPKEEP, 1, 60, EVERY_SECOND, false, effect_run, NULL },
	{ "test.broken", JOB_QUEUE_UPKEEP, 2, 60, EVERY_SECOND, false, broken_run, NULL },
	{ .kind = NULL },
};
