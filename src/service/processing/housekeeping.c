#include "service/processing/housekeeping.h"

#include <stddef.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/log.h"
#include "service/call.h"
#include "service/catalogue/media.h"
#include "service/notify/notify.h"
#include "service/processing/purge.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_idempotency.h"
#include "store/store_jobs.h"
#include "store/store_process.h"

#include "core/banned.h"

typedef bool part_fn(const struct call *, struct error *);

static bool
expire_jobs(const struct call *call, struct error *err)
{
	return store_jobs_expire(call->svc->db, call->arena, HOUSEKEEPING_JOBS, err);
}

static bool
expire_trash(const struct call *call, struct error *err)
{
	return media_purge_expired(call, NULL, err);
}

static bool
expire_identity(const struct call *call, struct error *err)
{
	return store_process_expire_identity(call->svc->db, call->arena, err);
}

static bool
expire_notifications(const struct call *call, struct error *err)
{
	int64_t removed;

	return notify_expire(call, &removed, err);
}

static bool
expire_idempotency(const struct call *call, struct error *err)
{
	return store_idempotency_expire(call->svc->db, call->arena, err);
}

static const struct {
	const char *name;
	part_fn *run;
	bool thorough;
} parts[] = {
	{ "unfinished uploads", purge_expire_uploads, false },
	{ "unpublished objects", purge_collect, false },
	{ "the trash", expire_trash, false },
	{ "finished jobs", expire_jobs, false },
	{ "kept answers", expire_idempotency, false },
	{ "old sign-in records", expire_identity, true },
	{ "old notifications", expire_notifications, true },
	{ "stray incoming objects", purge_stray_incoming, true },
};

void
housekeeping_run(struct services *svc, bool thorough)
{
	struct arena arena;
	struct error err;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].thorough && !thorough)
			continue;
		error_clear(&err);
		if (!parts[i].run(SYSTEM_CALL(svc, &arena), &err)) {
			db_rollback(svc->db);
			log_warn(svc->log, "tidying up %s failed: %s %s", parts[i].name,
			    err.message, err.detail);
		}
		arena_reset(&arena);
	}
	arena_clear(&arena);
}
