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
#include "http/nursery.h"
#include "http/prefork.h"
#include "http/request.h"
#include "http/route.h"
#include "service/catalogue/search.h"
#include "service/integrations/search_servers.h"
#include "core/banned.h"

#define PROGRAM "medianest-fcgi"

enum { OPTION_POOL, OPTION_LOGS, OPTION_ROUTES, OPTION_INPUTS };

struct program {
	const struct pool *pool; /* NULL: a group of pools */
	const struct pool *members[NURSERY_POOLS_MAX];
	size_t nmembers;
	const char *config_path;
	struct config *config;
	struct log log;
	const char *log_dir;
};

/* Pools that one process forks: --pool takes their name too. */
static const struct pool_group {
	const char *name;
	bool roles[SERVICES_ROLES];
} groups[] = {
	{ "api", { [SERVICES_API] = true } },
	{ "storage", { [SERVICES_STORE] = true } },
	{ "all", { [SERVICES_API] = true, [SERVICES_STORE] = true } },
	{ .name = NULL },
};

static void
usage(FILE *out)
{
	fputs("usage: medianest-fcgi --pool NAME [--config FILE] [--logs DIRECTORY]\n      "
	      " medianest-fcgi --routes | --inputs | --version | --help\npools:",
	    out);
	for (const struct pool *pool = pools; pool->name != NULL; pool++)
		fprintf(out, " %s", pool->name);
	fputs("\ngroups of pools:", out);
	for (const struct pool_group *group = groups; group->name != NULL; group++)
		fprintf(out, " %s", group->name);
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
request_sent(void *context, const struct request *req, const struct response *res)
{
	dispatch_sent(context, req, res);
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
		.sent = request_sent,
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

	snprintf(socket_path, sizeof(socket_path), "%s/pool-%s.sock", run_dir, prog->pool->name);
	snprintf(pid_path, sizeof(pid_path), "%s/pool-%s.pid", run_dir, prog->pool->name);
	return prefork_run(&prefork);
}

static const struct pool_group *
group_find(const char *name)
{
	for (const struct pool_group *group = groups; group->name != NULL; group++)
		if (strcmp(group->name, name) == 0)
			return group;
	return NULL;
}

/* The master of one pool of a group. */
static int
master_run(void *context, size_t pool)
{
	struct program *prog = context;

	prog->pool = prog->members[pool];
	prog->log.pool = prog->pool->name;
	return serve_pool(prog);
}

static int
serve_group(struct program *prog)
{
	const char *names[NURSERY_POOLS_MAX];
	struct nursery nursery = {
		.run_dir = config_str(prog->config, CFG_RUN_DIR),
		.log_dir = prog->log_dir,
		.names = names,
		.n = prog->nmembers,
		.run = master_run,
		.context = prog,
		.log = &prog->log,
	};

	for (size_t i = 0; i < nursery.n; i++)
		names[i] = prog->members[i]->name;
	return nursery_run(&nursery);
}

/* What is done once, before any pool is served. */
static int
prepare(struct program *prog)
{
	bool checked[SERVICES_ROLES] = { false };

	for (size_t i = 0; i < prog->nmembers; i++) {
		enum services_role role = prog->members[i]->role;
		int status = checked[role] ?
		    0 :
		    daemon_check_schema(PROGRAM, prog->config, &prog->log, role);

		checked[role] = true;
		if (status != 0)
			return status;
	}
	daemon_share(config_str(prog->config, CFG_RUN_DIR), &prog->log);
	search_set_leg(&search_servers_leg);
	return 0;
}

static void
add_members(struct program *prog, const struct pool_group *group)
{
	for (const struct pool *pool = pools; pool->name != NULL; pool++)
		if (group->roles[pool->role])
			prog->members[prog->nmembers++] = pool;
}

/* Which pool or group; 0, or an exit status. */
static int
choose_pool(struct program *prog, const struct options *options)
{
	const struct pool_group *group;

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
	group = group_find(options->values[OPTION_POOL]);
	prog->log_dir = options->values[OPTION_LOGS];
	if (prog->pool != NULL)
		prog->members[prog->nmembers++] = prog->pool;
	else if (group != NULL)
		add_members(prog, group);
	if (prog->nmembers > 0)
		return 0;
	fprintf(stderr, PROGRAM ": there is no pool '%s'\n", options->values[OPTION_POOL]);
	return EX_USAGE;
}

int
main(int argc, char **argv)
{
	static const struct option_row rows[] = {
		[OPTION_POOL] = { "pool", true },
		[OPTION_LOGS] = { "logs", true },
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
	prog.log.pool = prog.pool != NULL ? prog.pool->name : options.values[OPTION_POOL];
	prefork_inherit();
	status = prepare(&prog);
	if (status == 0)
		status = prog.pool != NULL ? serve_pool(&prog) : serve_group(&prog);
	config_free(prog.config);
	return status;
}
