/* The doctor's checks of PostgreSQL, Redis, keys and password hashing. */
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/keyring.h"
#include "service/schema_version.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_doctor.h"
#include "store/store_schema.h"
#include "core/banned.h"

#define DATABASE_MS 3000
#define SERVER_OLDEST 140000 /* pipelines and client_connection_check_interval need 14 */
#define ARGON2_SLOW_MS 1000

static const struct log context = { .component = "admin" };

static void
check_schema(struct doctor *d, struct db *db)
{
	struct error err;
	int64_t version;

	error_clear(&err);
	if (!store_schema_version(db, d->arena, &version, &err))
		doctor_fail(d, "schema", NULL, "%s", doctor_reason(&err));
	else if (version < SCHEMA_VERSION)
		doctor_fail(d, "schema", db_int(d->arena, version),
		    "the schema is older than this program, which needs %d: run"
		    " 'medianest-admin migrate'",
		    SCHEMA_VERSION);
	else if (version > SCHEMA_VERSION)
		doctor_warn(d, "schema", db_int(d->arena, version),
		    "the schema is newer than this program, which needs %d: install the"
		    " newer MediaNest here too",
		    SCHEMA_VERSION);
	else
		doctor_ok(d, "schema", db_int(d->arena, version), "%s", "");
}

static void
check_server(struct doctor *d, struct db *db)
{
	struct server_facts facts;
	struct error err;

	error_clear(&err);
	if (!store_server_facts(db, d->arena, &facts, &err)) {
		doctor_fail(d, "postgresql", NULL, "cannot connect with database.migrate_url: %s",
		    doctor_reason(&err));
		return;
	}
	if (facts.version_num < SERVER_OLDEST)
		doctor_fail(d, "postgresql", facts.version,
		    "this version is too old: install PostgreSQL %d or newer",
		    SERVER_OLDEST / 10000);
	else if (!str_eq(facts.encoding, "UTF8"))
		doctor_fail(d, "postgresql", facts.version,
		    "the database's encoding is %s: create the database with ENCODING 'UTF8'",
		    facts.encoding);
	else
		doctor_ok(d, "postgresql", facts.version, "%s", "");
	for (size_t i = 0; i < facts.nmissing; i++)
		doctor_fail(d, "extension", facts.missing[i],
		    "is not installed: install PostgreSQL's contrib modules, then run"
		    " 'medianest-admin migrate'");
	if (facts.nmissing == 0)
		doctor_ok(d, "extension", NULL, "unaccent, pg_trgm");
	check_schema(d, db);
}

/* Checks a role of the services: it can connect and has no more rights than it should. */
static void
check_role(struct doctor *d, enum config_key url)
{
	struct db *db = db_new(config_str(d->config, url), DATABASE_MS, &context);
	const char *key = config_rows[url].key;
	struct server_facts facts;
	struct error err;

	error_clear(&err);
	if (!store_server_facts(db, d->arena, &facts, &err))
		doctor_fail(d, key, NULL, "cannot connect: %s", doctor_reason(&err));
	else if (facts.superuser)
		doctor_fail(d, key, facts.role,
		    "this role is a superuser: use a separate one (CREATE ROLE ... LOGIN)");
	else if (facts.creates)
		doctor_warn(d, key, facts.role,
		    "this role may create tables: run REVOKE CREATE ON SCHEMA public FROM %s",
		    facts.role);
	else
		doctor_ok(d, key, facts.role, "%s", "");
	db_free(db);
}

void
doctor_check_postgresql(struct doctor *d)
{
	struct db *db =
	    db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DATABASE_MS, &context);

	check_server(d, db);
	db_free(db);
	check_role(d, CFG_DATABASE_API_URL);
	check_role(d, CFG_DATABASE_WORKER_URL);
	if (config_bool(d->config, CFG_STORAGE_EMBEDDED))
		check_role(d, CFG_DATABASE_STORE_URL);
}

void
doctor_check_redis(struct doctor *d)
{
	struct redis *redis = redis_new(config_str(d->config, CFG_REDIS_URL),
	    config_str(d->config, CFG_REDIS_PREFIX), "medianest-admin", &context);
	struct redis_facts facts;
	struct error err;

	error_clear(&err);
	if (!store_redis_facts(redis, d->arena, &facts, &err))
		doctor_fail(d, "redis", NULL,
		    "redis.url is not responding (everything works without Redis, but"
		    " slower and without rate limits): %s",
		    doctor_reason(&err));
	else if (facts.policy == NULL)
		doctor_warn(d, "redis", facts.version,
		    "Redis does not report its maxmemory-policy: make sure that it is"
		    " noeviction or volatile-*");
	else if (!str_eq(facts.policy, "noeviction") && !str_starts(facts.policy, "volatile-"))
		doctor_fail(d, "redis", facts.version,
		    "maxmemory-policy is %s: it could evict the list of revoked sessions; set"
		    " 'maxmemory-policy noeviction' or volatile-lru",
		    facts.policy);
	else
		doctor_ok(d, "redis", facts.version, "maxmemory-policy %s", facts.policy);
	redis_free(redis);
}

void
doctor_check_keys(struct doctor *d)
{
	struct keyring *ring;
	struct error err;

	error_clear(&err);
	ring = keyring_load(d->config, false, &err);
	if (ring == NULL)
		doctor_fail(d, "keys", NULL, "%s", doctor_reason(&err));
	else if (*keyring_storage_access(ring) == '\0' || *keyring_storage_secret(ring) == '\0')
		doctor_fail(d, "keys", NULL,
		    "there are no credentials for the object store: run 'medianest-admin"
		    " keys create', or set storage.access_key and storage.secret_key");
	else
		doctor_ok(d, "keys", NULL, "token key %d signs tokens",
		    keyring_jwt_signing(ring)->kid);
	keyring_free(ring);
}

void
doctor_check_argon2(struct doctor *d)
{
	int64_t start = clock_monotonic(), ms;
	char hash[ARGON2_HASH_MAX];
	struct error err;

	error_clear(&err);
	if (!password_hash(config_str(d->config, CFG_RUN_DIR), "how long does it take?", hash,
		&err)) {
		doctor_fail(d, "argon2", NULL, "passwords cannot be hashed: %s",
		    doctor_reason(&err));
		return;
	}
	ms = (clock_monotonic() - start) / US_PER_MS;
	if (ms > ARGON2_SLOW_MS)
		doctor_warn(d, "argon2", "argon2id v19",
		    "one hash takes %lld ms: this machine is slow or very busy, so signing"
		    " in is slow too",
		    (long long)ms);
	else
		doctor_ok(d, "argon2", "argon2id v19", "%lld ms per hash", (long long)ms);
}
