/*
 * Setup: on a small host PostgreSQL gets fewer shared_buffers, as the services need the memory.
 * Only in a cluster that nobody else uses: it has to be started again.
 */
#include <inttypes.h>

#include "core/arena.h"
#include "core/error.h"
#include "service/operator/host_memory.h"
#include "service/operator/setup_internal.h"
#include "store/pg.h"
#include "store/store_setup.h"
#include "core/banned.h"

/* *wanted 0: nothing is to be changed, or not by setup. */
static bool
buffers_wanted(struct setup *s, int64_t *wanted, struct error *err)
{
	struct cluster_facts facts;

	*wanted = 0;
	if (!setup_cluster_facts(s, &facts, err))
		return false;
	if (!facts.others)
		*wanted = host_buffers_mb(host_memory_mb(), facts.buffers_mb);
	return true;
}

static bool
memory_check(struct setup *s, bool *done, struct error *err)
{
	int64_t wanted;

	if (!buffers_wanted(s, &wanted, err))
		return false;
	*done = wanted == 0;
	if (!*done)
		setup_plan(s,
		    "shared_buffers = %" PRId64 "MB of PostgreSQL %s/%s, which is started again:"
		    " this host has %" PRId64 " MB",
		    wanted, s->cluster.version, s->cluster.name, host_memory_mb());
	return true;
}

/* 0 MB: what the configuration files say. */
static bool
buffers_set(struct setup *s, int64_t mb, struct error *err)
{
	struct db *db;
	bool ok;

	if (!setup_become(s->cluster.owner, err))
		return false;
	db = setup_superuser(s);
	ok = store_cluster_buffers(db, s->arena, mb, err);
	db_free(db);
	setup_return();
	return ok;
}

static bool
cluster_restart(struct setup *s, struct error *err)
{
	return setup_command(s,
	    SETUP_ARGV("systemctl", "restart",
		arena_printf(s->arena, "postgresql@%s-%s.service", s->cluster.version,
		    s->cluster.name)),
	    NULL, err);
}

static bool
memory_apply(struct setup *s, struct error *err)
{
	int64_t wanted;

	return buffers_wanted(s, &wanted, err) && buffers_set(s, wanted, err) &&
	    cluster_restart(s, err);
}

static void
memory_undo(struct setup *s)
{
	struct error ignored;

	error_clear(&ignored);
	if (buffers_set(s, 0, &ignored))
		cluster_restart(s, &ignored);
}

const struct setup_step setup_step_memory = {
	.name = "memory",
	.check = memory_check,
	.apply = memory_apply,
	.undo = memory_undo,
};
