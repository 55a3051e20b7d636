/* medianest-worker: runs the jobs of the queue (medianest-worker(8)). */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/shm.h"
#include "service/sandbox.h"
#include "service/scratch.h"
#include "service/services.h"
#include "service/worker.h"
#include "core/banned.h"

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

static void
usage(FILE *out)
{
	fputs("usage: medianest-worker [--config FILE]\n       medianest-worker --version | --help\n", out);
}

/*
 * One worker a run directory. A record lock is the process's own: it does not pass to children, so that none of them can
 * keep the next worker out, and it ends with the process whatever kills it.
 */
static bool
take_pid_file(const char *run_dir)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[RUN_PATH_MAX], text[24];
	int fd, n;

	snprintf(path, sizeof path, "%s/worker.pid", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || fcntl(fd, F_SETLK, &lock) != 0 || fchmod(fd, 0644) != 0)
		return false;
	n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n;
}

/* How files are decoded, for the health route and for people. */
static void
write_sandbox_mode(const char *run_dir, const struct sandbox *box)
{
	char path[RUN_PATH_MAX], temporary[RUN_PATH_MAX + 8];
	FILE *f;

	snprintf(path, sizeof path, "%s/worker.sandbox", run_dir);
	snprintf(temporary, sizeof temporary, "%s.new", path);
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

/* Refuses a schema older than the program; a database that is away is waited for. */
static int
check_schema(struct config *config, struct log *log)
{
	struct services svc;
	struct error err;
	bool ok;

	error_clear(&err);
	if (!services_init(&svc, config, log, SERVICES_WORKER, &err)) {
		fprintf(stderr, "medianest-worker: %s\n", err.message);
		return EX_CONFIG;
	}
	ok = services_check_schema(&svc, &err);
	services_clear(&svc);
	if (ok || err.code == ERR_UNAVAILABLE)
		return 0;
	fprintf(stderr, "medianest-worker: %s\n", err.message);
	return EX_CONFIG;
}

static int
serve(struct config *config, struct log *log)
{
	const char *run_dir = config_str(config, CFG_RUN_DIR);
	struct worker worker = { .config = config, .log = log, .stop = &stop };
	struct sandbox sandbox;
	struct error err;
	int status = check_schema(config, log);

	if (status != 0)
		return status;
	if (!take_pid_file(run_dir)) {
		fprintf(stderr, "medianest-worker: another worker is running, or %s cannot be written\n", run_dir);
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

static int
parse_options(int argc, char **argv, const char **config_path)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			*config_path = optarg;
			break;
		case 'V':
			printf("medianest-worker %s\n", PACKAGE_VERSION);
			exit(0);
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return 0;
	usage(stderr);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	struct log log = { .component = "worker" };
	const char *config_path = NULL;
	struct config *config;
	enum log_level level;
	struct error err;
	int status = parse_options(argc, argv, &config_path);

	if (status != 0)
		return status;
	umask(0077);
	error_clear(&err);
	config = config_load(config_path, &err);
	if (config == NULL) {
		fprintf(stderr, "medianest-worker: %s\n", err.message);
		return EX_CONFIG;
	}
	if (log_level_parse(config_str(config, CFG_LOG_LEVEL), &level))
		log_set_level(level);
	status = serve(config, &log);
	config_free(config);
	return status;
}
