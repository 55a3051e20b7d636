#include "service/processing/bumps.h"
#include "service/processing/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/manager.h"
#include "core/str.h"
#include "service/call.h"
#include "service/processing/job_run.h"
#include "service/processing/runner.h"
#include "service/processing/sampler.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

/* One child: a runner. */
struct place {
	pid_t pid; /* 0: free */
	enum job_queue_id queue;
	char lease[UUID_TEXT]; /* of all that it holds */
	struct arena arena;    /* holds the jobs that it begins with */
	struct job *jobs;
	size_t njobs;
	struct runner_mark *mark; /* shared with the runner */
	bool overdue;             /* it was killed for that */
	bool lost; /* another worker has its job, whose end is not ours to write down */
};

struct supervisor {
	struct worker *w;
	struct services svc;
	struct arena arena; /* of one turn of the loop */
	struct arena forever;
	struct place places[WORKER_PLACES_MAX];
	const char *batch_kinds[JOB_QUEUES];
	bool look[JOB_QUEUES]; /* something may be due there */
	int lease;             /* seconds */
	int gate;              /* the file of struct gate */
	struct bumps bumps;
	struct sampler sampler;
	int64_t next_heartbeat, next_ensure, next_look, kill_at;
	bool away; /* the database, as last logged */
};

/* A failure of the database is logged when it begins, and once more when it is over. */
static bool
reachable(struct supervisor *s, bool ok, const struct error *err)
{
	/* A database that is slow, or a table that is locked, must not look like a hang. */
	manager_alive();
	if (!ok && !s->away)
		log_error(s->w->log, "%s %s", err->message, err->detail);
	else if (ok && s->away)
		log_notice(s->w->log, "the database is back");
	s->away = !ok;
	return ok;
}

static struct place *
free_place(struct supervisor *s)
{
	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		if (s->places[i].pid == 0)
			return &s->places[i];
	return NULL;
}

static int
running(const struct supervisor *s, enum job_queue_id queue)
{
	int n = 0;

	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		n += s->places[i].pid != 0 && s->places[i].queue == queue;
	return n;
}

static int
concurrency(const struct supervisor *s, const struct job_queue *q)
{
	return q->concurrency_setting == JOB_NO_SETTING ?
	    q->concurrency :
	    (int)config_int(s->w->config, (enum config_key)q->concurrency_setting);
}

/* In the child: gone with its parent, on connections of its own. */
static void
child(struct supervisor *s, const struct place *p, pid_t parent)
{
	const struct runner runner = { .config = s->w->config,
		.log = s->w->log,
		.sandbox = s->w->sandbox,
		.kinds = s->w->kinds,
		.queue = &job_queues[p->queue],
		.gate = { s->gate, (int)p->queue * GATE_WIDTH,
		    concurrency(s, &job_queues[p->queue]) },
		.lease = p->lease,
		.lease_seconds = s->lease,
		.mark = p->mark,
		.jobs = p->jobs,
		.njobs = p->njobs };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	if (runner.queue->niceness > 0)
		(void)setpriority(PRIO_PROCESS, 0, runner.queue->niceness);
	/*
	 * The supervisor's connection is not to be spoken on; closing the copy of its descriptor
	 * does it no harm.
	 */
	if (db_socket(s->svc.db) >= 0)
		close(db_socket(s->svc.db));
	_exit(runner_run(&runner));
}

static bool
start(struct supervisor *s, struct place *p)
{
	pid_t parent = getpid(), pid;

	/* Whatever ends the process before it comes to its first job counts as an attempt at it. */
	runner_mark_job(p->mark, p->jobs[0].id, RUNNER_TURN_SECONDS);
	atomic_store(&p->mark->idle, false);
	pid = fork();
	if (pid == 0)
		child(s, p, parent);
	if (pid < 0) {
		log_error(s->w->log, "no process could be started: %s", strerror(errno));
		return false;
	}
	p->pid = pid;
	p->lost = p->overdue = false;
	return true;
}

/*
 * Idle runners of a queue look for themselves; false: there is none. The others are told too: one
 * may have found nothing this moment and be about to idle.
 */
static bool
wake_idle(struct supervisor *s, enum job_queue_id queue)
{
	bool any = false;

	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++)
		if (p->pid != 0 && p->queue == queue) {
			any = atomic_load(&p->mark->idle) || any;
			kill(p->pid, SIGUSR1);
		}
	return any;
}

/* Takes for a new runner what it begins with; false: the database is away. */
static bool
take(struct supervisor *s, struct place *p, enum job_queue_id queue)
{
	const struct job_claim claim = { .queue = job_queues[queue].name,
		.lease = p->lease,
		.lease_seconds = s->lease,
		.batch_kinds = s->batch_kinds[queue] };
	struct error err;

	error_clear(&err);
	arena_reset(&p->arena);
	p->queue = queue;
	uuid_v7(p->lease);
	return reachable(s,
	    store_jobs_take(s->svc.db, &p->arena, &claim, &p->jobs, &p->njobs, NULL, &err), &err);
}

/* Has what is due run; false: the database is away. */
static bool
fill_queue(struct supervisor *s, enum job_queue_id queue)
{
	struct place *p;
	struct error err;

	if (!s->look[queue])
		return true;
	s->look[queue] = false;
	if (job_queues[queue].warm && wake_idle(s, queue))
		return true;
	while (running(s, queue) < concurrency(s, &job_queues[queue]) + job_queues[queue].ahead &&
	    (p = free_place(s)) != NULL) {
		if (!take(s, p, queue))
			return false;
		if (p->njobs == 0)
			return true;
		if (!start(s, p)) {
			store_jobs_release(s->svc.db, &s->arena, p->lease, &err);
			return true;
		}
	}
	return true;
}

static void
look_everywhere(struct supervisor *s)
{
	for (int q = 0; q < JOB_QUEUES; q++)
		s->look[q] = true;
	s->next_look = clock_monotonic() + config_int(s->w->config, CFG_WORKER_POLL) * US_PER_MS;
}

/* Each periodic job is there, and as this program's table has it. */
static void
ensure_periodic(struct supervisor *s)
{
	struct job_periodic *jobs;
	struct error err;
	size_t n = 0;

	if (clock_monotonic() < s->next_ensure)
		return;
	for (const struct job_kind *k = s->w->kinds; k->kind != NULL; k++)
		n += k->every_s > 0;
	jobs = arena_array(&s->arena, n + 1, sizeof(*jobs));
	n = 0;
	for (const struct job_kind *k = s->w->kinds; k->kind != NULL; k++)
		if (k->every_s > 0)
			jobs[n++] = (struct job_periodic) { k->kind, job_queues[k->queue].name,
				k->attempts, k->every_s };
	error_clear(&err);
	if (!reachable(s,
		store_jobs_ensure(s->svc.db, &s->arena, jobs, n,
		    (int)config_int(s->svc.config, CFG_WORKER_LEASE), &err),
		&err))
		return;
	s->next_ensure = clock_monotonic() + WORKER_ENSURE_SECONDS * US_PER_SEC;
	look_everywhere(s);
}

static void
take_sample(struct supervisor *s)
{
	struct error err;

	if (clock_monotonic() < s->sampler.due)
		return;
	error_clear(&err);
	if (reachable(s, sampler_run(&s->sampler, SYSTEM_CALL(&s->svc, &s->arena), &err), &err))
		s->sampler.due =
		    clock_monotonic() + config_int(s->w->config, CFG_METRICS_INTERVAL) * US_PER_SEC;
}

static const char *
how_it_ended(struct supervisor *s, const struct place *p, int status)
{
	if (p->overdue)
		return "the job took longer than it may and was stopped";
	if (WIFSIGNALED(status))
		return arena_printf(&s->arena, "the process of the job was ended by signal %d",
		    WTERMSIG(status));
	return arena_printf(&s->arena, "the process of the job ended with status %d",
	    WEXITSTATUS(status));
}

/* The job that was being run has failed, unless its end was written down before. */
static bool
record_last(struct supervisor *s, const struct place *p, const char *how, struct error *err)
{
	struct job job;

	if (p->mark->job_id[0] == '\0')
		return true;
	if (!store_job_held(s->svc.db, &s->arena, p->mark->job_id, p->lease, &job, err))
		return false;
	return job.id == NULL ||
	    job_record_failure(SYSTEM_CALL(&s->svc, &s->arena), s->w->kinds, &job, how, err) ||
	    str_eq(error_slug_of(err), "lease_lost");
}

/* What a runner left undone is done for it; should that fail, the lease runs out by itself. */
static void
ended(struct supervisor *s, struct place *p, int status)
{
	const char *how = how_it_ended(s, p, status);
	struct error err;

	manager_alive(); /* several may end at once, each with its statements */
	p->pid = 0;
	s->look[p->queue] = true;
	scratch_remove(scratch_path(s->w->config, &s->arena, p->lease), s->w->log);
	if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || p->lost)
		return;
	log_error(s->w->log, "%s %s: %s", job_queues[p->queue].name, p->mark->job_id, how);
	error_clear(&err);
	if ((!*s->w->stop && !record_last(s, p, how, &err)) ||
	    !store_jobs_release(s->svc.db, &s->arena, p->lease, &err))
		reachable(s, false, &err);
}

static void
reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
			if (s->places[i].pid == pid)
				ended(s, &s->places[i], status);
}

static bool
holds_any(struct strings alive, const char *lease)
{
	for (size_t i = 0; i < alive.n; i++)
		if (str_eq(alive.items[i], lease))
			return true;
	return false;
}

static void
heartbeats(struct supervisor *s)
{
	const char *leases[WORKER_PLACES_MAX];
	struct strings alive;
	struct error err;
	size_t n = 0;

	if (clock_monotonic() < s->next_heartbeat)
		return;
	s->next_heartbeat = clock_monotonic() + s->lease * US_PER_SEC / WORKER_HEARTBEATS;
	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++)
		if (p->pid != 0 && !p->lost && !atomic_load(&p->mark->idle))
			leases[n++] = p->lease;
	if (n == 0)
		return;
	error_clear(&err);
	if (!reachable(s,
		store_jobs_heartbeat(s->svc.db, &s->arena, (struct strings) { leases, n }, s->lease,
		    &alive, &err),
		&err))
		return;
	/*
	 * One whose only job is not its own any more has completed it this moment, or it was taken
	 * over: then two must not work on it. A runner that takes many finds out by itself.
	 */
	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++)
		if (p->pid != 0 && !job_queues[p->queue].warm && !p->lost &&
		    !holds_any(alive, p->lease)) {
			p->lost = true;
			kill(p->pid, SIGTERM);
		}
}

static void
overdue(struct supervisor *s)
{
	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++) {
		int64_t until = p->pid != 0 ? atomic_load(&p->mark->until) : 0;

		if (until == 0 || clock_monotonic() < until)
			continue;
		p->overdue = true;
		kill(p->pid, SIGKILL);
	}
}

static void
drain_notifications(struct supervisor *s)
{
	const char *channel, *payload;

	while ((channel = db_notification(s->svc.db, &s->arena, &payload)) != NULL) {
		if (str_eq(channel, "mn_catalogue"))
			bumps_scope(&s->bumps, payload);
		else if (str_eq(channel, "mn_config"))
			bumps_config(&s->bumps);
		else
			for (int q = 0; q < JOB_QUEUES; q++)
				s->look[q] = s->look[q] || str_eq(job_queues[q].name, payload);
	}
}

static bool
listen_again(struct supervisor *s)
{
	struct error err;

	if (db_connected(s->svc.db))
		return true;
	error_clear(&err);
	if (!reachable(s,
		db_script(s->svc.db, "LISTEN mn_jobs; LISTEN mn_catalogue; LISTEN mn_config", &err),
		&err))
		return false;
	bumps_missed(&s->bumps);
	look_everywhere(s);
	return true;
}

/* Monotonic time at which something has to be done even if nothing happens. */
static int64_t
due_at(const struct supervisor *s)
{
	int64_t due = s->next_heartbeat < s->next_look ? s->next_heartbeat : s->next_look;

	if (s->sampler.due < due)
		due = s->sampler.due;
	if (bumps_pending(&s->bumps) && s->bumps.next < due)
		due = s->bumps.next;
	for (const struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++) {
		int64_t until = p->pid != 0 ? atomic_load(&p->mark->until) : 0;

		if (until != 0 && until < due)
			due = until;
	}
	return due;
}

/* Until something happens or something is due. */
static void
wait_for_work(struct supervisor *s, bool connected)
{
	struct pollfd fd = { .fd = connected ? db_socket(s->svc.db) : -1, .events = POLLIN };
	int64_t ms = connected ? (due_at(s) - clock_monotonic()) / US_PER_MS + 1 : WORKER_RETRY_MS;
	struct timespec wait;

	if (ms > manager_patience_ms())
		ms = manager_patience_ms();
	if (ms < 1)
		ms = 1;
	wait.tv_sec = ms / 1000;
	wait.tv_nsec = ms % 1000 * 1000000;
	ppoll(&fd, 1, &wait, &s->w->waiting);
}

/* True when nothing is left running. */
static bool
wind_down(struct supervisor *s)
{
	bool first = s->kill_at == 0, late, empty = true;

	if (first)
		s->kill_at = clock_monotonic() + WORKER_GRACE * US_PER_SEC;
	late = clock_monotonic() > s->kill_at;
	for (size_t i = 0; i < WORKER_PLACES_MAX; i++) {
		if (s->places[i].pid == 0)
			continue;
		empty = false;
		if (first || late)
			kill(s->places[i].pid, late ? SIGKILL : SIGTERM);
	}
	return empty;
}

static void
turn(struct supervisor *s)
{
	bool connected = listen_again(s);

	if (connected) {
		drain_notifications(s);
		heartbeats(s);
	}
	overdue(s);
	if (!*s->w->stop && connected) {
		ensure_periodic(s);
		take_sample(s);
		if (clock_monotonic() >= s->next_look)
			look_everywhere(s);
		for (int q = 0; connected && q < JOB_QUEUES; q++)
			connected = fill_queue(s, q);
	}
	if (connected)
		drain_notifications(s);
	bumps_push(&s->bumps, SYSTEM_CALL(&s->svc, &s->arena));
	wait_for_work(s, connected);
	reap(s);
	arena_reset(&s->arena);
}

/* Marks that runners write to and the supervisor reads; false: there is no memory. */
static bool
share_marks(struct supervisor *s)
{
	struct runner_mark *marks = mmap(NULL, WORKER_PLACES_MAX * sizeof(*marks),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (marks == MAP_FAILED)
		return false;
	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		s->places[i].mark = &marks[i];
	return true;
}

int
worker_run(struct worker *w)
{
	static struct supervisor s;
	struct error err;

	memset(&s, 0, sizeof(s));
	s.w = w;
	s.lease = (int)config_int(w->config, CFG_WORKER_LEASE);
	arena_init(&s.arena);
	arena_init(&s.forever);
	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		arena_init(&s.places[i].arena);
	for (int q = 0; q < JOB_QUEUES; q++)
		s.batch_kinds[q] = runner_batch_kinds(&s.forever, w->kinds, &job_queues[q]);
	sampler_init(&s.sampler, &s.forever);
	error_clear(&err);
	s.gate = gate_open();
	if (s.gate < 0 || !share_marks(&s)) {
		log_crit(w->log, "no shared memory: %s", strerror(errno));
		return EX_OSERR;
	}
	if (!services_init(&s.svc, w->config, (struct log *)(uintptr_t)w->log, SERVICES_WORKER,
		&err)) {
		log_crit(w->log, "%s", err.message);
		return EX_CONFIG;
	}
	manager_ready();
	while (!*w->stop || !wind_down(&s)) {
		manager_alive();
		turn(&s);
	}
	services_clear(&s.svc);
	return 0;
}
