/* The doctor's checks of PostgreSQL, Redis, and the clock. */
#include <stdlib.h>
#include <string.h>

#include "client/probe.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/operator/doctor_internal.h"
#include "service/operator/host_memory.h"
#include "service/schema_version.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/store_doctor.h"
#include "store/store_schema.h"
#include "core/banned.h"

#define SERVER_OLDEST 140000 /* pipelines and client_connection_check_interval need 14 */
#define CLOCK_LIMIT_US (60 * US_PER_SEC)
#define REDIS_FULL_PERCENT 90
#define REDIS_UNIT "redis-server"
#define REDIS_OWN "medianest-redis"

static const struct log context = { .component = "admin" };

/* The name in quotes after `word`, as in: role "x" does not exist. */
static const char *
quoted_after(struct arena *arena, const char *text, const char *word)
{
	const char *p = strstr(text, word);

	p = p != NULL ? strchr(p, '"') : NULL;
	return p != NULL ? arena_strndup(arena, p + 1, strcspn(p + 1, "\"")) : "";
}

void
judge_connection(struct doctor *d, const char *key, const char *message)
{
	if (strstr(message, "locale") != NULL)
		doctor_found(d, FAULT_PG_LOCALE_MISSING, NULL,
		    "%s: the database's locale is not installed: %s", key, message);
	else if (strstr(message, "role \"") != NULL && strstr(message, "does not exist") != NULL)
		doctor_found(d, FAULT_PG_ROLE, quoted_after(d->arena, message, "role \""),
		    "%s: the role is missing: %s", key, message);
	else if (strstr(message, "database \"") != NULL &&
	    strstr(message, "does not exist") != NULL)
		doctor_found(d, FAULT_PG_DATABASE, quoted_after(d->arena, message, "database \""),
		    "%s: the database is missing: %s", key, message);
	else if (strstr(message, "authentication failed") != NULL ||
	    strstr(message, "no pg_hba.conf entry") != NULL ||
	    strstr(message, "no password supplied") != NULL)
		doctor_found(d, FAULT_PG_ACCESS, quoted_after(d->arena, message, "user "),
		    "%s: PostgreSQL does not let the role in: %s", key, message);
	else if (!doctor_has(d, FAULT_PG_DOWN))
		doctor_found(d, FAULT_PG_DOWN, NULL, "%s: cannot connect: %s", key, message);
}

void
judge_schema(struct doctor *d, int64_t version)
{
	if (version < SCHEMA_VERSION)
		doctor_found(d, FAULT_SCHEMA_OLD, NULL,
		    "the schema %lld is older than this program, which needs %d",
		    (long long)version, SCHEMA_VERSION);
	else if (version > SCHEMA_VERSION)
		doctor_found(d, FAULT_SCHEMA_NEW, NULL,
		    "the schema %lld is newer than this program, which knows %d",
		    (long long)version, SCHEMA_VERSION);
	else
		doctor_ok(d, "schema", db_int(d->arena, version), "%s", "");
}

void
judge_server(struct doctor *d, const struct server_facts *f)
{
	if (f->version_num < SERVER_OLDEST)
		doctor_found(d, FAULT_PG_OLD, NULL, "PostgreSQL %s is too old: %d is needed",
		    f->version, SERVER_OLDEST / 10000);
	if (!str_eq(f->encoding, "UTF8"))
		doctor_found(d, FAULT_PG_ENCODING, f->database, "the database's encoding is %s",
		    f->encoding);
	if (f->collation_changed)
		doctor_found(d, FAULT_PG_LOCALE, f->database,
		    "the host's locale sorts differently since the database was made, so indexes"
		    " may miss rows");
	for (size_t i = 0; i < f->nmissing; i++)
		doctor_found(d, FAULT_PG_EXTENSION, NULL, "the extension %s is not installed",
		    f->missing[i]);
	doctor_ok(d, "postgresql", f->version, "%s", "");
	if (f->nmissing == 0)
		doctor_ok(d, "extension", NULL, "unaccent, pg_trgm");
}

void
judge_buffers(struct doctor *d, const struct server_facts *f, int64_t memory_mb)
{
	int64_t wanted = f->local ? host_buffers_mb(memory_mb, f->buffers_mb) : 0;

	if (wanted > 0)
		doctor_found(d, FAULT_PG_BUFFERS,
		    arena_printf(d->arena, "%lldMB", (long long)wanted),
		    "shared_buffers are %lld of the %lld MB of this host, which the services need",
		    (long long)f->buffers_mb, (long long)memory_mb);
}

static void
check_server(struct doctor *d, struct db *db)
{
	struct server_facts facts;
	struct error err;
	int64_t version;

	error_clear(&err);
	if (!store_server_facts(db, d->arena, &facts, &err)) {
		doctor_unknown(d, "postgresql");
		judge_connection(d, config_rows[CFG_DATABASE_MIGRATE_URL].key, doctor_reason(&err));
		return;
	}
	judge_server(d, &facts);
	judge_buffers(d, &facts, host_memory_mb());
	if (store_schema_version(db, d->arena, &version, &err))
		judge_schema(d, version);
	else
		doctor_unknown(d, "postgresql");
}

/* Checks a role of the services: it can connect and has no more rights than it should. */
static void
check_role(struct doctor *d, enum config_key url)
{
	struct db *db = db_new(config_str(d->config, url), DOCTOR_DATABASE_MS, &context);
	const char *key = config_rows[url].key;
	struct server_facts facts;
	struct error err;

	error_clear(&err);
	if (!store_server_facts(db, d->arena, &facts, &err)) {
		doctor_unknown(d, "postgresql");
		judge_connection(d, key, doctor_reason(&err));
	} else if (facts.superuser) {
		doctor_found(d, FAULT_PG_SUPERUSER, facts.role, "%s: the role %s is a superuser",
		    key, facts.role);
	} else if (facts.creates) {
		doctor_found(d, FAULT_PG_CREATES, facts.role,
		    "%s: the role %s may create tables in %s", key, facts.role, facts.database);
	} else {
		doctor_ok(d, key, facts.role, "%s", "");
	}
	db_free(db);
}

void
doctor_check_postgresql(struct doctor *d)
{
	struct db *db =
	    db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DOCTOR_DATABASE_MS, &context);

	check_server(d, db);
	db_free(db);
	check_role(d, CFG_DATABASE_API_URL);
	check_role(d, CFG_DATABASE_WORKER_URL);
	if (config_bool(d->config, CFG_STORAGE_EMBEDDED))
		check_role(d, CFG_DATABASE_STORE_URL);
}

/* --- Redis ------------------------------------------------------------------------------------ */

static const char *
redis_cli(struct doctor *d)
{
	const char *url = config_str(d->config, CFG_REDIS_URL);

	if (!str_starts(url, "unix:"))
		return arena_printf(d->arena, "redis-cli -u %.*s", (int)strcspn(url, "@?"), url);
	url += strspn(url + strlen("unix:"), "/") - 1 + strlen("unix:");
	return arena_printf(d->arena, "redis-cli -s %.*s", (int)strcspn(url, "?"), url);
}

void
judge_redis(struct doctor *d, const struct redis_facts *f)
{
	if (f->policy == NULL)
		doctor_ok(d, "redis", f->version, "does not report its maxmemory-policy");
	else if (!str_eq(f->policy, "noeviction") && !str_starts(f->policy, "volatile-"))
		doctor_found(d, FAULT_REDIS_POLICY, redis_cli(d),
		    "maxmemory-policy is %s: Redis could evict the list of revoked sessions",
		    f->policy);
	else
		doctor_ok(d, "redis", f->version, "maxmemory-policy %s", f->policy);
	if (f->maxmemory > 0 && f->used * 100 > f->maxmemory * REDIS_FULL_PERCENT)
		doctor_found(d, FAULT_REDIS_FULL, redis_cli(d),
		    "%s of %s are in use: sessions and caches will be refused or evicted",
		    str_size(d->arena, f->used), str_size(d->arena, f->maxmemory));
}

void
judge_redis_access(struct doctor *d, const char *reason)
{
	bool own = strstr(config_str(d->config, CFG_REDIS_URL), REDIS_OWN) != NULL;

	if (strstr(reason, "AUTH") != NULL || strstr(reason, "WRONGPASS") != NULL ||
	    strstr(reason, "NOPERM") != NULL)
		doctor_found(d, FAULT_REDIS_ACCESS, config_path(d->config),
		    "Redis does not let MediaNest in: %s", reason);
	else
		doctor_found(d, FAULT_REDIS_DOWN, own ? REDIS_OWN : REDIS_UNIT,
		    "redis.url is not responding; MediaNest works, but slower and without rate"
		    " limits: %s",
		    reason);
}

void
doctor_check_redis(struct doctor *d)
{
	struct redis *redis = redis_new(config_str(d->config, CFG_REDIS_URL),
	    config_str(d->config, CFG_REDIS_PREFIX), "medianest-admin", &context);
	struct redis_facts facts;
	struct error err = { 0 };

	if (store_redis_facts(redis, d->arena, &facts, &err)) {
		judge_redis(d, &facts);
	} else {
		doctor_unknown(d, "redis");
		judge_redis_access(d, doctor_reason(&err));
	}
	redis_free(redis);
}

/* --- the clock -------------------------------------------------------------------------------- */

void
judge_clock(struct doctor *d, const struct clock_facts *f)
{
	int64_t off = llabs(f->ahead_us);

	if (off <= CLOCK_LIMIT_US || d->clock_wrong)
		return;
	d->clock_wrong = true;
	doctor_found(d, FAULT_CLOCK, NULL,
	    "this machine's clock is %lld minutes %s that of %s: signatures, links and"
	    " certificates look wrong by that",
	    (long long)((off + 30 * US_PER_SEC) / (60 * US_PER_SEC)),
	    f->ahead_us > 0 ? "ahead of" : "behind", f->other);
}

static void
compare_http(struct doctor *d, const char *url)
{
	struct probe_request req = { .url = url, .insecure = true };
	struct probe seen;

	if (probe_http(&req, &seen) && seen.date != 0)
		judge_clock(d,
		    &(struct clock_facts) { .other = url, .ahead_us = clock_now() - seen.date });
}

void
doctor_check_clock(struct doctor *d)
{
	struct db *db =
	    db_new(config_str(d->config, CFG_DATABASE_MIGRATE_URL), DOCTOR_DATABASE_MS, &context);
	struct error err;
	int64_t now;

	error_clear(&err);
	if (store_server_clock(db, d->arena, &now, &err))
		judge_clock(d,
		    &(struct clock_facts) { .other = "PostgreSQL", .ahead_us = clock_now() - now });
	else
		doctor_unknown(d, "clock");
	db_free(db);
	compare_http(d, config_str(d->config, CFG_STORAGE_ENDPOINT));
	compare_http(d, config_str(d->config, CFG_PUBLIC_URL));
	if (!d->clock_wrong)
		doctor_ok(d, "clock", NULL, "agrees with PostgreSQL, the object store and nginx");
}
