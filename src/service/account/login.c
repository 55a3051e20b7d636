#include "service/account/login.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/gate/admission.h"
#include "service/services.h"
#include "service/account/totp.h"
#include "store/pg.h"
#include "store/store_credentials.h"
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

struct failure {
	const struct user *user;    /* id NULL: there is none */
	const char *reason;         /* for the audit log */
	const char *slug, *message; /* for the caller */
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

/*
 * Accounts that are unknown or disabled are audited at the same cost, so that the time of a
 * response tells nothing. Who was named stays out of the log: people type passwords there.
 */
static bool
note_failure(const struct call *call, const struct user *user, const char *reason,
    struct error *err)
{
	const struct audit_event event = {
		.action = "user.sign_in_failed",
		.target_type = user->id == NULL ? NULL : "user",
		.target_id = user->id,
		.detail = arena_printf(call->arena, "{\"reason\":\"%s\"}",
		    user->id == NULL ? "unknown account" :
			user->active ? reason :
				       "disabled account"),
	};

	return audit_add(call, &event, err);
}

static bool
attempt_failed(const struct call *call, const struct attempt *a, const struct failure *f,
    struct error *err)
{
	struct db *db = call->svc->db;

	if (!db_begin(db, err) ||
	    !db_end(db,
		store_login_failed(db, call->arena, &a->who, err) &&
		    note_failure(call, f->user, f->reason, err),
		err))
		return false;
	return error_slug(err, ERR_UNAUTHENTICATED, f->slug, "%s", f->message);
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
	    attempt_failed(call, a,
		&(const struct failure) { user, "wrong code", "totp_invalid",
		    "Wrong code, or one that was used before. Wait for the next code and try"
		    " again." },
		err);
}

/*
 * Stores the same password with the parameters of today, in place of the hash that was verified and
 * of no other. If that is gone, *ok says whether the password matches what is there now.
 */
static bool
renew_hash(const struct call *call, const char *password, struct login_checked *out, bool *ok,
    struct error *err)
{
	const char *gate = config_str(call->svc->config, CFG_RUN_DIR);
	char new_hash[ARGON2_HASH_MAX];
	struct verified *v = &out->verified;
	struct error busy;
	bool done, outdated;

	if (!password_hash(gate, password, new_hash, &busy))
		return true; /* at the next sign-in */
	if (!store_password_rehash(call->svc->db, call->arena, v, new_hash, &done, err))
		return false;
	if (done) {
		v->password_hash = arena_strdup(call->arena, new_hash);
		return true;
	}
	return store_person_by_email(call->svc->db, call->arena, out->user.email, &out->user,
		   &v->password_hash, err) &&
	    password_verify(gate, v->password_hash, password, ok, &outdated, err);
}

/* Verifies password and code, and counts what is wrong; `wrong` says so of the password. */
static bool
verify(const struct call *call, const struct attempt *a, const struct login_proof *proof,
    const char *wrong, struct login_checked *out, struct error *err)
{
	const char *gate = config_str(call->svc->config, CFG_RUN_DIR), *stored;
	bool known, ok, outdated;

	if (!store_person_by_email(call->svc->db, call->arena, a->who.email, &out->user, &stored,
		err))
		return false;
	known = out->user.id != NULL && out->user.active;
	out->verified = (struct verified) {
		.user_id = out->user.id,
		.generation = out->user.generation,
		.password_hash = stored,
		.totp_enabled = out->user.totp_enabled,
	};
	if (!password_verify(gate, known ? stored : NULL, proof->password, &ok, &outdated, err))
		return false;
	if (ok && !proof->password_only &&
	    !check_second_factor(call, a, &out->user, proof->totp, err))
		return false;
	if (ok && outdated && !renew_hash(call, proof->password, out, &ok, err))
		return false;
	return ok ? attempt_succeeded(call, a, err) :
		    attempt_failed(call, a,
			&(const struct failure) {
			    &out->user, "wrong password", "invalid_credentials", wrong },
			err);
}

bool
login_check(const struct call *call, const struct login_ask *ask, struct login_checked *out,
    struct error *err)
{
	const struct login_proof proof = { .password = ask->password, .totp = ask->totp };
	struct attempt a;

	memset(out, 0, sizeof(*out));
	return attempt_begin(call, ask->email, &a, err) &&
	    verify(call, &a, &proof, "Wrong email address or password.", out, err);
}

bool
login_prove(const struct call *call, const struct login_proof *proof, struct verified *verified,
    struct error *err)
{
	struct login_checked checked;
	struct attempt a;
	struct user user;

	if (!store_person_by_id(call->svc->db, call->arena, call->by.who->user_id, &user, err))
		return false;
	if (user.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such person.");
	if (!attempt_begin(call, user.email, &a, err) ||
	    !verify(call, &a, proof, "Wrong password.", &checked, err))
		return false;
	*verified = checked.verified;
	return true;
}
