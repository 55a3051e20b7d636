#include "service/gate/admission.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/metric.h"
#include "core/str.h"
#include "core/words.h"
#include "service/call.h"
#include "service/gate/cache.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/scripts.h"
#include "store/store_sessions.h"

#include "core/banned.h"

#define GUARD_TRIES 4    /* reconnect, reload the epoch, load the generation, then the result */
#define RELOAD_BATCH 500 /* revocations sent in one command */

struct windows {
	int64_t minute, hour;
	const char *policy;
};

static struct windows
windows_of(const struct config *config, const struct admission_ask *ask)
{
	const struct principal *who = ask->who;

	if (ask->uncounted || ask->source != NULL)
		return (struct windows) { .policy = ask->source != NULL ? "source" : "none" };
	if (who->user_id[0] == '\0')
		return (struct windows) { config_int(config, CFG_LIMIT_ANONYMOUS_MINUTE),
			config_int(config, CFG_LIMIT_ANONYMOUS_HOUR), "anonymous" };
	if (who->role >= ROLE_ADMIN)
		return (struct windows) { config_int(config, CFG_LIMIT_ADMIN_MINUTE),
			config_int(config, CFG_LIMIT_ADMIN_HOUR), "admin" };
	if (who->tier == TIER_PREMIUM)
		return (struct windows) { config_int(config, CFG_LIMIT_PREMIUM_MINUTE),
			config_int(config, CFG_LIMIT_PREMIUM_HOUR), "premium" };
	return (struct windows) { config_int(config, CFG_LIMIT_AUTHENTICATED_MINUTE),
		config_int(config, CFG_LIMIT_AUTHENTICATED_HOUR), "authenticated" };
}

const char *
admission_address(struct arena *arena, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;

	if (address == NULL || inet_pton(AF_INET6, address, &six) != 1)
		return address == NULL ? "unknown" : address;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof(text)) == NULL ?
		    address :
		    arena_strdup(arena, text);
	memset(&six.s6_addr[8], 0, 8);
	if (inet_ntop(AF_INET6, &six, text, sizeof(text)) == NULL)
		return address;
	return arena_printf(arena, "%s/64", text);
}

/* Copies every unexpired revocation into this life of Redis and marks the copy complete. */
static bool
reload_epoch(const struct call *call, const char *run_id, struct error *err)
{
	const char **argv;
	struct revoked *revoked;
	struct redisReply *reply;
	size_t i, n, argc = 0;

	if (!store_revoked_list(call->svc->db, call->arena, &revoked, &n, err))
		return false;
	/*
	 * All but the last part as plain additions; the script then adds the rest and sets the
	 * epoch.
	 */
	argv = arena_array(call->arena, 4 + 2 * RELOAD_BATCH, sizeof(*argv));
	for (i = 0; n - i > RELOAD_BATCH;) {
		size_t end = i + RELOAD_BATCH;

		argc = 0;
		argv[argc++] = "ZADD";
		argv[argc++] = redis_key(call->svc->redis, call->arena, "revoked");
		argv[argc++] = "GT";
		for (; i < end; i++) {
			argv[argc++] = revoked[i].expires;
			argv[argc++] = revoked[i].sid;
		}
		if (!redis_command(call->svc->redis, call->arena, argc, argv, NULL, NULL, err))
			return false;
	}
	argc = 0;
	argv[argc++] = redis_key(call->svc->redis, call->arena, "epoch");
	argv[argc++] = redis_key(call->svc->redis, call->arena, "revoked");
	argv[argc++] = redis_key(call->svc->redis, call->arena, "gen");
	argv[argc++] = run_id;
	for (; i < n; i++) {
		argv[argc++] = revoked[i].sid;
		argv[argc++] = revoked[i].expires;
	}
	if (!redis_eval(call->svc->redis, call->arena, &script_reload, 3, argc, argv, NULL, &reply,
		err))
		return false;
	/* Of several that came at once, the first one did it. */
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1)
		metric_add(METRIC_EPOCH_RELOADS, UNLABELLED, 1);
	log_notice(call->svc->log, "revocations loaded into Redis: %zu", n);
	return true;
}

static bool
set_generation(const struct call *call, const char *run_id, const char *user_id,
    const char *generation, struct error *err)
{
	return redis_eval(call->svc->redis, call->arena, &script_generation, 2,
	    REDIS_ARGV(redis_key(call->svc->redis, call->arena, "epoch"),
		redis_key(call->svc->redis, call->arena, "gen"), run_id, user_id, generation),
	    NULL, err);
}

static bool
load_generation(const struct call *call, const char *run_id, const char *user_id, struct error *err)
{
	int64_t generation;
	bool found;

	if (!store_generation(call->svc->db, call->arena, user_id, &generation, &found, err))
		return false;
	if (!found)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_revoked",
		    "This account is not active.");
	return set_generation(call, run_id, user_id, db_int(call->arena, generation), err);
}

/* Redis is unavailable: PostgreSQL decides whether the session is active; the limits fail open. */
static bool
check_without_redis(const struct call *call, const struct principal *who, struct error *err)
{
	struct session_check check;

	metric_add(METRIC_LIMIT_FAIL_OPEN, UNLABELLED, 1);
	if (who->session_id[0] == '\0')
		return true;
	if (!store_session_check(call->svc->db, call->arena, who->session_id, who->user_id, &check,
		err))
		return false;
	if (!check.alive)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_revoked",
		    "This session has ended. Sign in again.");
	if (check.generation != who->generation)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_stale",
		    "The account has changed since this access token was issued. Refresh"
		    " the token.");
	return true;
}

static const char *
reply_text(const struct redisReply *r, size_t i)
{
	return i < r->elements && r->element[i]->type == REDIS_REPLY_STRING ? r->element[i]->str :
									      "";
}

static int64_t
reply_int(const struct redisReply *r, size_t i)
{
	return i < r->elements && r->element[i]->type == REDIS_REPLY_INTEGER ?
	    r->element[i]->integer :
	    0;
}

static void
take_reply(struct admission *adm, const struct redisReply *r, const struct windows *windows,
    const struct admission_ask *ask, bool refused_credentials)
{
	const char *which = reply_text(r, 6);

	adm->limit = reply_int(r, 1);
	adm->counted = adm->limit > 0;
	adm->remaining = reply_int(r, 2);
	adm->reset = reply_int(r, 3);
	adm->window = (int)reply_int(r, 4);
	adm->policy = which[0] == 'c' ? ask->rate_class :
	    refused_credentials       ? "anonymous" :
					windows->policy;
	adm->house_version = reply_text(r, 7);
	adm->user_version = reply_text(r, 8);
	adm->config_version = reply_text(r, 9);
	if (r->elements > 10 && r->element[10]->type == REDIS_REPLY_STRING) {
		adm->cached = r->element[10]->str;
		adm->cached_len = r->element[10]->len;
	}
	adm->asked_before = reply_int(r, 11) != 0;
}

/* The key of the caller's rate windows. */
static const char *
subject_key(const struct call *call, const struct admission_ask *ask, const char *address)
{
	if (ask->source != NULL)
		return redis_key(call->svc->redis, call->arena, "windows:h:%s", ask->source);
	if (ask->who->user_id[0] != '\0')
		return redis_key(call->svc->redis, call->arena, "windows:u:%s", ask->who->user_id);
	return address;
}

static bool
run_guard(const struct call *call, const struct admission_ask *ask, struct admission *adm,
    struct redisReply **reply, struct error *err)
{
	const struct principal *who = ask->who;
	const struct admission_ask nobody = { .who = &principal_nobody,
		.uncounted = ask->uncounted };
	struct windows windows = windows_of(call->svc->config, ask),
		       anonymous = windows_of(call->svc->config, &nobody);
	const char *address = redis_key(call->svc->redis, call->arena, "windows:a:%s",
	    admission_address(call->arena, ask->address));
	bool class = ask->rate_class != NULL && ask->class_limit > 0 && !ask->uncounted;

	return redis_eval(call->svc->redis, call->arena, &script_guard, 7,
	    REDIS_ARGV(redis_key(call->svc->redis, call->arena, "epoch"),
		redis_key(call->svc->redis, call->arena, "revoked"),
		redis_key(call->svc->redis, call->arena, "gen"),
		redis_key(call->svc->redis, call->arena, "ver"), subject_key(call, ask, address),
		address, adm->cache_name != NULL ? adm->cache_name : "", adm->run_id,
		who->session_id, who->user_id, db_int(call->arena, who->generation),
		db_int(call->arena, windows.minute), db_int(call->arena, windows.hour),
		db_int(call->arena, anonymous.minute), db_int(call->arena, anonymous.hour),
		class ? ask->rate_class : "", db_int(call->arena, ask->class_limit),
		adm->cache_name != NULL ? "1" : "0", TEXT(ADMISSION_RETRY_CAP),
		TEXT(CACHE_TTL_SECONDS), ask->peek ? "1" : "0"),
	    reply, err);
}

/*
 * A dead connection is opened again within a command. Then a request with the old run_id may have
 * met a server that came back with an old snapshot, whose epoch is that very run_id. Such a result
 * must be discarded.
 */
bool
admission_same_life(const struct call *call, const char *run_id)
{
	struct error ignored;

	return str_eq(redis_run_id(call->svc->redis, &ignored), run_id);
}

static const char *
cache_name(const struct call *call, const struct admission_ask *ask)
{
	const char *text = ask->cache_key;
	char hash[SHA256_HEX];

	if (text == NULL || ask->who->user_id[0] == '\0')
		return NULL;
	if (ask->who->scoped) /* a token with fewer rights may see less */
		text = arena_printf(call->arena, "%s scopes %x", text, ask->who->scopes);
	sha256_hex(text, strlen(text), hash);
	return redis_key(call->svc->redis, call->arena, "cache:%s:%s", ask->who->user_id, hash);
}

static bool
verdict(const char *state, const struct redisReply *r, const struct admission *adm,
    struct error *err)
{
	if (str_eq(state, "ok"))
		return true;
	if (str_eq(state, "limited")) {
		error_set(err, ERR_RATE_LIMITED, "Too many requests. Try again in %lld seconds.",
		    (long long)reply_int(r, 5));
		err->retry_after = (int)reply_int(r, 5);
		return false;
	}
	if (str_eq(state, "revoked"))
		return error_slug(err, ERR_UNAUTHENTICATED, "token_revoked",
		    "This session has ended. Sign in again.");
	if (str_eq(state, "stale"))
		return error_slug(err, ERR_UNAUTHENTICATED, "token_stale",
		    "The account has changed since this access token was issued. Refresh"
		    " the token.");
	return error_set(err, ERR_INTERNAL,
	    "The request could not be checked. Try again in a moment.");
}

bool
admission_check(const struct call *call, const struct admission_ask *ask,
    const struct admission **out, struct error *err)
{
	struct windows windows = windows_of(call->svc->config, ask);
	struct admission *adm = arena_alloc(call->arena, sizeof(*adm));
	struct redisReply *reply;
	const char *state = "";
	struct error why;

	*out = adm;
	adm->generation = ask->who->generation;
	adm->cache_name = cache_name(call, ask);
	for (int tries = 0; tries < GUARD_TRIES; tries++) {
		adm->run_id = redis_run_id(call->svc->redis, &why);
		if (adm->run_id == NULL || adm->run_id[0] == '\0')
			break;
		adm->run_id = arena_strdup(call->arena, adm->run_id);
		if (!run_guard(call, ask, adm, &reply, &why))
			break;
		if (!admission_same_life(call, adm->run_id))
			continue;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
			break;
		state = reply_text(reply, 0);
		if (str_eq(state, "epoch")) {
			if (!reload_epoch(call, adm->run_id, &why)) {
				if (call->svc->db != NULL && !db_connected(call->svc->db))
					return error_slug(err, ERR_UNAVAILABLE,
					    "database_unavailable",
					    "The server cannot check your session right"
					    " now. Try again in a moment.");
				break;
			}
			continue;
		}
		if (str_eq(state, "unknown")) {
			if (!load_generation(call, adm->run_id, ask->who->user_id, &why)) {
				if (why.code == ERR_UNAUTHENTICATED ||
				    !db_connected(call->svc->db)) {
					*err = why;
					return false;
				}
				break;
			}
			continue;
		}
		take_reply(adm, reply, &windows, ask,
		    !str_eq(state, "ok") && !str_eq(state, "limited"));
		return verdict(state, reply, adm, err);
	}
	/* Nothing that depends on Redis is known, so the cache is not used either. */
	adm->cache_name = adm->config_version = NULL;
	return check_without_redis(call, ask->who, err);
}

bool
admission_life(const struct call *call, const char **run_id, struct error *err)
{
	struct redisReply *reply;
	const char *id = redis_run_id(call->svc->redis, err);

	if (id == NULL || id[0] == '\0')
		return error_slug(err, ERR_UNAVAILABLE, "redis_unavailable",
		    "The server cannot reach its session store. Try again in a moment.");
	*run_id = arena_strdup(call->arena, id);
	if (!redis_command(call->svc->redis, call->arena,
		REDIS_ARGV("GET", redis_key(call->svc->redis, call->arena, "epoch")), &reply, err))
		return false;
	if (!admission_same_life(call, *run_id))
		*run_id = arena_strdup(call->arena, redis_run_id(call->svc->redis, err));
	return (reply->type == REDIS_REPLY_STRING && str_eq(reply->str, *run_id)) ||
	    reload_epoch(call, *run_id, err);
}

bool
admission_push_revoked(const struct call *call, struct strings sids, int64_t expires_at,
    struct error *err)
{
	const char *expiry = db_int(call->arena, expires_at / US_PER_SEC + 1), *run_id;

	if (!admission_life(call, &run_id, err))
		return false;
	for (size_t i = 0; i < sids.n; i++)
		if (!redis_command(call->svc->redis, call->arena,
			REDIS_ARGV("ZADD", redis_key(call->svc->redis, call->arena, "revoked"),
			    "GT", expiry, sids.items[i]),
			NULL, err))
			return false;
	/* Their tokens have expired, and stay so even if the clock is set back. */
	return redis_command(call->svc->redis, call->arena,
	    REDIS_ARGV("ZREMRANGEBYSCORE", redis_key(call->svc->redis, call->arena, "revoked"),
		"-inf",
		arena_printf(call->arena, "(%lld",
		    (long long)(clock_now() / US_PER_SEC - REVOKED_KEEP_SECONDS))),
	    NULL, err);
}

bool
admission_push_generation(const struct call *call, const char *user_id, int64_t generation,
    struct error *err)
{
	const char *run_id;

	return admission_life(call, &run_id, err) &&
	    set_generation(call, run_id, user_id, db_int(call->arena, generation), err);
}
