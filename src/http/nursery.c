#include "http/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/run_dir.h"
#include "http/prefork.h"
#include "core/banned.h"

#define BACKOFF_FIRST_MS 100
#define LIVED_WELL_MS 5000 /* a master that ends later starts again at once */
#define TICK_MS 50         /* while a master waits for its start or its end */
#define SLEEP_MS 60000     /* else: until a signal */

struct master {
	pid_t pid;           /* 0: down */
	int64_t since;       /* us, monotonic; of its start */
	int64_t start_after; /* us; back-off */
	int64_t kill_at;     /* us, once told to stop; 0: wanted */
	int backoff_ms;
};

struct house {
	const struct nursery *cfg;
	struct master masters[NURSERY_POOLS_MAX];
	bool stopping;
};

/* Only for a stack of a developer's: elsewhere others may write to the run directory. */
static bool
held(const struct house *h, size_t pool)
{
	char path[RUN_PATH_MAX];

	if (h->cfg->log_dir == NULL)
		return false;
	snprintf(path, sizeof(path), "%s/hold/pool-%s", h->cfg->run_dir, h->cfg->names[pool]);
	return access(path, F_OK) == 0;
}

/* A pool's lines go to its own file if there is a directory for those. */
static bool
redirect(const struct nursery *cfg, const char *name)
{
	char path[RUN_PATH_MAX];
	int fd;

	if (cfg->log_dir == NULL)
		return true;
	snprintf(path, sizeof(path), "%s/pool-%s.log", cfg->log_dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	return fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0 &&
	    close(fd) == 0;
}

/* Signals stay blocked until the master waits for them: one that comes before must not end it. */
static _Noreturn void
master_main(const struct house *h, size_t pool, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EX_TEMPFAIL);
	if (!redirect(h->cfg, h->cfg->names[pool]))
		_exit(EX_CANTCREAT);
	exit(h->cfg->run(h->cfg->context, pool));
}

static void
backoff(struct master *m, int64_t now)
{
	if (now - m->since > LIVED_WELL_MS * US_PER_MS)
		m->backoff_ms = 0;
	m->start_after = now + m->backoff_ms * US_PER_MS;
	m->backoff_ms = m->backoff_ms == 0 ? BACKOFF_FIRST_MS : m->backoff_ms * 2;
	if (m->backoff_ms > PREFORK_BACKOFF_MAX_MS)
		m->backoff_ms = PREFORK_BACKOFF_MAX_MS;
}

static void
start(struct house *h, size_t pool, int64_t now)
{
	struct master *m = &h->masters[pool];
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		master_main(h, pool, self);
	m->since = now;
	if (pid < 0) {
		log_error(h->cfg->log, "cannot fork: %s", strerror(errno));
		backoff(m, now);
		return;
	}
	m->pid = pid;
	m->kill_at = 0;
}

static void
gone(struct house *h, size_t pool, int status, int64_t now)
{
	struct master *m = &h->masters[pool];

	m->pid = 0;
	if (m->kill_at != 0) {
		m->backoff_ms = 0;
		m->start_after = 0;
		return;
	}
	log_error(h->cfg->log, "the master of pool %s ended by %s %d", h->cfg->names[pool],
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	backoff(m, now);
}

static void
reap(struct house *h, int64_t now)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < h->cfg->n; i++)
			if (h->masters[i].pid == pid)
				gone(h, i, status, now);
	}
}

static void
stop(struct master *m, int64_t now)
{
	if (m->kill_at == 0)
		kill(m->pid, SIGTERM);
	else if (now >= m->kill_at)
		kill(m->pid, SIGKILL);
	else
		return;
	m->kill_at = now + NURSERY_DRAIN_MS * US_PER_MS;
}

/* Starts what is wanted, stops what is not. Returns true if nothing waits for a moment to come. */
static bool
tend(struct house *h, int64_t now)
{
	bool settled = true;

	for (size_t i = 0; i < h->cfg->n; i++) {
		struct master *m = &h->masters[i];
		bool wanted = !h->stopping && !held(h, i);

		if (!wanted && m->pid != 0)
			stop(m, now);
		else if (wanted && m->pid == 0 && now >= m->start_after)
			start(h, i, now);
		settled = settled && (m->pid != 0) == wanted;
	}
	return settled;
}

static bool
any_left(const struct house *h)
{
	for (size_t i = 0; i < h->cfg->n; i++)
		if (h->masters[i].pid != 0)
			return true;
	return false;
}

static void
pass_on(const struct house *h, int sig)
{
	for (size_t i = 0; i < h->cfg->n; i++)
		if (h->masters[i].pid != 0)
			kill(h->masters[i].pid, sig);
}

int
nursery_run(const struct nursery *cfg)
{
	struct house h = { .cfg = cfg };
	sigset_t set;

	prefork_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		int wait_ms, sig;

		reap(&h, clock_monotonic());
		wait_ms = tend(&h, clock_monotonic()) ? SLEEP_MS : TICK_MS;
		if (h.stopping && !any_left(&h))
			return 0;
		sig = sigtimedwait(&set, NULL,
		    &(struct timespec) {
			.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L });
		if (sig == SIGHUP)
			pass_on(&h, SIGHUP);
		else if (sig == SIGTERM || sig == SIGINT || sig == SIGQUIT)
			h.stopping = true;
	}
}
