#include "service/account/login.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/services.h"
#include "service/account/totp.h"
#include "store/pg.h"
#include "store/store_sessions.h"

#include "core/banned.h"

/* Email addresses are hashed, so that the table of failures is no list of accounts. */
static const char *
subject(struct arena *arena, const char *kind, const char *text)
{
	char hash[SHA256_HEX];

	sha256_hex(text, strlen(text), hash);
	return arena_printf(arena, "%s:%s", kind, hash);
}

static bool
too_many(struct error *err, int64_t seconds)
{
	error_slug(err, ERR_RATE_LIMITED, "too_many_attempts",
	    "Too many failed sign-ins. Try again in %lld minutes.",
	    (long long)((seconds + 59) / 60));
	err->retry_after = (int)seconds;
	return false;
}

struct attempt {
	struct login_who who;
	struct login_state state;
};

static bool
check_counters(struct services *svc, const struct login_state *state, struct error *err)
{
	const int64_t limits[LOGIN_SUBJECTS] = {
		[LOGIN_PAIR] = config_int(svc->config, CFG_LOGIN_PER_ACCOUNT_ADDRESS),
		[LOGIN_ACCOUNT] = state->known_address ?
		    INT64_MAX :
		    config_int(svc->config, CFG_LOGIN_PER_ACCOUNT),
		[LOGIN_ADDRESS] = config_int(svc->config, CFG_LOGIN_PER_ADDRESS),
	};

	for (size_t i = 0; i < LOGIN_SUBJECTS; i++)
		if (state->failures[i] > 0 && state->failures[i] >= limits[i])
			return too_many(err, state->seconds[i]);
	return true;
}

static bool
attempt_begin(const struct call *call, const char *email, struct attempt *a, struct error *err)
{
	struct login_who *who = &a->who;

	who->email = str_lower(call->arena, email);
	who->address = admission_address(call->arena, call->by.address);
	who->subjects[LOGIN_PAIR] = subject(call->arena, "pair",
	    arena_printf(call->arena, "%s %s", who->email, who->address));
	who->subjects[LOGIN_ACCOUNT] = subject(call->arena, "account", who->email);
	who->subjects[LOGIN_ADDRESS] = arena_printf(call->arena, "address:%s", who->address);
	return store_login_state(call->svc->db, call->arena, who, &a->state, err) &&
	    check_counters(call->svc, &a->state, err);
}

/* A correct password clears the pair's failures; most sign-ins have none at all. */
static bool
attempt_succeeded(const struct call *call, const struct attempt *a, struct error *err)
{
	bool failed = false;

	for (size_t i = 0; i < LOGIN_SUBJECTS; i++)
		failed = failed || a->state.failures[i] > 0;
	return !failed ||
	    store_login_forget(call->svc->db, call->arena, a->who.subjects[LOGIN_PAIR], err);
}

static bool
attempt_failed(const struct call *call, const struct attempt *a, const char *slug,
    const char *message, struct error *err)
{
	if (!store_login_failed(call->svc->db, call->arena, &a->who, err))
		return false;
	return error_slug(err, ERR_UNAUTHENTICATED, slug, "%s", message);
}

static bool
check_second_factor(const struct call *call, const struct attempt *a, const struct user *user,
    const char *code, struct error *err)
{
	bool ok;

	if (!user->totp_enabled)
		return true;
	if (code == NULL)
		return error_slug(err, ERR_UNAUTHENTICATED, "totp_required",
		    "Enter your two-step verification code.");
	if (!totp_check(call, user->id, code, &ok, err))
		return false;
	return ok ||
	    attempt_failed(call, a, "totp_invalid",
		"Wrong code, or one that was used before. Wait for the next code and try again.",
		err);
}

bool
login_check(const struct call *call, const struct login_ask *ask, struct login_checked *out,
    struct error *err)
{
	const char *gate = config_str(call->svc->config, CFG_RUN_DIR), *stored;
	char new_hash[ARGON2_HASH_MAX];
	struct attempt a;
	bool known, ok, rehash;

	memset(out, 0, sizeof(*out));
	if (!attempt_begin(call, ask->email, &a, err) ||
	    !store_person_by_email(call->svc->db, call->arena, a.who.email, &out->user, &stored,
		err))
		return false;
	known = out->user.id != NULL && out->user.active;
	if (!password_verify(gate, known ? stored : NULL, ask->password, &ok, &rehash, err))
		return false;
	if (!ok || !known)
		return attempt_failed(call, &a, "invalid_credentials",
		    "Wrong email address or password.", err);
	if (!check_second_factor(call, &a, &out->user, ask->totp, err))
		return false;
	if (rehash && password_hash(gate, ask->password, new_hash, err))
		out->new_hash = arena_strdup(call->arena, new_hash);
	return attempt_succeeded(call, &a, err);
}

bool
login_check_password(const struct call *call, const char *user_id, const char *password,
    struct error *err)
{
	const char *stored;
	struct attempt a;
	struct user user;
	bool ok, rehash;

	if (!store_person_by_id(call->svc->db, call->arena, user_id, &user, err))
		return false;
	if (user.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such person.");
	if (!attempt_begin(call, user.email, &a, err) ||
	    !store_person_by_email(call->svc->db, call->arena, a.who.email, &user, &stored, err) ||
	    !password_verify(config_str(call->svc->config, CFG_RUN_DIR), stored, password, &ok,
		&rehash, err))
		return false;
	return ok || attempt_failed(call, &a, "invalid_credentials", "Wrong password.", err);
}
