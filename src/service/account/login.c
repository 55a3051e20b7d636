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

enum { SUBJECT_PAIR, SUBJECT_ACCOUNT, SUBJECT_ADDRESS };

/* Addresses of people are hashed: the table of failures is no list of accounts. */
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

static bool
check_counters(struct services *svc, const char *const *subjects, const struct rows *counts,
    bool known_address, struct error *err)
{
	const int64_t limits[LOGIN_SUBJECTS] = {
		[SUBJECT_PAIR] = config_int(svc->config, CFG_LOGIN_PER_ACCOUNT_ADDRESS),
		[SUBJECT_ACCOUNT] =
		    known_address ? INT64_MAX : config_int(svc->config, CFG_LOGIN_PER_ACCOUNT),
		[SUBJECT_ADDRESS] = config_int(svc->config, CFG_LOGIN_PER_ADDRESS),
	};

	for (size_t row = 0; row < rows_count(counts); row++)
		for (size_t i = 0; i < LOGIN_SUBJECTS; i++)
			if (str_eq(rows_str(counts, row, 0), subjects[i]) &&
			    rows_int(counts, row, 1) >= limits[i])
				return too_many(err, rows_int(counts, row, 2));
	return true;
}

struct attempt {
	const char *email, *net;
	const char *subjects[LOGIN_SUBJECTS];
	struct rows *counts;
};

static bool
attempt_begin(const struct call *call, const char *email, struct attempt *a, struct error *err)
{
	bool known_address;

	a->email = str_lower(call->arena, email);
	a->net = admission_address(call->arena, call->by.address);
	a->subjects[SUBJECT_PAIR] =
	    subject(call->arena, "pair", arena_printf(call->arena, "%s %s", a->email, a->net));
	a->subjects[SUBJECT_ACCOUNT] = subject(call->arena, "account", a->email);
	a->subjects[SUBJECT_ADDRESS] = arena_printf(call->arena, "address:%s", a->net);
	return store_login_state(call->svc->db, call->arena, a->subjects, a->email, a->net,
		   &a->counts, &known_address, err) &&
	    check_counters(call->svc, a->subjects, a->counts, known_address, err);
}

static bool
attempt_failed(const struct call *call, const struct attempt *a, const char *slug,
    const char *message, struct error *err)
{
	if (!store_login_failed(call->svc->db, call->arena, a->subjects, err))
		return false;
	return error_slug(err, ERR_UNAUTHENTICATED, slug, "%s", message);
}

static bool
check_second_factor(const struct call *call, const struct attempt *a, const struct rows *person,
    const char *code, struct error *err)
{
	bool ok;

	if (!rows_bool(person, 0, PERSON_TOTP))
		return true;
	if (code == NULL)
		return error_slug(err, ERR_UNAUTHENTICATED, "totp_required",
		    "Give the code of your second factor too.");
	if (!totp_check(call, rows_str(person, 0, PERSON_ID), code, &ok, err))
		return false;
	return ok ||
	    attempt_failed(call, a, "totp_invalid",
		"The code of the second factor is wrong, or was used before.", err);
}

bool
login_check(const struct call *call, const struct login_ask *ask, struct login_checked *out,
    struct error *err)
{
	const char *gate = config_str(call->svc->config, CFG_RUN_DIR);
	char new_hash[ARGON2_HASH_MAX];
	struct attempt a;
	bool known, ok, rehash;

	memset(out, 0, sizeof(*out));
	if (!attempt_begin(call, ask->email, &a, err) ||
	    !store_person_by_email(call->svc->db, call->arena, a.email, &out->person, err))
		return false;
	known = rows_count(out->person) == 1 && rows_bool(out->person, 0, PERSON_ACTIVE);
	if (!password_verify(gate, known ? rows_str(out->person, 0, PERSON_COLUMNS) : NULL,
		ask->password, &ok, &rehash, err))
		return false;
	if (!ok || !known)
		return attempt_failed(call, &a, "invalid_credentials",
		    "The e-mail address or the password is wrong.", err);
	if (!check_second_factor(call, &a, out->person, ask->totp, err))
		return false;
	if (rehash && password_hash(gate, ask->password, new_hash, err))
		out->new_hash = arena_strdup(call->arena, new_hash);
	return rows_count(a.counts) == 0 ||
	    store_login_forget(call->svc->db, call->arena, a.subjects[SUBJECT_PAIR], err);
}

bool
login_check_password(const struct call *call, const char *user_id, const char *password,
    struct error *err)
{
	struct rows *person;
	struct attempt a;
	bool ok, rehash;

	if (!store_person_by_id(call->svc->db, call->arena, user_id, &person, err))
		return false;
	if (rows_count(person) == 0)
		return error_set(err, ERR_NOT_FOUND, "There is no such person.");
	if (!attempt_begin(call, rows_str(person, 0, PERSON_EMAIL), &a, err) ||
	    !store_person_by_email(call->svc->db, call->arena, a.email, &person, err) ||
	    !password_verify(config_str(call->svc->config, CFG_RUN_DIR),
		rows_str(person, 0, PERSON_COLUMNS), password, &ok, &rehash, err))
		return false;
	return ok || attempt_failed(call, &a, "invalid_credentials", "The password is wrong.", err);
}
