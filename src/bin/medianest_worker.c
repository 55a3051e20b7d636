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
#include "bin/jobs.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/options.h"
#include "core/run_dir.h"
#include "service/processing/sandbox.h"
#include "service/processing/scratch.h"
#include "service/services.h"
#include "service/processing/worker.h"
#include "core/banned.h"

#define PROGRAM "medianest-worker"

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

/* One worker for each run directory: its pid file is the lock. */
static int
take_pid_file(const char *run_dir)
{
	char path[RUN_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/worker.pid", run_dir);
	switch (run_lock(path, 0644, &fd)) {
	case RUN_LOCK_TAKEN:
		if (run_pid_write(path, fd))
			return 0; /* the descriptor stays open as long as the process lives */
		break;
	case RUN_LOCK_BUSY:
		fprintf(stderr, PROGRAM ": another worker is running (%s)\n", path);
		return EX_TEMPFAIL;
	case RUN_LOCK_FAILED: break;
	}
	fprintf(stderr, PROGRAM ": run.dir: %s cannot be written: %s\n", path, strerror(errno));
	return EX_CONFIG;
}

/* How files are decoded, and by which version, for the health route and for people. */
static void
write_notes(const char *run_dir, const struct sandbox *box)
{
	char path[RUN_PATH_MAX], text[64];

	snprintf(path, sizeof(path), "%s/worker.sandbox", run_dir);
	snprintf(text, sizeof(text), "%s\n", sandbox_mode_name(box->mode));
	run_note_write(path, text);
	snprintf(path, sizeof(path), "%s/worker.version", run_dir);
	run_note_write(path, PACKAGE_VERSION "\n");
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
	/* For runners; one that was only just made has no handler for it yet. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static int
serve(struct config *config, struct log *log)
{
	const char *run_dir = config_str(config, CFG_RUN_DIR);
	struct worker worker = { .config = config, .log = log, .kinds = job_kinds, .stop = &stop };
	struct sandbox sandbox;
	struct error err;
	int status = daemon_check_schema(PROGRAM, config, log, SERVICES_WORKER);

	if (status != 0)
		return status;
	status = take_pid_file(run_dir);
	if (status != 0)
		return status;
	error_clear(&err);
	daemon_share(run_dir, log);
	if (!scratch_init(config, &err)) {
		fprintf(stderr, "medianest-worker: %s\n", err.message);
		return EX_CONFIG;
	}
	scratch_clear(config, log);
	if (!sandbox_init(&sandbox, config, log, &err)) {
		fprintf(stderr, "medianest-worker: %s %s\n", err.message, err.detail);
		return EX_CONFIG;
	}
	write_notes(run_dir, &sandbox);
	worker.sandbox = &sandbox;
	install_signals(&worker.waiting);
	log_notice(log, "worker %s started", PACKAGE_VERSION);
	status = worker_run(&worker);
	log_notice(log, "worker stopped");
	return status;
}

static void
usage(FILE *out)
{
	fputs("usage: " PROGRAM " [--config FILE]\n       " PROGRAM " --version | --help\n", out);
}

int
main(int argc, char **argv)
{
	struct log log = { .component = "worker" };
	struct options options = { .program = PROGRAM, .usage = usage };
	struct config *config;
	int status = options_parse_alone(&options, argc, argv);

	if (status != 0)
		return status;
	umask(0077);
	status = daemon_configure(PROGRAM, options.config, &config);
	if (status != 0)
		return status;
	status = serve(config, &log);
	config_free(config);
	return status;
}
