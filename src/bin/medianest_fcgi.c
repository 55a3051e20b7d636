/* medianest-fcgi: master and workers of one pool (medianest-fcgi(8)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bin/daemon.h"
#include "bin/guards.h"
#include "bin/inputs.h"
#include "bin/pools.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/options.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "http/dispatch.h"
#include "http/prefork.h"
#include "http/request.h"
#include "http/route.h"
#include "core/banned.h"

#define PROGRAM "medianest-fcgi"

enum { OPTION_POOL, OPTION_ROUTES, OPTION_INPUTS };

struct program {
	const struct pool *pool;
	const char *config_path;
	struct config *config;
	struct log log;
};

static void
usage(FILE *out)
{
	fputs("usage: medianest-fcgi --pool NAME [--config FILE]\n       medianest-fcgi --routes |"
	      " --inputs | --version | --help\npools:",
	    out);
	for (const struct pool *pool = pools; pool->name != NULL; pool++)
		fprintf(out, " %s", pool->name);
	fputc('\n', out);
}

/* One line a route, for people and for the tests that hold the API description against it. */
static void
print_route(const char *pool, const struct route *route)
{
	printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", pool, method_name(route->method), route->path,
	    permission_name(route->permission), rate_class_name(route->rate),
	    route_auth_name(route->auth), route_body_name(route->body));
}

static void
print_routes(void)
{
	for (const struct pool *pool = pools; pool->name != NULL; pool++)
		for (const struct route_module *const *module = pool->modules;
		    module != NULL && *module != NULL; module++)
			for (const struct route *route = (*module)->routes; route->path != NULL;
			    route++)
				print_route(pool->name, route);
}

static size_t
open_request(void *context, struct request *req, size_t announced)
{
	return dispatch_open(context, req, announced);
}

static void
serve_request(void *context, struct request *req, struct response *res)
{
	dispatch(context, req, res);
}

static void
refuse_full(void *context, struct request *req, struct response *res)
{
	dispatch_full(context, req, res);
}

static void
close_idle(void *context)
{
	services_close_idle(context);
}

/*
 * A worker reads the settings again, so that SIGHUP brings them in; a file that is not valid
 * leaves the master's in force.
 */
static struct config *
worker_config(const struct program *prog)
{
	struct error err;
	struct config *config;

	error_clear(&err);
	config = config_load(prog->config_path, &err);
	if (config != NULL)
		return config;
	log_error(&prog->log, "%s (the settings read before stay in force)", err.message);
	return prog->config;
}

static int
worker_run(void *context, int listen_fd)
{
	struct program *prog = context;
	const struct pool *pool = prog->pool;
	struct config *config = worker_config(prog);
	struct app app = {
		.modules = pool->modules, .guards = guards_default(), .protocol = pool->protocol
	};
	struct services svc;
	struct error err;
	struct fcgi_loop loop = {
		.listen_fd = listen_fd,
		.open = open_request,
		.handler = serve_request,
		.full = refuse_full,
		.context = &app,
		.idle_context = &svc,
		.idle = close_idle,
		.tick = pool_tick(pool),
		.tick_seconds = POOL_TICK_SECONDS,
		.config = config,
		.svc = &svc,
		.log = &prog->log,
		.max_requests = (long)config_int(config, CFG_POOL_MAX_REQUESTS),
		.idle_seconds = (int)config_int(config, CFG_POOL_IDLE_CLOSE),
	};
	int status;

	error_clear(&err);
	if (!services_init(&svc, config, &prog->log, pool->role, &err)) {
		log_crit(&prog->log, "%s", err.message);
		return EX_CONFIG;
	}
	status = fcgi_run(&loop);
	services_clear(&svc);
	if (config != prog->config)
		config_free(config);
	return status;
}

static int
serve_pool(struct program *prog)
{
	const char *run_dir = config_str(prog->config, CFG_RUN_DIR);
	char socket_path[RUN_PATH_MAX], pid_path[RUN_PATH_MAX];
	struct prefork prefork = {
		.socket_path = socket_path,
		.socket_group = config_str(prog->config, CFG_SOCKET_GROUP),
		.pid_path = pid_path,
		.workers = (int)config_int(prog->config, prog->pool->workers),
		.workers_max = pool_workers_max(prog->pool, prog->config),
		.run = worker_run,
		.context = prog,
		.log = &prog->log,
	};
	int status = daemon_check_schema(PROGRAM, prog->config, &prog->log, prog->pool->role);

	if (status != 0)
		return status;
	snprintf(socket_path, sizeof(socket_path), "%s/pool-%s.sock", run_dir, prog->pool->name);
	snprintf(pid_path, sizeof(pid_path), "%s/pool-%s.pid", run_dir, prog->pool->name);
	daemon_share(run_dir, &prog->log);
	return prefork_run(&prefork);
}

/* Which pool; 0, or an exit status. */
static int
choose_pool(struct program *prog, const struct options *options)
{
	if (options->given[OPTION_ROUTES]) {
		print_routes();
		exit(0);
	}
	if (options->given[OPTION_INPUTS]) {
		inputs_print(stdout);
		exit(0);
	}
	if (options->values[OPTION_POOL] == NULL) {
		usage(stderr);
		return EX_USAGE;
	}
	prog->pool = pool_find(options->values[OPTION_POOL]);
	if (prog->pool != NULL)
		return 0;
	fprintf(stderr, PROGRAM ": there is no pool '%s'\n", options->values[OPTION_POOL]);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	static const struct option_row rows[] = {
		[OPTION_POOL] = { "pool", true },
		[OPTION_ROUTES] = { "routes", false },
		[OPTION_INPUTS] = { "inputs", false },
		{ .name = NULL },
	};
	struct options options = { .program = PROGRAM, .usage = usage, .rows = rows };
	struct program prog = { .log = { .component = "fcgi" } };
	int status = options_parse_alone(&options, argc, argv);

	if (status == 0)
		status = choose_pool(&prog, &options);
	if (status != 0)
		return status;
	prog.config_path = options.config;
	status = daemon_configure(PROGRAM, prog.config_path, &prog.config);
	if (status != 0)
		return status;
	prog.log.pool = prog.pool->name;
	status = serve_pool(&prog);
	config_free(prog.config);
	return status;
}
