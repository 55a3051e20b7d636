/* medianest-notifyd: live events for WebSockets and EventSources (medianest-notifyd(8)). */
#include <config.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "bin/daemon.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/manager.h"
#include "core/options.h"
#include "core/run_dir.h"
#include "notifyd/notifyd.h"
#include "service/services.h"
#include "core/banned.h"

#define PROGRAM "medianest-notifyd"

static volatile sig_atomic_t stop;
static struct lws_context *loop;

static void
on_signal(int number)
{
	stop = 1;
	if (loop != NULL)
		lws_cancel_service(loop); /* a write(2) to a pipe */
}

static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/*
 * libwebsockets unlinks the socket before it binds, so a second instance would take the place of
 * the first: the lock prevents that.
 */
static int
take_lock(const char *run_dir)
{
	char path[RUN_PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/notifyd.lock", run_dir);
	switch (run_lock(path, 0600, &fd)) {
	case RUN_LOCK_TAKEN: return 0; /* the descriptor stays open as long as the process lives */
	case RUN_LOCK_BUSY:
		fprintf(stderr, PROGRAM ": another instance is already running (%s)\n", path);
		return EX_TEMPFAIL;
	case RUN_LOCK_FAILED:
	default:
		fprintf(stderr, PROGRAM ": run.dir: cannot write %s: %s\n", path, strerror(errno));
		return EX_CONFIG;
	}
}

static void
write_pid(const struct log *log, const char *path)
{
	if (!run_pid_write(path, -1))
		log_warn(log, "cannot write the pid file %s: %s", path, strerror(errno));
}

static int
serve(struct notifyd *nd, const char *run_dir)
{
	char socket_path[RUN_PATH_MAX], edge_path[RUN_PATH_MAX], pid_path[RUN_PATH_MAX];
	struct edge *edge;

	snprintf(socket_path, sizeof(socket_path), "%s/notifyd.sock", run_dir);
	snprintf(edge_path, sizeof(edge_path), "%s/edge.sock", run_dir);
	snprintf(pid_path, sizeof(pid_path), "%s/notifyd.pid", run_dir);
	nd->people = people_new();
	nd->feed = feed_new(nd);
	nd->bus = bus_new(nd);
	if (nd->bus == NULL || !server_open(nd, socket_path))
		return EX_CONFIG;
	loop = nd->lws;
	bus_start(nd);
	feed_start(nd);
	edge = edge_start(nd, edge_path);
	write_pid(nd->log, pid_path);
	log_notice(nd->log, "ready");
	manager_ready();
	server_run(nd, &stop);
	unlink(socket_path);
	unlink(pid_path);
	edge_stop(edge);
	loop = NULL;
	server_close(nd);
	bus_free(nd->bus);
	feed_free(nd->feed);
	people_free(nd->people);
	log_notice(nd->log, "stopped");
	return 0;
}

static void
usage(FILE *out)
{
	fputs("usage: " PROGRAM " [--config FILE]\n       " PROGRAM " --version | --help\n", out);
}

int
main(int argc, char **argv)
{
	struct log log = { .component = "notifyd" };
	struct notifyd nd = { .log = &log };
	struct options options = { .program = PROGRAM, .usage = usage };
	const char *run_dir;
	int status = options_parse_alone(&options, argc, argv);

	if (status != 0)
		return status;
	status = daemon_configure(PROGRAM, options.config, &nd.config);
	if (status != 0)
		return status;
	run_dir = config_str(nd.config, CFG_RUN_DIR);
	if ((status = take_lock(run_dir)) != 0 ||
	    (status = daemon_check_schema(PROGRAM, nd.config, &log, SERVICES_API)) != 0) {
		config_free(nd.config);
		return status;
	}
	daemon_share(run_dir, &log);
	catch_signals();
	arena_init(&nd.scratch);
	status = serve(&nd, run_dir);
	arena_clear(&nd.scratch);
	config_free(nd.config);
	return status;
}
