/*
 * medianest-sync: compares what media servers have with the catalogue (medianest-sync(8)). Each
 * server is a process of its own, at most SYNC_SERVERS_AT_ONCE side by side: one that hangs delays
 * no other.
 */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "bin/daemon.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/options.h"
#include "core/str.h"
#include "core/words.h"
#include "service/call.h"
#include "service/integrations/servers.h"
#include "service/integrations/sync.h"
#include "service/services.h"
#include "store/store_sync.h"
#include "core/banned.h"

#define PROGRAM "medianest-sync"

enum { SERVER, SECTION, FULL, DRY_RUN, TRIGGER };

static const struct option_row rows[] = {
	[SERVER] = { "server", true },
	[SECTION] = { "section", true },
	[FULL] = { "full" },
	[DRY_RUN] = { "dry-run" },
	[TRIGGER] = { "trigger", true },
	{ .name = NULL },
};

static volatile sig_atomic_t stop;

static void
on_stop(int sig)
{
	stop = 1;
}

static void
usage(FILE *out)
{
	fputs("usage: " PROGRAM " [--config FILE] [--server ID|NAME] [--section KEY] [--full]\n"
	      "                      [--dry-run] [--trigger cron|manual]\n"
	      "       " PROGRAM " --version | --help\n",
	    out);
}

struct work {
	struct config *config;
	struct sync_ask ask;
	const char *which; /* server, or NULL: all */
	bool terminal;
};

/* --- one server ------------------------------------------------------------------------------ */

static void
show(void *context, const char *section, const struct sync_counts *counts)
{
	fprintf(stderr, "\r\033[K%s: %s: %lld items", (const char *)context, section,
	    (long long)counts->seen);
}

static void
summarize(const struct server *server, const struct sync_outcome *out)
{
	const struct sync_counts *c = &out->counts;

	printf("%s: %s, %lld seen, %lld created, %lld updated, %lld moved, %lld missing, "
	       "%lld deleted, %lld restored, %lld errors%s%s\n",
	    server->name, str_eq(out->status, "running") ? "interrupted" : out->status,
	    (long long)c->seen, (long long)c->created, (long long)c->updated, (long long)c->moved,
	    (long long)c->missing, (long long)c->deleted, (long long)c->restored,
	    (long long)c->errors, out->error_message == NULL ? "" : ": ",
	    out->error_message == NULL ? "" : out->error_message);
	fflush(stdout);
}

static int
status_of(const struct sync_outcome *out)
{
	if (str_eq(out->status, "ok"))
		return EXIT_SUCCESS;
	return out->away || str_eq(out->status, "running") ? EX_TEMPFAIL : EXIT_FAILURE;
}

static int
sync_one(const struct call *call, const char *id, const struct work *work, struct error *err)
{
	struct sync_ask ask = work->ask;
	struct sync_outcome out;
	struct server server;

	if (!server_get(call, id, &server, err))
		return EXIT_FAILURE;
	if (work->terminal) {
		ask.progress = show;
		ask.progress_context = (void *)(uintptr_t)server.name;
	}
	if (!sync_server(call, id, &ask, &out, err)) {
		if (work->terminal)
			fputs("\r\033[K", stderr);
		return err->code == ERR_UNAVAILABLE || str_eq(err->slug, "lease_lost") ?
		    EX_TEMPFAIL :
		    EXIT_FAILURE;
	}
	if (work->terminal)
		fputs("\r\033[K", stderr);
	summarize(&server, &out);
	return status_of(&out);
}

static int
run_child(const char *id, const struct work *work)
{
	struct log log = { .component = "sync" };
	struct services svc;
	struct arena arena;
	struct error err;
	int status;

	error_clear(&err);
	if (!services_init(&svc, work->config, &log, SERVICES_WORKER, &err)) {
		fprintf(stderr, PROGRAM ": %s\n", err.message);
		return EX_CONFIG;
	}
	arena_init(&arena);
	status = sync_one(SYSTEM_CALL(&svc, &arena), id, work, &err);
	if (err.code != ERR_NONE) {
		fprintf(stderr, PROGRAM ": %s\n", err.message);
		if (err.detail[0] != '\0')
			log_warn(&log, "%s: %s", err.message, err.detail);
	}
	arena_clear(&arena);
	services_clear(&svc);
	return status;
}

/* --- all of them ----------------------------------------------------------------------------- */

/* The worst of the ends: a failure, then 'try again', then success. */
static int
worse(int a, int b)
{
	return a == EXIT_FAILURE || b == EXIT_FAILURE ? EXIT_FAILURE : a > b ? a : b;
}

static int
reap(int *running)
{
	int status;

	while (waitpid(-1, &status, 0) < 0)
		if (!stop)
			return EXIT_FAILURE;
	(*running)--;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static int
run_all(struct strings ids, const struct work *work)
{
	int running = 0, status = EXIT_SUCCESS;

	if (ids.n == 1)
		return run_child(ids.items[0], work);
	for (size_t i = 0; i < ids.n && !stop; i++) {
		pid_t pid;

		if (running == SYNC_SERVERS_AT_ONCE)
			status = worse(status, reap(&running));
		pid = fork();
		if (pid == 0)
			_exit(run_child(ids.items[i], work));
		if (pid < 0)
			status = EXIT_FAILURE;
		else
			running++;
	}
	while (running > 0)
		status = worse(status, reap(&running));
	return status;
}

static int
find_servers(const struct work *work, struct arena *arena, struct strings *ids)
{
	struct log log = { .component = "sync" };
	struct services svc;
	struct error err;
	bool ok;

	error_clear(&err);
	if (!services_init(&svc, work->config, &log, SERVICES_WORKER, &err)) {
		fprintf(stderr, PROGRAM ": %s\n", err.message);
		return EX_CONFIG;
	}
	ok = store_sync_servers(svc.db, arena, work->which, ids, &err);
	services_clear(&svc);
	if (!ok) {
		fprintf(stderr, PROGRAM ": %s\n", err.message);
		return err.code == ERR_UNAVAILABLE ? EX_TEMPFAIL : EXIT_FAILURE;
	}
	if (ids->n > 0 || work->which == NULL)
		return EXIT_SUCCESS;
	fprintf(stderr, PROGRAM ": there is no media server %s that is switched on\n", work->which);
	return EXIT_FAILURE;
}

static int
serve(struct work *work)
{
	struct log log = { .component = "sync" };
	struct sigaction on = { .sa_handler = on_stop };
	struct strings ids;
	struct arena arena;
	int status = daemon_check_schema(PROGRAM, work->config, &log, SERVICES_WORKER);

	if (status != 0)
		return status;
	sigaction(SIGTERM, &on, NULL);
	sigaction(SIGINT, &on, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon_share(config_str(work->config, CFG_RUN_DIR), &log);
	arena_init(&arena);
	status = find_servers(work, &arena, &ids);
	if (status == EXIT_SUCCESS)
		status = run_all(ids, work);
	arena_clear(&arena);
	return status;
}

/* cron and manual are for people and cron; the others belong to the API and to events. */
static bool
trigger_good(const char *trigger)
{
	return trigger == NULL || str_eq(trigger, "cron") || str_eq(trigger, "manual");
}

int
main(int argc, char **argv)
{
	struct options options = { .program = PROGRAM, .usage = usage, .rows = rows };
	int status = options_parse_alone(&options, argc, argv);
	struct work work = { .terminal = isatty(STDERR_FILENO) != 0 };

	if (status != 0)
		return status;
	if (!trigger_good(options.values[TRIGGER])) {
		usage(stderr);
		return EX_USAGE;
	}
	umask(0077);
	status = daemon_configure(PROGRAM, options.config, &work.config);
	if (status != 0)
		return status;
	work.which = options.values[SERVER];
	work.ask = (struct sync_ask) {
		.trigger = options.values[TRIGGER] != NULL ? options.values[TRIGGER] :
		    isatty(STDIN_FILENO) != 0              ? "manual" :
							     "cron",
		.section = options.values[SECTION],
		.full = options.given[FULL],
		.dry = options.given[DRY_RUN],
		.stop = &stop,
	};
	status = serve(&work);
	config_free(work.config);
	return status;
}
