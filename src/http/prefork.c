#include "http/prefork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "http/crew.h"
#include "core/banned.h"

#define BACKOFF_FIRST_MS 50
#define YOUNG_MS 1000 /* a worker that fails sooner has failed at its start: back off */
/* after this time a new worker counts as healthy, and an old one is stopped */
#define SETTLE_MS 200
#define TICK_MS 50        /* while a roll or a drain is under way */
#define SLEEP_MS 60000    /* else: until a signal */
#define LISTEN_FD_FIRST 3 /* sd_listen_fds(3) */
#define LOCK_PATH_MAX 4096

struct worker {
	pid_t pid;
	unsigned generation;
	int64_t started; /* us, monotonic */
	int64_t kill_at; /* us, once told to stop; 0: serving */
};

struct master {
	const struct prefork *cfg;
	int listen_fd, lock_fd;
	bool inherited;
	struct worker workers[PREFORK_SLOTS];
	struct crew *crew;   /* or NULL */
	unsigned generation; /* SIGHUP makes a new one */
	int rolled;          /* how many served when it did */
	int64_t spawn_after; /* us; back-off */
	int backoff_ms;
	bool stopping;
};

/* How many sockets were handed to this process, or to the one that it was forked from. */
static int ninherited;

void
prefork_inherit(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t n;

	if (pid == NULL || fds == NULL || !str_to_int(pid, 1, INT32_MAX, &n) || n != getpid() ||
	    !str_to_int(fds, 1, PREFORK_INHERIT_MAX, &n))
		return;
	ninherited = (int)n;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	for (int i = 0; i < ninherited; i++)
		fcntl(LISTEN_FD_FIRST + i, F_SETFD, FD_CLOEXEC);
}

/* The inherited socket that is bound to this path; -1: none. */
static int
inherited_fd(const char *path)
{
	for (int fd = LISTEN_FD_FIRST; fd < LISTEN_FD_FIRST + ninherited; fd++) {
		struct sockaddr_un address = { .sun_family = AF_UNSPEC };
		socklen_t len = sizeof(address) - 1;

		if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
		    address.sun_family == AF_UNIX && str_eq(address.sun_path, path) &&
		    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
			return fd;
	}
	return -1;
}

/*
 * The lock shows that a master is alive: fcntl(2) locks end with their process and workers do not
 * inherit them.
 */
static int
lock_socket(struct master *m)
{
	char path[RUN_PATH_MAX];

	snprintf(path, sizeof(path), "%s.lock", m->cfg->socket_path);
	switch (run_lock(path, 0600, &m->lock_fd)) {
	case RUN_LOCK_TAKEN: return 0;
	case RUN_LOCK_BUSY:
		log_crit(m->cfg->log, "another master process already uses %s",
		    m->cfg->socket_path);
		return EX_TEMPFAIL;
	case RUN_LOCK_FAILED:
	default:
		log_crit(m->cfg->log, "cannot open %s: %s", path, strerror(errno));
		return EX_CONFIG;
	}
}

static int
open_socket(struct master *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = m->cfg->socket_path;
	struct error err;
	mode_t mask;
	bool ok;

	if (str_copy(address.sun_path, sizeof(address.sun_path), path) >=
	    sizeof(address.sun_path)) {
		log_crit(m->cfg->log, "socket path %s is longer than %zu bytes", path,
		    sizeof(address.sun_path) - 1);
		return EX_CONFIG;
	}
	m->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path); /* we hold the lock, so nobody listens there */
	mask = umask(0177);
	ok = m->listen_fd >= 0 &&
	    bind(m->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(mask);
	if (!ok || listen(m->listen_fd, PREFORK_BACKLOG) != 0) {
		log_crit(m->cfg->log, "cannot listen on %s: %s", path, strerror(errno));
		return EX_CONFIG;
	}
	if (!run_socket_grant(path, m->cfg->socket_group != NULL ? m->cfg->socket_group : "",
		&err)) {
		log_crit(m->cfg->log, "%s", err.message);
		return EX_CONFIG;
	}
	return 0;
}

static bool
write_pid(const struct prefork *cfg)
{
	if (cfg->pid_path == NULL || run_pid_write(cfg->pid_path, -1))
		return true;
	log_crit(cfg->log, "cannot write %s: %s", cfg->pid_path, strerror(errno));
	return false;
}

void
prefork_signals(sigset_t *set)
{
	static const int wanted[] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1 };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(set, wanted[i]);
}

/*
 * In the child: SIGTERM stays blocked (fcgi.c unblocks it while it waits), other signals get their
 * defaults.
 */
static _Noreturn void
worker_main(struct master *m, int slot, pid_t master_pid)
{
	sigset_t blocked;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != master_pid)
		_exit(EX_TEMPFAIL);
	close(m->lock_fd);
	metric_gauge_add(METRIC_POOL_WORKERS, LABELS(metric_label(LABEL_POOL, m->cfg->log->pool)),
	    1);
	crew_join(m->crew, slot);
	/* ^C goes to every process of the terminal: only the master acts on it */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	exit(m->cfg->run(m->cfg->context, m->listen_fd));
}

static void
backoff(struct master *m, int64_t now)
{
	m->backoff_ms = m->backoff_ms == 0 ? BACKOFF_FIRST_MS : m->backoff_ms * 2;
	if (m->backoff_ms > PREFORK_BACKOFF_MAX_MS)
		m->backoff_ms = PREFORK_BACKOFF_MAX_MS;
	m->spawn_after = now + m->backoff_ms * US_PER_MS;
}

static void
spawn(struct master *m, int64_t now)
{
	pid_t self = getpid(), pid;
	struct worker *slot = m->workers;

	while (slot < m->workers + PREFORK_SLOTS && slot->pid != 0)
		slot++;
	if (slot == m->workers + PREFORK_SLOTS)
		return;
	pid = fork();
	if (pid == 0)
		worker_main(m, (int)(slot - m->workers), self);
	if (pid < 0) {
		log_error(m->cfg->log, "cannot fork: %s", strerror(errno));
		backoff(m, now);
		return;
	}
	*slot = (struct worker) { .pid = pid, .generation = m->generation, .started = now };
}

static void
worker_gone(struct master *m, struct worker *w, int status, int64_t now)
{
	bool young = now - w->started < YOUNG_MS * US_PER_MS;
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	bool full = WIFEXITED(status) && WEXITSTATUS(status) == PREFORK_EXIT_MEMORY;
	bool failed = !full && (WIFSIGNALED(status) || WEXITSTATUS(status) != 0);

	if (full)
		log_warn(m->cfg->log,
		    "worker %d ended: its request took more memory than is allowed", (int)w->pid);
	if (failed && w->kill_at == 0)
		log_error(m->cfg->log, "worker %d ended by %s %d", (int)w->pid,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	/* A kill -9 from outside says nothing about the next worker; an early failure does. */
	if (failed && young && !killed && w->kill_at == 0)
		backoff(m, now);
	else if (!young)
		m->backoff_ms = 0;
	metric_add(METRIC_POOL_ENDED,
	    LABELS(metric_label(LABEL_POOL, m->cfg->log->pool),
		full       ? VALUE_WORKER_MEMORY :
		    failed ? VALUE_WORKER_FAILED :
			     VALUE_WORKER_REPLACED),
	    1);
	crew_gone(m->crew, (int)(w - m->workers));
	*w = (struct worker) { .pid = 0 };
}

static void
reap(struct master *m, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (struct worker *w = m->workers; w < m->workers + PREFORK_SLOTS; w++) {
			if (w->pid == pid) {
				worker_gone(m, w, status, now);
				break;
			}
		}
	}
}

static void
stop_worker(struct worker *w, int64_t now)
{
	kill(w->pid, SIGTERM);
	w->kill_at = now + PREFORK_DRAIN_MS * US_PER_MS;
}

static void
kill_overdue(struct master *m, int64_t now)
{
	for (struct worker *w = m->workers; w < m->workers + PREFORK_SLOTS; w++) {
		if (w->pid != 0 && w->kill_at != 0 && now >= w->kill_at) {
			log_warn(m->cfg->log, "worker %d did not finish in %d ms", (int)w->pid,
			    PREFORK_DRAIN_MS);
			kill(w->pid, SIGKILL);
			w->kill_at = now + PREFORK_DRAIN_MS * US_PER_MS;
		}
	}
}

struct census {
	int serving, leaving;
	int64_t youngest;   /* start of the newest serving worker */
	struct worker *old; /* a serving worker of an older generation */
};

static struct census
take_census(struct master *m)
{
	struct census c = { .serving = 0 };

	for (struct worker *w = m->workers; w < m->workers + PREFORK_SLOTS; w++) {
		if (w->pid == 0)
			continue;
		if (w->kill_at != 0) {
			c.leaving++;
			continue;
		}
		c.serving++;
		if (w->started > c.youngest)
			c.youngest = w->started;
		if (w->generation != m->generation)
			c.old = w;
	}
	return c;
}

/*
 * Starts and stops workers until the pool has the right ones. While workers are being replaced
 * there is one more than usual: an old worker is stopped only after a new one has lived SETTLE_MS,
 * so capacity never drops, even if new workers cannot start. A pool that has grown stays as large
 * until all are replaced.
 */
static void
tend(struct master *m, int64_t now)
{
	struct census c = take_census(m);
	int least = c.old != NULL && m->rolled > m->cfg->workers ? m->rolled : m->cfg->workers;
	int wanted = least + (c.old != NULL && c.leaving == 0 ? 1 : 0);

	crew_count(m->crew, c.serving);
	if (crew_wants_more(m->crew) && wanted <= c.serving)
		wanted = c.serving + 1;
	while (c.serving < wanted && now >= m->spawn_after) {
		spawn(m, now);
		c.serving++;
		c.youngest = now;
	}
	crew_count(m->crew, c.serving);
	if (c.old != NULL && c.leaving == 0 && c.serving > least &&
	    now - c.youngest >= SETTLE_MS * US_PER_MS)
		stop_worker(c.old, now);
}

static void
drain(struct master *m, int64_t now)
{
	m->stopping = true;
	for (struct worker *w = m->workers; w < m->workers + PREFORK_SLOTS; w++) {
		if (w->pid != 0 && w->kill_at == 0)
			stop_worker(w, now);
	}
}

static void
roll(struct master *m)
{
	struct census c = take_census(m);

	log_notice(m->cfg->log, "replacing the workers one by one");
	if (c.old == NULL)
		m->rolled = c.serving;
	m->generation++;
}

static bool
busy(struct master *m, int64_t now)
{
	struct census c = take_census(m);

	return c.old != NULL || c.leaving > 0 || c.serving < m->cfg->workers ||
	    now < m->spawn_after;
}

static void
run_master(struct master *m)
{
	sigset_t set;

	prefork_signals(&set);
	for (;;) {
		int64_t now = clock_monotonic();
		int wait_ms;
		int sig;

		reap(m, now);
		kill_overdue(m, now);
		if (m->stopping && take_census(m).leaving == 0)
			return;
		if (!m->stopping)
			tend(m, now);
		wait_ms = m->stopping || busy(m, now) ? TICK_MS : SLEEP_MS;
		sig = sigtimedwait(&set, NULL,
		    &(struct timespec) {
			.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L });
		if (sig == SIGHUP)
			roll(m);
		else if (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT)
			drain(m, clock_monotonic());
	}
}

static int
start(struct master *m)
{
	sigset_t set;
	int status;

	prefork_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	if ((status = lock_socket(m)) != 0)
		return status;
	m->listen_fd = inherited_fd(m->cfg->socket_path);
	m->inherited = m->listen_fd >= 0;
	if (!m->inherited && (status = open_socket(m)) != 0)
		return status;
	return write_pid(m->cfg) ? 0 : EX_CANTCREAT;
}

int
prefork_run(const struct prefork *cfg)
{
	struct master *m = calloc(1, sizeof(*m));
	int status;

	if (m == NULL)
		return EX_OSERR;
	m->cfg = cfg;
	m->crew = crew_new(cfg->workers, cfg->workers_max);
	status = start(m);
	if (status == 0) {
		log_notice(cfg->log, "%d workers on %s", cfg->workers, cfg->socket_path);
		run_master(m);
		log_notice(cfg->log, "stopped");
		if (!m->inherited)
			unlink(cfg->socket_path);
		if (cfg->pid_path != NULL)
			unlink(cfg->pid_path);
	}
	crew_free(m->crew);
	free(m);
	return status;
}
