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
#include "service/account/session_notice.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "service/account/token.h"
#include "store/pg.h"
#include "store/store_credentials.h"
#include "store/store_people.h"
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
	const struct token_issuer issuer = {
		.keys = call->svc->keys,
		.issuer = config_str(call->svc->config, CFG_PUBLIC_URL),
		.now = clock_now(),
	};
	struct principal who;

	principal_of(user, session_id, &who);
	grant->user = *user;
	grant->expires_in = (int)config_int(call->svc->config, CFG_ACCESS_TTL);
	return token_sign(call->arena, &issuer, &who, grant->expires_in, &grant->token, err);
}

/* Opens a session for this person, if what was verified of them still holds. */
static bool
open_for(const struct call *call, struct user *user, const struct verified *verified,
    struct session_grant *grant, struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	char session_id[UUID_TEXT];
	struct session_new new;
	bool opened;

	uuid_v7(session_id);
	grant->refresh_token = new_refresh_token(call->arena, hash);
	new = (struct session_new) {
		.id = session_id,
		.device = utf8_clean(call->arena, call->by.device, strlen(call->by.device),
		    SESSION_DEVICE_MAX),
		.address = admission_address(call->arena, call->by.address),
		.refresh_hash = hash,
		.expires_at =
		    clock_now() + config_int(call->svc->config, CFG_REFRESH_TTL) * US_PER_SEC,
	};
	user->last_login_at = clock_now();
	if (!store_session_create(call->svc->db, call->arena, &new, verified, &opened, err))
		return false;
	if (!opened)
		return error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials",
		    "This account has just changed. Sign in again.");
	return grant_tokens(call, user, session_id, grant, err);
}

bool
session_login(const struct call *call, const struct login_ask *ask, struct session_grant *grant,
    struct error *err)
{
	struct login_checked checked;

	return login_check(call, ask, &checked, err) &&
	    open_for(call, &checked.user, &checked.verified, grant, err);
}

bool
session_open(const struct call *call, const struct verified *verified, struct session_grant *grant,
    struct error *err)
{
	struct user user;

	if (!store_person_by_id(call->svc->db, call->arena, verified->user_id, &user, err))
		return false;
	if (user.id == NULL || !user.active)
		return error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials",
		    "This account is not active.");
	return open_for(call, &user, verified, grant, err);
}

enum refresh_verdict { REFRESH_OK, REFRESH_INVALID, REFRESH_LOST_RACE, REFRESH_REUSED };

static enum refresh_verdict
judge_refresh(const struct config *config, const struct refresh_state *s)
{
	int64_t leeway = config_int(config, CFG_REFRESH_LEEWAY) * US_PER_SEC,
		repeat = config_int(config, CFG_REFRESH_REPEAT) * US_PER_SEC;

	if (s->user.id == NULL || s->expired || s->revoked || !s->user.active)
		return REFRESH_INVALID;
	if (s->rotated_at == 0 && !s->dead)
		return REFRESH_OK;
	/*
	 * A token used within the leeway of the family's last change has lost a race, even if its
	 * successor is dead.
	 */
	if (s->now - s->family_changed_at < leeway)
		return REFRESH_LOST_RACE;
	if (!s->dead && s->now - s->rotated_at < repeat && !s->successor_used)
		return REFRESH_OK;
	return REFRESH_REUSED;
}

static bool
token_unknown(struct error *err)
{
	return error_slug(err, ERR_UNAUTHENTICATED, "token_invalid",
	    "The refresh token is not valid. Sign in again.");
}

struct refresh {
	unsigned char hash[SHA256_SIZE];
	struct refresh_state state;
	enum refresh_verdict verdict;
	struct revocation rev;
	struct notify_batch *notice;
	const char *token; /* the new one */
};

static bool
rotate(const struct call *call, struct refresh *r, struct error *err)
{
	unsigned char new_hash[SHA256_SIZE];
	const struct refresh_rotation rotation = {
		.session_id = r->state.session_id,
		.old_hash = r->hash,
		.new_hash = new_hash,
		.expires_at =
		    clock_now() + config_int(call->svc->config, CFG_REFRESH_TTL) * US_PER_SEC,
		.address = admission_address(call->arena, call->by.address),
	};

	r->token = new_refresh_token(call->arena, new_hash);
	return store_refresh_rotate(call->svc->db, call->arena, &rotation, err);
}

/* In the transaction. */
static bool
refresh_in(const struct call *call, struct refresh *r, struct error *err)
{
	if (!store_refresh_lock(call->svc->db, call->arena, r->hash, &r->state, err))
		return false;
	r->verdict = judge_refresh(call->svc->config, &r->state);
	switch (r->verdict) {
	case REFRESH_OK: return rotate(call, r, err);
	case REFRESH_LOST_RACE:
		return error_slug(err, ERR_UNAUTHENTICATED, "token_rotated",
		    "Another request has just renewed this session. Use the tokens from its"
		    " response.");
	case REFRESH_REUSED: /* another transaction ends the family */
	case REFRESH_INVALID: break;
	}
	return token_unknown(err);
}

/*
 * In a transaction of its own, since it locks the person before the family, as changes of
 * credentials do. A family that another request has ended meanwhile is merely invalid.
 */
static bool
reused_in(const struct call *call, struct refresh *r, struct error *err)
{
	struct user user;

	return store_person_lock(call->svc->db, call->arena, r->state.user.id, &user, err) &&
	    store_refresh_lock(call->svc->db, call->arena, r->hash, &r->state, err) &&
	    (judge_refresh(call->svc->config, &r->state) == REFRESH_REUSED || token_unknown(err)) &&
	    revoke_session(call, r->state.user.id, r->state.session_id, "refresh token reused",
		&r->rev, err) &&
	    session_tell_reused(call, &r->state, &r->notice, err);
}

/* The family is compromised: it ends, and its owner is told. */
static bool
end_reused(const struct call *call, struct refresh *r, struct error *err)
{
	if (!db_begin(call->svc->db, err) || !db_end(call->svc->db, reused_in(call, r, err), err))
		return false;
	log_warn(call->svc->log,
	    "a refresh token of session %s was used again: the whole family is revoked",
	    r->state.session_id);
	notify_push(call, r->notice);
	return revoke_push(call, &r->rev, err) &&
	    error_slug(err, ERR_UNAUTHENTICATED, "token_reused",
		"This refresh token was used before, so the session has been ended. Sign in"
		" again.");
}

bool
session_refresh(const struct call *call, const char *refresh_token, struct session_grant *grant,
    struct error *err)
{
	struct refresh r = { .token = NULL };
	bool rotated;

	sha256(refresh_token, strlen(refresh_token), r.hash);
	if (!db_begin(call->svc->db, err))
		return false;
	rotated = db_end(call->svc->db, refresh_in(call, &r, err), err);
	if (!rotated && r.verdict == REFRESH_REUSED)
		return end_reused(call, &r, err);
	grant->refresh_token = r.token;
	return rotated && grant_tokens(call, &r.state.user, r.state.session_id, grant, err);
}

bool
session_peek(const struct call *call, const char *refresh_token, struct principal *who,
    struct error *err)
{
	unsigned char hash[SHA256_SIZE];
	struct refresh_state state;

	memset(who, 0, sizeof(*who));
	sha256(refresh_token, strlen(refresh_token), hash);
	if (!store_refresh_peek(call->svc->db, call->arena, hash, &state, err))
		return false;
	if (state.user.id != NULL && !state.expired && !state.revoked && state.user.active)
		principal_of(&state.user, state.session_id, who);
	return true;
}

/* Ends the session of a principal, which may have none. In the transaction. */
static bool
sign_out(const struct call *call, const struct principal *who, struct revocation *rev,
    struct error *err)
{
	return who->session_id[0] == '\0' ||
	    revoke_session(call, who->user_id, who->session_id, "signed out", rev, err);
}

bool
session_logout(const struct call *call, const char *refresh_token, const struct principal *bearer,
    struct error *err)
{
	struct revocation rev = { 0 };
	struct principal who;

	return session_peek(call, refresh_token, &who, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		sign_out(call, &who, &rev, err) && sign_out(call, bearer, &rev, err), err) &&
	    revoke_push(call, &rev, err);
}

bool
session_user(const struct call *call, struct user *user, struct error *err)
{
	if (!store_person_by_id(call->svc->db, call->arena, call->by.who->user_id, user, err))
		return false;
	return user->id != NULL ||
	    error_slug(err, ERR_UNAUTHENTICATED, "token_revoked", "This account no longer exists.");
}

bool
session_list(const struct call *call, const char *user_id, struct session **sessions, size_t *n,
    struct error *err)
{
	return store_sessions_list(call->svc->db, call->arena, user_id, sessions, n, err);
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
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		revoke_session(call, call->by.who->user_id, sid, "ended by its owner", &rev, err),
		err) &&
	    revoke_push(call, &rev, err);
}

bool
session_end_others(const struct call *call, struct error *err)
{
	struct revocation rev = { 0 };

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		revoke_sessions(call, call->by.who->user_id, call->by.who->session_id,
		    "ended by its owner", &rev, err),
		err) &&
	    revoke_push(call, &rev, err);
}
