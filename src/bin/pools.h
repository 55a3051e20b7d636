/*
 * The pools, one row each: the modules that a pool serves, its database role, and its number of
 * workers.
 */
#ifndef MN_BIN_POOLS_H
#define MN_BIN_POOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "http/fcgi.h"
#include "service/services.h"

struct protocol;
struct route_module;

#define POOL_TICK_SECONDS 600

struct pool {
	const char *name;
	enum config_key workers;
	enum services_role role;
	/* NULL-terminated; NULL for a pool with its own protocol */
	const struct route_module *const *modules;
	const struct protocol *protocol; /* NULL: the routes of the modules */
	/* the setting that says how many workers it may have while all are busy; 0: no more */
	enum config_key workers_max;
};

extern const struct pool pools[]; /* ends with name NULL */

const struct pool *pool_find(const char *name); /* NULL: unknown */
/*
 * The function that each worker of a pool calls with the services every POOL_TICK_SECONDS, busy or
 * not; NULL: none.
 */
fcgi_idle_fn *pool_tick(const struct pool *);

/* The largest number of workers, which a pool may have while all of them are busy. */
int pool_workers_max(const struct pool *, const struct config *);

#endif
