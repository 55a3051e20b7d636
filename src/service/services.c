/* See services.h. */
#include "service/services.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/http_out.h"
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "service/keyring.h"
#include "service/schema_version.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/s3.h"
#include "store/store_schema.h"
#include "core/banned.h"

#define WORKER_TIMEOUT_MS 15000  /* statements of the worker, which nobody waits for */
#define ADMIN_TIMEOUT_MS 3600000 /* migrations */

static const struct {
	enum config_key url;
	int timeout_ms; /* 0: database.timeout */
} roles[] = {
	[SERVICES_API] = { CFG_DATABASE_API_URL, 0 },
	[SERVICES_WORKER] = { CFG_DATABASE_WORKER_URL, WORKER_TIMEOUT_MS },
	[SERVICES_STORE] = { CFG_DATABASE_STORE_URL, 0 },
	[SERVICES_ADMIN] = { CFG_DATABASE_MIGRATE_URL, ADMIN_TIMEOUT_MS },
};

bool
services_init(struct services *s, struct config *config, struct log *log, enum services_role role,
    struct error *err)
{
	char client[64];
	int timeout_ms = roles[role].timeout_ms;

	*s = (struct services) { .config = config, .log = log };
	s->keys = keyring_load(config, role == SERVICES_STORE, err);
	if (s->keys == NULL)
		return false;
	if (timeout_ms == 0)
		timeout_ms = (int)config_int(config, CFG_DATABASE_TIMEOUT);
	s->db = db_new(config_str(config, roles[role].url), timeout_ms, log);
	if (role == SERVICES_STORE)
		return true;
	snprintf(client, sizeof(client), "medianest-%s-%ld",
	    log != NULL && log->component != NULL ? log->component : "admin", (long)getpid());
	s->redis = redis_new(config_str(config, CFG_REDIS_URL),
	    config_str(config, CFG_REDIS_PREFIX), client, log);
	s->s3 = s3_new(config, err);
	if (s->s3 == NULL) {
		services_clear(s);
		return false;
	}
	return true;
}

void
services_close_idle(struct services *s)
{
	db_close(s->db);
	if (s->redis != NULL)
		redis_close(s->redis);
	http_out_close();
}

void
services_clear(struct services *s)
{
	db_free(s->db);
	redis_free(s->redis);
	if (s->s3 != NULL)
		s3_free(s->s3);
	keyring_free(s->keys);
	memset(s, 0, sizeof(*s));
}

bool
services_check_schema(struct services *s, struct error *err)
{
	struct arena arena;
	int64_t version;
	bool ok;

	arena_init(&arena);
	ok = store_schema_version(s->db, &arena, &version, err);
	arena_clear(&arena);
	if (ok && version < SCHEMA_VERSION)
		return error_slug(err, ERR_INTERNAL, "schema_old",
		    "the database has schema %lld, but this program needs %d: run"
		    " 'medianest-admin migrate'",
		    (long long)version, SCHEMA_VERSION);
	if (ok && version > SCHEMA_VERSION)
		return error_slug(err, ERR_INTERNAL, "schema_new",
		    "the database has schema %lld, but this program knows only %d: it belongs to a"
		    " newer MediaNest, so install that one",
		    (long long)version, SCHEMA_VERSION);
	return ok;
}
