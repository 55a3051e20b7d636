#include "service/session.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/admission.h"
#include "service/login.h"
#include "service/notify.h"
#include "service/services.h"
#include "service/token.h"
#include "store/pg.h"
#include "store/store_jobs.h"
#include "store/store_sessions.h"

#include "core/banned.h"

#define PUSH_RETRY_SECONDS 5 /* after which the worker repeats a push */

static void
user_from_row(const struct rows *rows, size_t row, struct user *user)
{
	*user = (struct user) {
		.id = rows_str(rows, row, PERSON_ID),
		.email = rows_str(rows, row, PERSON_EMAIL),
		.display_name = rows_str(rows, row, PERSON_NAME),
		.active = rows_bool(rows, row, PERSON_ACTIVE),
		.generation = rows_int(rows, row, PERSON_GENERATION),
		.created_at = rows_int(rows, row, PERSON_CREATED),
		.last_login_at = rows_int(rows, row, PERSON_LOGIN),
		.totp_enabled = rows_bool(rows, row, PERSON_TOTP),
		.plex_linked = rows_bool(rows, row, PERSON_PLEX),
	};
	role_parse(rows_str(rows, row, PERSON_ROLE), &user->role);
	tier_parse(rows_str(rows, row, PERSON_TIER), &user->tier);
}

static void
principal_of(const struct user *user, const char *session_id, struct principal *who)
{
	memset(who, 0, sizeof *who);
	str_copy(who->user_id, sizeof who->user_id, user->id);
	str_copy(who->session_id, sizeof who->session_id, session_id);
	who->role = user->role;
	who->tier = user->tier;
	who->generation = user->generation;
}

/* A new refresh token and its hash. */
static const char *
new_refresh_token(struct arena *arena, unsigned char hash[SHA256_SIZE])
{
	unsigned char random[REFRESH_TOKEN_BYTES];
	char *text;

	random_bytes(random, sizeof random);
	text = base64url_encode(arena, random, sizeof random);
	sha256(text, strlen(text), hash);
	return text;
}

static bool
grant_tokens(struct services *svc, struct arena *arena, const struct user *user, const char *session_id, struct session_grant *grant, struct error *err)
{
	struct principal who;

	principal_of(user, session_id, &who);
	grant->user = *user;
	grant->expires_in = (int)config_int(svc->config, CFG_ACCESS_TTL);
	return token_sign(arena, svc->keys, config_str(svc->config, CFG_PUBLIC_URL), &who, clock_now(), grant->expires_in, &grant->token, err);
}

bool
session_login(struct services *svc, struct arena *arena, const char *email, const char *password, const char *device, const char *address,
    struct session_grant *grant, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	char session_id[UUID_TEXT];
	struct session_new new;
	struct login_checked checked;
	struct user user;

	if (!login_check(svc, arena, email, password, address, &checked, err))
		return false;
	user_from_row(checked.person, 0, &user);
	uuid_v7(session_id);
	grant->refresh_token = new_refresh_token(arena, hash);
	new = (struct session_new) {
		.id = session_id,
		.user_id = user.id,
		.device = utf8_clean(arena, device, strlen(device), SESSION_DEVICE_MAX),
		.address = admission_address(arena, address),
		.refresh_hash = hash,
		.expires_at = clock_now() + config_int(svc->config, CFG_REFRESH_TTL) * US_PER_SEC,
	};
	user.last_login_at = clock_now();
	return store_session_create(svc->db, arena, &new, checked.new_hash, err) && grant_tokens(svc, arena, &user, session_id, grant, err);
}

/* In a transaction: ends the session and enqueues the repetition of its push. */
static bool
revoke_in_transaction(struct services *svc, struct arena *arena, const char *session_id, const char *reason, int64_t until, struct error *err)
{
	struct json *payload = json_new(arena, 0);
	struct job_new job = { .kind = JOB_SESSION_PUSH, .queue = "quick", .run_at = clock_now() + PUSH_RETRY_SECONDS * US_PER_SEC };
	bool ended;

	if (!store_session_revoke(svc->db, arena, session_id, reason, until, &ended, err))
		return false;
	if (!ended)
		return true;
	json_object(payload, NULL);
	json_put_str(payload, "sid", session_id);
	json_put_int(payload, "expiresAt", until);
	json_object_end(payload);
	job.payload = payload->buf.data;
	return store_job_add(svc->db, arena, &job, err);
}

/* No access token of a session that ends now lives longer than this. */
static int64_t
blacklist_until(const struct services *svc)
{
	return clock_now() + (config_int(svc->config, CFG_ACCESS_TTL) + 2 * TOKEN_SKEW_SECONDS) * US_PER_SEC;
}

static bool
push_ended(struct services *svc, struct arena *arena, const char *user_id, const char *const *sids, size_t n, int64_t until, struct error *err)
{
	size_t i;

	if (!admission_push_revoked(svc, arena, sids, n, until, err)) {
		error_slug(err, ERR_UNAVAILABLE, "redis_unavailable", "You are signed out, but not every server knows yet. Try again in a moment.");
		err->retry_after = PUSH_RETRY_SECONDS;
		return false;
	}
	for (i = 0; i < n; i++)
		notify_session_ended(svc, arena, user_id, sids[i]);
	return true;
}

/* The family is compromised: ended, pushed, and the caller is told. Called inside the transaction that locked it. */
static bool
refuse_reuse(struct services *svc, struct arena *arena, const char *user_id, const char *session_id, struct error *err)
{
	int64_t until = blacklist_until(svc);

	if (!revoke_in_transaction(svc, arena, session_id, "refresh token reused", until, err) || !db_commit(svc->db, err)) {
		db_rollback(svc->db);
		return false;
	}
	log_warn(svc->log, "a refresh token of session %s was replayed: the family is revoked", session_id);
	if (!push_ended(svc, arena, user_id, &session_id, 1, until, err))
		return false;
	return error_slug(err, ERR_UNAUTHENTICATED, "token_reused", "This refresh token was used before. The session has been ended; sign in again.");
}

enum refresh_verdict { REFRESH_OK, REFRESH_INVALID, REFRESH_LOST_RACE, REFRESH_REUSED };

static enum refresh_verdict
judge_refresh(const struct config *config, const struct rows *rows)
{
	int64_t rotated = rows_int(rows, 0, REFRESH_ROTATED), now = rows_int(rows, 0, REFRESH_NOW);
	int64_t changed = rows_int(rows, 0, REFRESH_SUCCESSOR_CHANGED);
	int64_t leeway = config_int(config, CFG_REFRESH_LEEWAY) * US_PER_SEC, repeat = config_int(config, CFG_REFRESH_REPEAT) * US_PER_SEC;
	bool dead = rows_bool(rows, 0, REFRESH_DEAD);

	if (rows_bool(rows, 0, REFRESH_EXPIRED) || rows_bool(rows, 0, REFRESH_REVOKED) || !rows_bool(rows, 0, PERSON_ACTIVE))
		return REFRESH_INVALID;
	if (rotated == 0 && !dead)
		return REFRESH_OK;
	/* Whoever comes within the leeway of the family's last change lost a race, dead successor or not. */
	if (now - changed < leeway)
		return REFRESH_LOST_RACE;
	if (!dead && now - rotated < repeat && !rows_bool(rows, 0, REFRESH_SUCCESSOR_USED))
		return REFRESH_OK;
	return REFRESH_REUSED;
}

static bool
token_unknown(struct error *err)
{
	return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid", "The refresh token is not valid. Sign in again.");
}

static bool
rotate(struct services *svc, struct arena *arena, const struct rows *rows, const unsigned char *hash, const char *address,
    struct session_grant *grant, struct error *err)
{
	const char *session_id = rows_str(rows, 0, REFRESH_SESSION);
	int64_t expires = clock_now() + config_int(svc->config, CFG_REFRESH_TTL) * US_PER_SEC;
	unsigned char new_hash[SHA256_SIZE];
	struct user user;

	user_from_row(rows, 0, &user);
	grant->refresh_token = new_refresh_token(arena, new_hash);
	return store_refresh_rotate(svc->db, arena, session_id, hash, new_hash, expires, admission_address(arena, address), err) &&
	    db_commit(svc->db, err) && grant_tokens(svc, arena, &user, session_id, grant, err);
}

bool
session_refresh(struct services *svc, struct arena *arena, const char *refresh_token, const char *address, struct session_grant *grant,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;
	bool ok = false;

	sha256(refresh_token, strlen(refresh_token), hash);
	if (!db_begin(svc->db, err) || !store_refresh_lock(svc->db, arena, hash, &rows, err)) {
		db_rollback(svc->db);
		return false;
	}
	if (rows_count(rows) == 0) {
		db_rollback(svc->db);
		return token_unknown(err);
	}
	switch (judge_refresh(svc->config, rows)) {
	case REFRESH_OK:
		ok = rotate(svc, arena, rows, hash, address, grant, err);
		break;
	case REFRESH_LOST_RACE:
		error_slug(err, ERR_UNAUTHENTICATED, "token_rotated", "Another request has just renewed this session; use its answer.");
		break;
	case REFRESH_REUSED:
		return refuse_reuse(svc, arena, rows_str(rows, 0, PERSON_ID), rows_str(rows, 0, REFRESH_SESSION), err);
	case REFRESH_INVALID:
		token_unknown(err);
		break;
	}
	if (!ok)
		db_rollback(svc->db);
	return ok;
}

bool
session_peek(struct services *svc, struct arena *arena, const char *refresh_token, struct principal *who, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;
	struct user user;

	memset(who, 0, sizeof *who);
	sha256(refresh_token, strlen(refresh_token), hash);
	if (!store_refresh_peek(svc->db, arena, hash, &rows, err))
		return false;
	if (rows_count(rows) == 0 || rows_bool(rows, 0, REFRESH_EXPIRED) || rows_bool(rows, 0, REFRESH_REVOKED) || !rows_bool(rows, 0, PERSON_ACTIVE))
		return true;
	user_from_row(rows, 0, &user);
	principal_of(&user, rows_str(rows, 0, REFRESH_SESSION), who);
	return true;
}

bool
session_logout(struct services *svc, struct arena *arena, const char *refresh_token, const struct principal *bearer, struct error *err)
{
	const char *sids[2], *user_id;
	int64_t until = blacklist_until(svc);
	struct principal who;
	size_t i, n = 0;

	if (!session_peek(svc, arena, refresh_token, &who, err))
		return false;
	user_id = who.user_id[0] != '\0' ? who.user_id : bearer->user_id;
	if (who.session_id[0] != '\0')
		sids[n++] = who.session_id;
	if (bearer->session_id[0] != '\0' && (n == 0 || !str_eq(bearer->session_id, sids[0])))
		sids[n++] = bearer->session_id;
	if (n == 0)
		return true;
	if (!db_begin(svc->db, err))
		return false;
	for (i = 0; i < n; i++) {
		if (!revoke_in_transaction(svc, arena, sids[i], "signed out", until, err)) {
			db_rollback(svc->db);
			return false;
		}
	}
	if (!db_commit(svc->db, err)) {
		db_rollback(svc->db);
		return false;
	}
	return push_ended(svc, arena, user_id, sids, n, until, err);
}

bool
session_user(struct services *svc, struct arena *arena, const struct principal *who, struct user *user, struct error *err)
{
	struct rows *rows;

	if (!store_person_by_id(svc->db, arena, who->user_id, &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_revoked", "This account is gone.");
	user_from_row(rows, 0, user);
	return true;
}

bool
session_push_job(struct services *svc, struct arena *arena, const char *payload, struct error *err)
{
	const struct cJSON *tree = json_parse(arena, payload, strlen(payload), err);
	const char *sid;

	if (tree == NULL)
		return false;
	sid = json_str(tree, "sid", "");
	return admission_push_revoked(svc, arena, &sid, 1, json_int(tree, "expiresAt", 0), err);
}
