#include <config.h>

#include "service/processing/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/access.h"
#include "service/processing/job_run.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

struct run {
	const struct runner *r;
	struct job_env env;
	struct services svc;
	struct log log;
	struct arena job_arena;
	/* by turns: the jobs at hand, and the next ones while they replace them */
	struct arena held[2];
	unsigned turn;
	struct job *jobs;
	size_t njobs;
	const char *finished[JOB_BATCH_MAX]; /* done, to be completed */
	size_t nfinished;
	const char *batch_kinds;
	struct arena arena;      /* of the whole run */
	int64_t end_at, idle_at; /* monotonic us */
	unsigned left;           /* jobs that it may still run */
};

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	stop = 1;
}

static void
on_wake(int sig)
{
	/* Only there to end a wait. */
}

int64_t
runner_timeout(const struct config *config, const struct job_kind *kind)
{
	return kind->timeout_s +
	    (kind->timeout_setting == JOB_NO_SETTING ?
		    0 :
		    config_int(config, (enum config_key)kind->timeout_setting));
}

const char *
runner_batch_kinds(struct arena *arena, const struct job_kind *kinds, const struct job_queue *queue)
{
	const char **names;
	size_t n = 0, i = 0;

	while (kinds[n].kind != NULL)
		n++;
	names = arena_array(arena, n + 1, sizeof(*names));
	for (const struct job_kind *k = kinds; k->kind != NULL; k++)
		if (k->batch && &job_queues[k->queue] == queue)
			names[i++] = k->kind;
	return db_array(arena, names, i);
}

void
runner_mark_job(struct runner_mark *mark, const char *job_id, int64_t seconds)
{
	str_copy(mark->job_id, sizeof(mark->job_id), job_id != NULL ? job_id : "");
	atomic_store(&mark->until, clock_monotonic() + seconds * US_PER_SEC);
}

static void
between_jobs(struct run *run)
{
	run->log.job_id = NULL;
	run->log.request_id = NULL;
	runner_mark_job(run->r->mark, NULL, RUNNER_TURN_SECONDS);
}

static bool
trouble(struct run *run, const struct error *err)
{
	log_error(&run->log, "%s %s", err->message, err->detail);
	return false;
}

/* How many of the finished jobs were still ours to complete. */
static void
completed(struct run *run, size_t n)
{
	if (n < run->nfinished)
		log_notice(&run->log, "%zu jobs: another worker has them", run->nfinished - n);
	run->nfinished = 0;
}

/* Completes what is finished and takes what comes next, in one round trip. */
static bool
take(struct run *run)
{
	const struct job_claim claim = { .queue = run->r->queue->name,
		.lease = run->r->lease,
		.lease_seconds = run->r->lease_seconds,
		.batch_kinds = run->batch_kinds,
		.finished = run->finished,
		.nfinished = run->nfinished };
	struct arena *arena = &run->held[++run->turn % 2];
	struct error err;
	size_t n;

	error_clear(&err);
	arena_reset(arena);
	if (!store_jobs_take(run->svc.db, arena, &claim, &run->jobs, &run->njobs, &n, &err))
		return trouble(run, &err);
	completed(run, n);
	return true;
}

/* At the end: completes what is finished and gives back what was not begun. */
static bool
let_go(struct run *run)
{
	struct error err;
	size_t n;

	error_clear(&err);
	if (run->nfinished > 0) {
		if (!store_jobs_done(run->svc.db, &run->arena, run->r->lease, run->finished,
			run->nfinished, &n, &err))
			return trouble(run, &err);
		completed(run, n);
	}
	return store_jobs_release(run->svc.db, &run->arena, run->r->lease, &err) ||
	    trouble(run, &err);
}

static bool
run_job(struct run *run, struct job *job)
{
	const struct job_kind *kind = job_kind_of(run->r->kinds, job);
	const struct call call = { .svc = &run->svc,
		.arena = &run->job_arena,
		.by = { &principal_nobody, .request_id = job->request_id } };
	enum job_end end;

	run->log.job_id = job->id;
	run->log.request_id = job->request_id;
	runner_mark_job(run->r->mark, job->id,
	    kind != NULL ? runner_timeout(run->r->config, kind) : RUNNER_TURN_SECONDS);
	end = job_execute(&call, &run->env, run->r->kinds, job);
	arena_reset(&run->job_arena);
	if (end == JOB_UNWRITTEN)
		return false;
	between_jobs(run);
	if (end == JOB_FINISHED)
		run->finished[run->nfinished++] = job->id;
	run->left -= run->left > 0;
	return true;
}

/* False: the end of one could not be written down. */
static bool
run_jobs(struct run *run)
{
	struct error err;

	error_clear(&err);
	/* The live settings may have changed. */
	if (!access_refresh(SYSTEM_CALL(&run->svc, &run->job_arena), NULL, &err))
		log_warn(&run->log, "%s", err.message);
	arena_reset(&run->job_arena);
	for (size_t i = 0; i < run->njobs && !stop; i++)
		if (!run_job(run, &run->jobs[i]))
			return false;
	return true;
}

/* Waits for a wake-up; false: there was none for too long, or the worker stops. */
static bool
wait_for_jobs(struct run *run)
{
	struct runner_mark *mark = run->r->mark;
	int64_t left = run->idle_at - clock_monotonic();
	struct timespec wait = { .tv_sec = left / US_PER_SEC, .tv_nsec = left % US_PER_SEC * 1000 };
	sigset_t blocked, none, before;
	bool woken;

	if (left <= 0)
		return false;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigemptyset(&none);
	atomic_store(&mark->until, 0);
	atomic_store(&mark->idle, true);
	woken = !stop && ppoll(NULL, 0, &wait, &none) < 0;
	atomic_store(&mark->idle, false);
	runner_mark_job(mark, NULL, RUNNER_TURN_SECONDS);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return woken && !stop;
}

static bool
may_go_on(const struct run *run)
{
	return run->r->queue->warm && !stop && run->left > 0 && clock_monotonic() < run->end_at;
}

/* True: nothing is held any more. */
static bool
loop(struct run *run)
{
	for (;;) {
		if (run->njobs > 0) {
			if (!run_jobs(run))
				return false;
			run->idle_at = clock_monotonic() + RUNNER_IDLE_SECONDS * US_PER_SEC;
		} else if (!wait_for_jobs(run)) {
			return let_go(run);
		}
		if (!may_go_on(run))
			return let_go(run);
		if (!take(run))
			return false;
	}
}

static void
take_signals(void)
{
	struct sigaction term = { .sa_handler = on_stop }, wake = { .sa_handler = on_wake };
	sigset_t wakes;

	sigaction(SIGTERM, &term, NULL);
	sigaction(SIGUSR1, &wake, NULL);
	/* from a terminal it reaches the supervisor too, which passes it on */
	signal(SIGINT, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	/* A wake-up that comes too early waits for the wait. */
	sigemptyset(&wakes);
	sigaddset(&wakes, SIGUSR1);
	sigprocmask(SIG_SETMASK, &wakes, NULL);
}

/* The soft limit only: the sandbox's may be higher. */
static void
limit_memory(void)
{
#ifndef MN_SANITIZERS /* shadow memory is address space by the terabyte */
	struct rlimit r;

	if (getrlimit(RLIMIT_AS, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max < RUNNER_MEMORY ? r.rlim_max : RUNNER_MEMORY;
	setrlimit(RLIMIT_AS, &r);
#endif
}

int
runner_run(const struct runner *r)
{
	static struct run run;
	struct error err;
	bool ok;

	take_signals();
	limit_memory();
	run = (struct run) { .r = r,
		.env = { .sandbox = r->sandbox, .gate = &r->gate, .stop = &stop },
		.log = *r->log,
		.jobs = r->jobs,
		.njobs = r->njobs,
		.end_at = clock_monotonic() + RUNNER_SECONDS * US_PER_SEC,
		.left = RUNNER_JOBS };
	error_clear(&err);
	if (!services_init(&run.svc, r->config, &run.log, SERVICES_WORKER, &err)) {
		log_error(&run.log, "%s", err.message);
		return EX_TEMPFAIL;
	}
	arena_init(&run.arena);
	arena_init(&run.job_arena);
	arena_init(&run.held[0]);
	arena_init(&run.held[1]);
	run.batch_kinds = runner_batch_kinds(&run.arena, r->kinds, r->queue);
	ok = loop(&run);
	services_clear(&run.svc);
	return ok ? 0 : EX_TEMPFAIL;
}
