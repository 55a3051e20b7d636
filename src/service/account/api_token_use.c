/*
 * The owner of an API token: PostgreSQL decides, and Redis keeps the result for a minute.
 *
 * The kept result becomes void when the owner's generation is raised, the token is revoked or
 * expires, or Redis restarts (store/token_recall.lua). Then, and for an unknown token, PostgreSQL
 * is asked, but not for a caller over a limit. That limit is the owner's if the kept result names
 * one, otherwise that of the address.
 */
#include <hiredis/hiredis.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/account/api_token.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/redis.h"
#include "store/scripts.h"
#include "store/store_tokens.h"

#include "core/banned.h"

#define KEEP_SECONDS "86400" /* for the limiter only; as an identity API_TOKEN_FRESH_SECONDS */

enum {
	RECALL_STATE,
	RECALL_NOW,
	RECALL_USER,
	RECALL_GENERATION,
	RECALL_ROLE,
	RECALL_TIER,
	RECALL_SCOPES,
	RECALL_TOKEN
};

/* The lookup of one token. */
struct lookup {
	const struct call *call;
	const char *token, *key; /* in Redis */
	const char *run_id;      /* NULL: Redis is unavailable */
	const char *asked;       /* time of Redis before PostgreSQL was asked */
};

static const char *
reply_text(const struct redisReply *r, size_t i)
{
	return r->type == REDIS_REPLY_ARRAY && i < r->elements &&
		r->element[i]->type == REDIS_REPLY_STRING ?
	    r->element[i]->str :
	    "";
}

/* Comma-separated names of permissions. */
static permission_set
scopes_parse(struct arena *arena, const char *text)
{
	permission_set set = 0;
	enum permission permission;

	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (permission_parse(arena_strndup(arena, text, len), &permission))
			set |= PERM_BIT(permission);
		text += len + (text[len] == ',');
	}
	return permission_closure(set);
}

static const char *
scopes_text(struct arena *arena, permission_set scopes)
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (scopes & PERM_BIT(permission))
			buf_addf(&buf, "%s%s", buf.len > 0 ? "," : "", permission_name(permission));
	return buf.data;
}

static bool
principal_take(struct arena *arena, const struct redisReply *r, struct principal *who)
{
	if (!uuid_valid(reply_text(r, RECALL_USER)) ||
	    !role_parse(reply_text(r, RECALL_ROLE), &who->role) ||
	    !tier_parse(reply_text(r, RECALL_TIER), &who->tier) ||
	    !str_to_int(reply_text(r, RECALL_GENERATION), 0, INT64_MAX, &who->generation))
		return false;
	str_copy(who->user_id, sizeof(who->user_id), reply_text(r, RECALL_USER));
	str_copy(who->token_id, sizeof(who->token_id), reply_text(r, RECALL_TOKEN));
	who->scoped = true;
	who->scopes = scopes_parse(arena, reply_text(r, RECALL_SCOPES));
	return true;
}

/*
 * Fills who with the result that Redis keeps for the token; false: that is not enough to let it in.
 * Then who is only for the limiter, or nobody.
 */
static bool
recall(struct lookup *look, struct principal *who)
{
	const struct call *call = look->call;
	struct redis *redis = call->svc->redis;
	struct redisReply *r;
	struct error ignored;
	const char *run_id = redis_run_id(redis, &ignored);

	look->run_id = NULL;
	if (run_id == NULL || run_id[0] == '\0')
		return false;
	run_id = arena_strdup(call->arena, run_id);
	if (!redis_eval(redis, call->arena, &script_token_recall, 4,
		REDIS_ARGV(redis_key(redis, call->arena, "epoch"),
		    redis_key(redis, call->arena, "revoked"), redis_key(redis, call->arena, "gen"),
		    look->key, run_id),
		&r, &ignored) ||
	    !admission_same_life(call, run_id))
		return false;
	look->run_id = run_id;
	look->asked = reply_text(r, RECALL_NOW);
	/* A kept result needs the complete copy of the revocations. */
	if (str_eq(reply_text(r, RECALL_STATE), "epoch"))
		admission_life(call, &look->run_id, &ignored);
	return principal_take(call->arena, r, who) && str_eq(reply_text(r, RECALL_STATE), "fresh");
}

static void
keep(const struct lookup *look, const struct principal *who, const struct store_token_use *use)
{
	const struct call *call = look->call;
	struct redis *redis = call->svc->redis;
	struct error ignored;

	if (look->run_id == NULL)
		return;
	redis_eval(redis, call->arena, &script_token_keep, 3,
	    REDIS_ARGV(redis_key(redis, call->arena, "epoch"), redis_key(redis, call->arena, "gen"),
		look->key, look->run_id, look->asked, who->user_id,
		db_int(call->arena, who->generation), role_name(who->role), tier_name(who->tier),
		scopes_text(call->arena, who->scopes), use->id,
		db_int(call->arena, use->expires_at / US_PER_SEC),
		db_int(call->arena, API_TOKEN_FRESH_SECONDS), KEEP_SECONDS),
	    NULL, &ignored);
}

/* From now on requests with this bad token count for the address. */
static void
forget(const struct lookup *look)
{
	struct error ignored;

	if (look->run_id != NULL)
		redis_command(look->call->svc->redis, look->call->arena,
		    REDIS_ARGV("DEL", look->key), NULL, &ignored);
}

static bool
take_use(const struct store_token_use *use, struct principal *who, struct error *err)
{
	if (use->owner_id == NULL)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid",
		    "This API token is not valid. Create a new one.");
	if (use->expired)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_expired",
		    "This API token has expired. Create a new one.");
	str_copy(who->user_id, sizeof(who->user_id), use->owner_id);
	str_copy(who->token_id, sizeof(who->token_id), use->id);
	who->role = use->role;
	who->tier = use->tier;
	who->generation = use->generation;
	who->scoped = true;
	who->scopes = permission_closure(use->scopes);
	return true;
}

/* Verifies the token in PostgreSQL, which is the truth. */
static bool
verify(const struct lookup *look, struct principal *who, struct error *err)
{
	const struct call *call = look->call;
	unsigned char hash[SHA256_SIZE];
	struct store_token_use use;

	memset(who, 0, sizeof(*who));
	sha256(look->token, strlen(look->token), hash);
	if (!store_token_use(call->svc->db, call->arena, hash, &use, err))
		return false;
	if (!take_use(&use, who, err)) {
		forget(look);
		return false;
	}
	keep(look, who, &use);
	return true;
}

bool
api_token_identify(const struct call *call, const char *token, const struct admission_ask *ask,
    struct principal *who, const struct admission **adm, struct error *err)
{
	struct lookup look = { .call = call, .token = token };
	struct admission_ask peek = *ask;
	char hash[SHA256_HEX];

	memset(who, 0, sizeof(*who));
	sha256_hex(token, strlen(token), hash);
	look.key = redis_key(call->svc->redis, call->arena, "token:%s", hash);
	if (recall(&look, who))
		return true;
	peek.who = who;
	peek.peek = true;
	if (look.run_id != NULL && !admission_check(call, &peek, adm, err))
		return false;
	return verify(&look, who, err);
}
