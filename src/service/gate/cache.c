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

struct version {
	struct services *svc;
	struct arena *arena;
	const char *field;
};

static void
raise_version(void *context)
{
	const struct version *v = context;
	unsigned char random[VERSION_BYTES];
	struct error err;

	random_bytes(random, sizeof(random));
	if (!redis_command(v->svc->redis, v->arena,
		REDIS_ARGV("HSET", redis_key(v->svc->redis, v->arena, "ver"), v->field,
		    hex_encode(v->arena, random, sizeof(random))),
		NULL, &err))
		log_warn(v->svc->log,
		    "the cache version of %s was not raised, the worker will repeat it:"
		    " %s",
		    v->field, err.detail);
}

/* Not before the commit: data read in between would be cached as new. */
static void
bump(const struct call *call, const char *field)
{
	const struct version version = { call->svc, call->arena, field };

	db_on_commit(call->svc->db, call->arena, raise_version,
	    arena_memdup(call->arena, &version, sizeof(version)));
}

void
cache_bump(const struct call *call, const char *scope)
{
	bump(call, str_eq(scope, "house") ? scope : arena_printf(call->arena, "u:%s", scope));
}

void
cache_bump_config(const struct call *call)
{
	bump(call, "config");
}
