#include "service/gate/cache.h"

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/s3.h"
#include "store/scripts.h"
#include "store/store_media.h"

#include "core/banned.h"

#define VERSION_BYTES 8

/*
 * A URL is signed as of the start of its time bucket, and may already be that old when it is
 * cached.
 */
_Static_assert(CACHE_TTL_SECONDS < S3_URL_LIFE_SECONDS - S3_URL_BUCKET_SECONDS,
    "a cached response outlives its URLs");

void
cache_store(const struct call *call, const struct admission *adm, const char *body, size_t len)
{
	const char *argv[9];
	size_t lens[9];
	struct error ignored;

	if (adm == NULL || adm->cache_name == NULL || adm->config_version == NULL ||
	    len > CACHE_BODY_MAX)
		return;
	argv[0] = adm->cache_name;
	argv[1] = adm->run_id;
	argv[2] = adm->house_version;
	argv[3] = adm->user_version;
	argv[4] = db_int(call->arena, adm->generation);
	argv[5] = adm->config_version;
	argv[6] = db_int(call->arena, CACHE_TTL_SECONDS);
	argv[7] = body;
	for (size_t i = 0; i < 7; i++)
		lens[i] = __builtin_strlen(argv[i]);
	lens[7] = len;
	redis_eval(call->svc->redis, call->arena, &script_cache, 1, 8, argv, lens, NULL, &ignored);
}

static const char *
field_of(struct arena *arena, const char *scope)
{
	if (str_eq(scope, CACHE_HOUSE) || str_eq(scope, CACHE_CONFIG))
		return scope;
	return arena_printf(arena, "u:%s", scope);
}

bool
cache_raise(const struct call *call, const char *scope)
{
	struct redis *redis = call->svc->redis;
	unsigned char random[VERSION_BYTES];
	struct error ignored;

	random_bytes(random, sizeof(random));
	return redis_command(redis, call->arena,
	    REDIS_ARGV("HSET", redis_key(redis, call->arena, "ver"), field_of(call->arena, scope),
		hex_encode(call->arena, random, sizeof(random))),
	    NULL, &ignored);
}

bool
cache_drop_versions(const struct call *call)
{
	struct redis *redis = call->svc->redis;
	struct error ignored;

	return redis_command(redis, call->arena,
	    REDIS_ARGV("DEL", redis_key(redis, call->arena, "ver")), NULL, &ignored);
}

struct bump {
	struct call call;
	const char *scope;
};

static void
raise_now(void *context)
{
	const struct bump *b = context;

	if (!cache_raise(&b->call, b->scope))
		log_warn(b->call.svc->log,
		    "Redis did not take the new version of %s; the worker will repeat it",
		    b->scope);
}

void
cache_bump(const struct call *call, const char *scope)
{
	const struct bump b = { *call, arena_strdup(call->arena, scope) };

	/* Not before the commit: data read in between would be cached as new. */
	db_on_commit(call->svc->db, call->arena, raise_now,
	    arena_memdup(call->arena, &b, sizeof(b)));
}

bool
cache_change(const struct call *call, const char *scope, struct error *err)
{
	if (!store_media_scope_told(call->svc->db, call->arena, scope, err))
		return false;
	cache_bump(call, scope);
	return true;
}

void
cache_bump_config(const struct call *call)
{
	cache_bump(call, CACHE_CONFIG);
}
