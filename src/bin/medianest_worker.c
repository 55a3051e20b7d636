/* medianest-worker: runs the jobs of the queue (medianest-worker(8)). */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "bin/daemon.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/shm.h"
#include "service/processing/sandbox.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "service/processing/worker.h"
#include "core/banned.h"

#define PROGRAM "medianest-worker"
#define RUN_PATH_MAX 4096

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	stop = 1;
}

static void
on_child(int sig)
{
	/* Only there to end a wait. */
}

/*
 * One worker a run directory. A record lock is the process's own: it does not pass to children, so
 * that none of them can keep the next worker out, and it ends with the process whatever kills it.
 */
static bool
take_pid_file(const char *run_dir)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[RUN_PATH_MAX], text[24];
	int fd, n;

	snprintf(path, sizeof(path), "%s/worker.pid", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || fchmod(fd, 0644) != 0)
		return false;
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

/* How files are decoded, for the health route and for people. */
static void
write_sandbox_mode(const char *run_dir, const struct sandbox *box)
{
	char path[RUN_PATH_MAX], temporary[RUN_PATH_MAX + 8];
	FILE *f;

	snprintf(path, sizeof(path), "%s/worker.sandbox", run_dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	f = fopen(temporary, "we");
	if (f == NULL)
		return;
	fprintf(f, "%s\n", sandbox_mode_name(box->mode));
	fchmod(fileno(f), 0644); /* the health route may run as somebody else */
	if (fclose(f) == 0)
		rename(temporary, path);
}

/* Everything but SIGKILL waits for the one place where the supervisor waits. */
static void
install_signals(sigset_t *waiting)
{
	struct sigaction on = { .sa_handler = on_stop }, child = { .sa_handler = on_child };
	sigset_t blocked;

	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	sigaction(SIGCHLD, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
}

static int
serve(struct config *config, struct log *log)
{
	const char *run_dir = config_str(config, CFG_RUN_DIR);
	struct worker worker = { .config = config, .log = log, .stop = &stop };
	struct sandbox sandbox;
	struct error err;
	int status = daemon_check_schema(PROGRAM, config, log, SERVICES_WORKER);

	if (status != 0)
		return status;
	if (!take_pid_file(run_dir)) {
		fprintf(stderr,
		    "medianest-worker: another worker is running, or %s cannot be written\n",
		    run_dir);
		return EX_TEMPFAIL;
	}
	error_clear(&err);
	if (!shm_open_counters(run_dir, &err))
		log_warn(log, "%s", err.message);
	if (!scratch_init(config, &err)) {
		fprintf(stderr, "medianest-worker: %s\n", err.message);
		return EX_CONFIG;
	}
	scratch_clear(config);
	if (!sandbox_init(&sandbox, config, log, &err)) {
		fprintf(stderr, "medianest-worker: %s %s\n", err.message, err.detail);
		return EX_CONFIG;
	}
	write_sandbox_mode(run_dir, &sandbox);
	worker.sandbox = &sandbox;
	install_signals(&worker.waiting);
	log_notice(log, "worker %s started", PACKAGE_VERSION);
	status = worker_run(&worker);
	log_notice(log, "worker stopped");
	return status;
}

int
main(int argc, char **argv)
{
	struct log log = { .component = "worker" };
	const char *config_path = NULL;
	struct config *config;
	int status = daemon_options(PROGRAM, argc, argv, &config_path);

	if (status != 0)
		return status;
	umask(0077);
	status = daemon_configure(PROGRAM, config_path, &config);
	if (status != 0)
		return status;
	status = serve(config, &log);
	config_free(config);
	return status;
}
