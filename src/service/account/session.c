#include "service/account/session.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/account/login.h"
#include "service/account/revoke.h"
#include "service/services.h"
#include "service/account/token.h"
#include "store/pg.h"
#include "store/store_sessions.h"

#include "core/banned.h"

static void
principal_of(const struct user *user, const char *session_id, struct principal *who)
{
	memset(who, 0, sizeof(*who));
	str_copy(who->user_id, sizeof(who->user_id), user->id);
	str_copy(who->session_id, sizeof(who->session_id), session_id);
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

	random_bytes(random, sizeof(random));
	text = base64url_encode(arena, random, sizeof(random));
	sha256(text, strlen(text), hash);
	return text;
}

static bool
grant_tokens(const struct call *call, const struct user *user, const char *session_id,
    struct session_grant *grant, struct error *err)
{
	struct principal who;

	principal_of(user, session_id, &who);
	grant->user = *user;
	grant->expires_in = (int)config_int(call->svc->config, CFG_ACCESS_TTL);
	return token_sign(call->arena, call->svc->keys,
	    config_str(call->svc->config, CFG_PUBLIC_URL), &who, clock_now(), grant->expires_in,
	    &grant->token, err);
}

/* A session for this person, with `new_hash` as their password hash from now on unless NULL. */
static bool
open_for(const struct call *call, struct user *user, const char *new_hash,
    struct session_grant *grant, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	char session_id[UUID_TEXT];
	struct session_new new;

	uuid_v7(session_id);
	grant->refresh_token = new_refresh_token(call->arena, hash);
	new = (struct session_new) {
		.id = session_id,
		.user_id = user->id,
		.device = utf8_clean(call->arena, call->by.device, strlen(call->by.device),
		    SESSION_DEVICE_MAX),
		.address = admission_address(call->arena, call->by.address),
		.refresh_hash = hash,
		.expires_at =
		    clock_now() + config_int(call->svc->config, CFG_REFRESH_TTL) * US_PER_SEC,
	};
	user->last_login_at = clock_now();
	return store_session_create(call->svc->db, call->arena, &new, new_hash, err) &&
	    grant_tokens(call, user, session_id, grant, err);
}

bool
session_login(const struct call *call, const struct login_ask *ask, struct session_grant *grant,
    struct error *err)
{
	struct login_checked checked;
	struct user user;

	if (!login_check(call, ask, &checked, err))
		return false;
	user_from_row(checked.person, 0, &user);
	return open_for(call, &user, checked.new_hash, grant, err);
}

bool
session_open(const struct call *call, const char *user_id, struct session_grant *grant,
    struct error *err)
{
	struct rows *rows;
	struct user user;

	if (!store_person_by_id(call->svc->db, call->arena, user_id, &rows, err))
		return false;
	if (rows_count(rows) == 0 || !rows_bool(rows, 0, PERSON_ACTIVE))
		return error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials",
		    "This account is not active.");
	user_from_row(rows, 0, &user);
	return open_for(call, &user, NULL, grant, err);
}

/*
 * The family is compromised: ended, pushed, and the caller is told. Called inside the transaction
 * that locked it.
 */
static bool
refuse_reuse(const struct call *call, const char *user_id, const char *session_id,
    struct error *err)
{
	struct revocation rev = { 0 };

	if (!revoke_session(call, user_id, session_id, "refresh token reused", &rev, err) ||
	    !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	log_warn(call->svc->log,
	    "a refresh token of session %s was replayed: the family is revoked", session_id);
	if (!revoke_push(call, &rev, err))
		return false;
	return error_slug(err, ERR_UNAUTHENTICATED, "token_reused",
	    "This refresh token was used before. The session has been ended; sign in again.");
}

enum refresh_verdict { REFRESH_OK, REFRESH_INVALID, REFRESH_LOST_RACE, REFRESH_REUSED };

static enum refresh_verdict
judge_refresh(const struct config *config, const struct rows *rows)
{
	int64_t rotated = rows_int(rows, 0, REFRESH_ROTATED), now = rows_int(rows, 0, REFRESH_NOW);
	int64_t changed = rows_int(rows, 0, REFRESH_SUCCESSOR_CHANGED);
	int64_t leeway = config_int(config, CFG_REFRESH_LEEWAY) * US_PER_SEC,
		repeat = config_int(config, CFG_REFRESH_REPEAT) * US_PER_SEC;
	bool dead = rows_bool(rows, 0, REFRESH_DEAD);

	if (rows_bool(rows, 0, REFRESH_EXPIRED) || rows_bool(rows, 0, REFRESH_REVOKED) ||
	    !rows_bool(rows, 0, PERSON_ACTIVE))
		return REFRESH_INVALID;
	if (rotated == 0 && !dead)
		return REFRESH_OK;
	/*
	 * Whoever comes within the leeway of the family's last change lost a race, dead successor
	 * or not.
	 */
	if (now - changed < leeway)
		return REFRESH_LOST_RACE;
	if (!dead && now - rotated < repeat && !rows_bool(rows, 0, REFRESH_SUCCESSOR_USED))
		return REFRESH_OK;
	return REFRESH_REUSED;
}

static bool
token_unknown(struct error *err)
{
	return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid",
	    "The refresh token is not valid. Sign in again.");
}

static bool
rotate(const struct call *call, const struct rows *rows, const unsigned char *hash,
    struct session_grant *grant, struct error *err)
{
	const char *session_id = rows_str(rows, 0, REFRESH_SESSION);
	int64_t expires = clock_now() + config_int(call->svc->config, CFG_REFRESH_TTL) * US_PER_SEC;
	unsigned char new_hash[SHA256_SIZE];
	struct user user;

	user_from_row(rows, 0, &user);
	grant->refresh_token = new_refresh_token(call->arena, new_hash);
	return store_refresh_rotate(call->svc->db, call->arena, session_id, hash, new_hash, expires,
		   admission_address(call->arena, call->by.address), err) &&
	    db_commit(call->svc->db, err) && grant_tokens(call, &user, session_id, grant, err);
}

bool
session_refresh(const struct call *call, const char *refresh_token, struct session_grant *grant,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;
	bool ok = false;

	sha256(refresh_token, strlen(refresh_token), hash);
	if (!db_begin(call->svc->db, err) ||
	    !store_refresh_lock(call->svc->db, call->arena, hash, &rows, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	if (rows_count(rows) == 0) {
		db_rollback(call->svc->db);
		return token_unknown(err);
	}
	switch (judge_refresh(call->svc->config, rows)) {
	case REFRESH_OK: ok = rotate(call, rows, hash, grant, err); break;
	case REFRESH_LOST_RACE:
		error_slug(err, ERR_UNAUTHENTICATED, "token_rotated",
		    "Another request has just renewed this session; use its answer.");
		break;
	case REFRESH_REUSED:
		return refuse_reuse(call, rows_str(rows, 0, PERSON_ID),
		    rows_str(rows, 0, REFRESH_SESSION), err);
	case REFRESH_INVALID: token_unknown(err); break;
	}
	if (!ok)
		db_rollback(call->svc->db);
	return ok;
}

bool
session_peek(const struct call *call, const char *refresh_token, struct principal *who,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct rows *rows;
	struct user user;

	memset(who, 0, sizeof(*who));
	sha256(refresh_token, strlen(refresh_token), hash);
	if (!store_refresh_peek(call->svc->db, call->arena, hash, &rows, err))
		return false;
	if (rows_count(rows) == 0 || rows_bool(rows, 0, REFRESH_EXPIRED) ||
	    rows_bool(rows, 0, REFRESH_REVOKED) || !rows_bool(rows, 0, PERSON_ACTIVE))
		return true;
	user_from_row(rows, 0, &user);
	principal_of(&user, rows_str(rows, 0, REFRESH_SESSION), who);
	return true;
}

bool
session_logout(const struct call *call, const char *refresh_token, const struct principal *bearer,
    struct error *err)
{
	struct revocation rev = { 0 };
	struct principal who;
	bool ok;

	if (!session_peek(call, refresh_token, &who, err))
		return false;
	if (!db_begin(call->svc->db, err))
		return false;
	ok = (who.session_id[0] == '\0' ||
		 revoke_session(call, who.user_id, who.session_id, "signed out", &rev, err)) &&
	    (bearer->session_id[0] == '\0' ||
		revoke_session(call, bearer->user_id, bearer->session_id, "signed out", &rev,
		    err)) &&
	    db_commit(call->svc->db, err);
	if (!ok) {
		db_rollback(call->svc->db);
		return false;
	}
	return revoke_push(call, &rev, err);
}

bool
session_user(const struct call *call, struct user *user, struct error *err)
{
	struct rows *rows;

	if (!store_person_by_id(call->svc->db, call->arena, call->by.who->user_id, &rows, err))
		return false;
	if (rows_count(rows) == 0)
		return error_slug(err, ERR_UNAUTHENTICATED, "token_revoked",
		    "This account is gone.");
	user_from_row(rows, 0, user);
	return true;
}

bool
session_list(const struct call *call, const char *user_id, struct session **sessions, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!store_sessions_list(call->svc->db, call->arena, user_id, &rows, err))
		return false;
	*n = rows_count(rows);
	*sessions = arena_array(call->arena, *n + 1, sizeof(**sessions));
	for (size_t i = 0; i < *n; i++)
		(*sessions)[i] = (struct session) {
			.id = rows_str(rows, i, 0),
			.device = rows_str(rows, i, 1),
			.address = rows_str(rows, i, 2),
			.created_at = rows_int(rows, i, 3),
			.last_used_at = rows_int(rows, i, 4),
		};
	return true;
}

bool
session_end(const struct call *call, const char *sid, struct error *err)
{
	struct revocation rev = { 0 };
	struct session *sessions;
	size_t n;
	bool own = false;

	if (!session_list(call, call->by.who->user_id, &sessions, &n, err))
		return false;
	for (size_t i = 0; i < n; i++)
		own = own || str_eq(sessions[i].id, sid);
	if (!own)
		return error_set(err, ERR_NOT_FOUND, "You have no such session.");
	if (!db_begin(call->svc->db, err) ||
	    !revoke_session(call, call->by.who->user_id, sid, "ended by its owner", &rev, err) ||
	    !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	return revoke_push(call, &rev, err);
}

bool
session_end_others(const struct call *call, struct error *err)
{
	struct revocation rev = { 0 };

	if (!db_begin(call->svc->db, err) ||
	    !revoke_sessions(call, call->by.who->user_id, call->by.who->session_id,
		"ended by its owner", &rev, err) ||
	    !db_commit(call->svc->db, err)) {
		db_rollback(call->svc->db);
		return false;
	}
	return revoke_push(call, &rev, err);
}
