#include "service/processing/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/access.h"
#include "service/gate/cache.h"
#include "service/processing/housekeeping.h"
#include "service/processing/runner.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_jobs.h"

#include "core/banned.h"

/* One child: a job, or housekeeping (queue -1). */
struct place {
	pid_t pid; /* 0: free */
	int queue;
	struct arena arena; /* holds the job's texts */
	struct job job;
	int64_t until;
	bool lost; /* another worker has the job: its end is not ours to write down */
};

struct supervisor {
	struct worker *w;
	struct services svc;
	struct arena arena; /* of one turn of the loop */
	struct place places[WORKER_PLACES_MAX];
	int lease; /* seconds */
	int64_t next_heartbeat, next_housekeeping, kill_at;
	unsigned rounds;
	bool away; /* the database, as last logged */
};

static volatile sig_atomic_t child_stop;

static void
on_child_stop(int sig)
{
	child_stop = 1;
}

/* A failure of the database is logged when it begins, and once more when it is over. */
static bool
reachable(struct supervisor *s, bool ok, const struct error *err)
{
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
running(const struct supervisor *s, int queue)
{
	int n = 0;

	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		n += s->places[i].pid != 0 && s->places[i].queue == queue;
	return n;
}

static int
concurrency(const struct supervisor *s, const struct job_queue *q)
{
	return q->concurrency_key < 0 ?
	    q->concurrency :
	    (int)config_int(s->w->config, (enum config_key)q->concurrency_key);
}

/* In the child: its own connections, its own log context, gone with its parent. */
static void
child(struct supervisor *s, const struct job *job, pid_t parent)
{
	struct log log = *s->w->log;
	struct job_env env = { .sandbox = s->w->sandbox, .stop = &child_stop };
	struct sigaction stop = { .sa_handler = on_child_stop };
	struct services svc;
	struct arena arena;
	struct error err;
	sigset_t none;
	bool ok;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	sigaction(SIGTERM, &stop, NULL);
	/* from a terminal it reaches the supervisor too, which passes it on */
	signal(SIGINT, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/*
	 * The supervisor's connection is not to be spoken on; closing the copy of its descriptor
	 * does it no harm.
	 */
	if (db_socket(s->svc.db) >= 0)
		close(db_socket(s->svc.db));
	error_clear(&err);
	if (job != NULL) {
		log.job_id = job->id;
		log.request_id = job->request_id;
	}
	if (!services_init(&svc, s->w->config, &log, SERVICES_WORKER, &err)) {
		log_error(&log, "%s", err.message);
		_exit(EX_TEMPFAIL);
	}
	arena_init(&arena);
	if (!access_refresh(SYSTEM_CALL(&svc, &arena), NULL, &err)) /* the live settings */
		log_warn(&log, "%s", err.message);
	arena_clear(&arena);
	if (job == NULL) {
		housekeeping_run(&svc, s->rounds % HOUSEKEEPING_THOROUGH == 0);
		ok = true;
	} else {
		ok = job_execute(&svc, &env, job);
	}
	services_clear(&svc);
	_exit(ok ? 0 : EX_TEMPFAIL);
}

static bool
start(struct supervisor *s, struct place *p, int queue, int seconds)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		child(s, queue >= 0 ? &p->job : NULL, parent);
	if (pid < 0) {
		log_error(s->w->log, "no process could be started: %s", strerror(errno));
		return false;
	}
	p->pid = pid;
	p->queue = queue;
	p->lost = false;
	p->until = clock_monotonic() + seconds * US_PER_SEC;
	return true;
}

/* Takes what is due; false: the database is away. */
static bool
fill_queue(struct supervisor *s, int queue)
{
	const struct job_queue *q = &job_queues[queue];
	struct place *p;
	struct error err;

	while (running(s, queue) < concurrency(s, q) && (p = free_place(s)) != NULL) {
		error_clear(&err);
		arena_reset(&p->arena);
		if (!reachable(s,
			store_job_take(s->svc.db, &p->arena, q->name, s->lease, &p->job, &err),
			&err))
			return false;
		if (p->job.id == NULL)
			return true;
		if (!start(s, p, queue,
			(int)config_int(s->w->config, CFG_MEDIA_TIMEOUT) + WORKER_TRANSFER)) {
			store_job_release(s->svc.db, &p->arena, &p->job, &err);
			return true;
		}
	}
	return true;
}

static void
housekeep(struct supervisor *s)
{
	struct place *p;

	if (clock_monotonic() < s->next_housekeeping || running(s, -1) > 0 ||
	    (p = free_place(s)) == NULL)
		return;
	s->next_housekeeping = clock_monotonic() + HOUSEKEEPING_SECONDS * US_PER_SEC;
	if (start(s, p, -1, HOUSEKEEPING_SECONDS_MAX))
		s->rounds++;
}

/* What a child left undone is done for it; should that fail, the lease runs out by itself. */
static void
ended(struct supervisor *s, struct place *p, int status)
{
	const char *how;
	struct error err;
	bool stopping = *s->w->stop;

	p->pid = 0;
	if (p->queue < 0)
		return;
	scratch_remove(scratch_path(s->w->config, &s->arena, p->job.lease));
	if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || p->lost)
		return;
	how = WIFSIGNALED(status) ?
	    arena_printf(&s->arena, "the process of the job was ended by signal %d",
		WTERMSIG(status)) :
	    arena_printf(&s->arena, "the process of the job ended with status %d",
		WEXITSTATUS(status));
	log_error(s->w->log, "%s %s: %s", p->job.kind, p->job.id, how);
	error_clear(&err);
	if (!(stopping ? store_job_release(s->svc.db, &s->arena, &p->job, &err) :
			 job_record_failure(SYSTEM_CALL(&s->svc, &s->arena), &p->job, how, &err)) &&
	    !str_eq(error_slug_of(&err), "lease_lost"))
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

static void
heartbeats(struct supervisor *s)
{
	struct error err;

	if (clock_monotonic() < s->next_heartbeat)
		return;
	s->next_heartbeat = clock_monotonic() + s->lease * US_PER_SEC / WORKER_HEARTBEATS;
	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++) {
		if (p->pid == 0 || p->queue < 0 || p->lost)
			continue;
		error_clear(&err);
		if (store_job_heartbeat(s->svc.db, &s->arena, &p->job, s->lease, &err))
			continue;
		if (!str_eq(error_slug_of(&err), "lease_lost")) {
			reachable(s, false, &err);
			return;
		}
		/*
		 * Completed this moment, or taken over: then two must not work on it. A child that
		 * has just finished is past caring.
		 */
		p->lost = true;
		kill(p->pid, SIGTERM);
	}
}

static void
overdue(struct supervisor *s)
{
	for (struct place *p = s->places; p < s->places + WORKER_PLACES_MAX; p++)
		if (p->pid != 0 && clock_monotonic() > p->until)
			kill(p->pid, SIGKILL);
}

static void
drain_notifications(struct supervisor *s)
{
	const char *channel, *payload;

	while ((channel = db_notification(s->svc.db, &s->arena, &payload)) != NULL)
		if (str_eq(channel, "mn_catalogue"))
			cache_bump(SYSTEM_CALL(&s->svc, &s->arena), payload);
}

static bool
listen_again(struct supervisor *s)
{
	struct error err;

	if (db_connected(s->svc.db))
		return true;
	error_clear(&err);
	return reachable(s, db_script(s->svc.db, "LISTEN mn_jobs; LISTEN mn_catalogue", &err),
	    &err);
}

/* Until something happens or something is due. */
static void
wait_for_work(struct supervisor *s, bool connected)
{
	struct pollfd fd = { .fd = connected ? db_socket(s->svc.db) : -1, .events = POLLIN };
	int64_t ms = connected ? config_int(s->w->config, CFG_WORKER_POLL) : WORKER_RETRY_MS,
		due = (s->next_heartbeat - clock_monotonic()) / US_PER_MS;
	struct timespec wait;

	if (due < 1)
		due = 1;
	if (due < ms)
		ms = due;
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
	if (!*s->w->stop) {
		for (int q = 0; connected && job_queues[q].name != NULL; q++)
			connected = fill_queue(s, q);
		if (connected)
			housekeep(s);
	}
	if (connected)
		drain_notifications(s);
	wait_for_work(s, connected);
	reap(s);
	arena_reset(&s->arena);
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
	for (size_t i = 0; i < WORKER_PLACES_MAX; i++)
		arena_init(&s.places[i].arena);
	error_clear(&err);
	if (!services_init(&s.svc, w->config, (struct log *)(uintptr_t)w->log, SERVICES_WORKER,
		&err)) {
		log_crit(w->log, "%s", err.message);
		return EX_CONFIG;
	}
	while (!*w->stop || !wind_down(&s))
		turn(&s);
	services_clear(&s.svc);
	return 0;
}
