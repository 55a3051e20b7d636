#include "service/login.h"

#include <string.h>

#include "core/arena.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "core/str.h"
#include "service/admission.h"
#include "service/services.h"
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
	error_slug(err, ERR_RATE_LIMITED, "too_many_attempts", "Too many failed sign-ins. Try again in %lld minutes.", (long long)((seconds + 59) / 60));
	err->retry_after = (int)seconds;
	return false;
}

static bool
check_counters(struct services *svc, const char *const *subjects, const struct rows *counts, bool known_address, struct error *err)
{
	const int64_t limits[LOGIN_SUBJECTS] = {
		[SUBJECT_PAIR] = config_int(svc->config, CFG_LOGIN_PER_ACCOUNT_ADDRESS),
		[SUBJECT_ACCOUNT] = known_address ? INT64_MAX : config_int(svc->config, CFG_LOGIN_PER_ACCOUNT),
		[SUBJECT_ADDRESS] = config_int(svc->config, CFG_LOGIN_PER_ADDRESS),
	};
	size_t i, row;

	for (row = 0; row < rows_count(counts); row++)
		for (i = 0; i < LOGIN_SUBJECTS; i++)
			if (str_eq(rows_str(counts, row, 0), subjects[i]) && rows_int(counts, row, 1) >= limits[i])
				return too_many(err, rows_int(counts, row, 2));
	return true;
}

bool
login_check(struct services *svc, struct arena *arena, const char *email, const char *password, const char *address, struct login_checked *out,
    struct error *err)
{
	const char *lower = str_lower(arena, email), *net = admission_address(arena, address);
	const char *subjects[LOGIN_SUBJECTS] = {
		[SUBJECT_PAIR] = subject(arena, "pair", arena_printf(arena, "%s %s", lower, net)),
		[SUBJECT_ACCOUNT] = subject(arena, "account", lower),
		[SUBJECT_ADDRESS] = arena_printf(arena, "address:%s", net),
	};
	char new_hash[ARGON2_HASH_MAX];
	struct rows *counts;
	bool known_address, known, ok, rehash;

	memset(out, 0, sizeof *out);
	if (!store_login_state(svc->db, arena, subjects, lower, net, &counts, &known_address, err) ||
	    !check_counters(svc, subjects, counts, known_address, err) ||
	    !store_person_by_email(svc->db, arena, lower, &out->person, err))
		return false;
	known = rows_count(out->person) == 1 && rows_bool(out->person, 0, PERSON_ACTIVE);
	if (!password_verify(config_str(svc->config, CFG_RUN_DIR), known ? rows_str(out->person, 0, PERSON_COLUMNS) : NULL, password, &ok, &rehash, err))
		return false;
	if (!ok || !known) {
		if (!store_login_failed(svc->db, arena, subjects, err))
			return false;
		return error_slug(err, ERR_UNAUTHENTICATED, "invalid_credentials", "The e-mail address or the password is wrong.");
	}
	if (rehash && password_hash(config_str(svc->config, CFG_RUN_DIR), password, new_hash, err))
		out->new_hash = arena_strdup(arena, new_hash);
	return rows_count(counts) == 0 || store_login_forget(svc->db, arena, subjects[SUBJECT_PAIR], err);
}
