#include "service/account/totp.h"

#include <ctype.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/str.h"
#include "service/account/credentials.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/seal.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_people.h"
#include "store/store_totp.h"

#include "core/banned.h"

#define CODE_MODULUS 1000000 /* 10^TOTP_DIGITS */
_Static_assert(TOTP_DIGITS == 6, "CODE_MODULUS is 10^6");
#define ISSUER "MediaNest"

uint32_t
totp_code(const unsigned char *secret, size_t len, int64_t step)
{
	unsigned char counter[8], mac[20];
	const unsigned char *p;

	for (int i = 0; i < 8; i++)
		counter[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	hmac_sha1(secret, len, counter, sizeof(counter), mac);
	p = mac + (mac[19] & 0x0f);
	return (((uint32_t)(p[0] & 0x7f) << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) |
		   p[3]) %
	    CODE_MODULUS;
}

char *
base32_encode(struct arena *arena, const void *data, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const unsigned char *p = data;
	char *out = arena_alloc(arena, len * 8 / 5 + 2), *o = out;
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = (bits << 8) | p[i];
		for (have += 8; have >= 5; have -= 5)
			*o++ = alphabet[(bits >> (have - 5)) & 31];
	}
	if (have > 0)
		*o++ = alphabet[(bits << (5 - have)) & 31];
	*o = '\0';
	return out;
}

static bool
lock_state(const struct call *call, struct totp_state *state, struct error *err)
{
	return store_totp_lock(call->svc->db, call->arena, call->by.who->user_id, state, err) &&
	    (state->email != NULL || error_set(err, ERR_NOT_FOUND, "There is no such person."));
}

/* A person's secret is sealed to their row. */
static struct seal_place
place_of(const char *user_id)
{
	return (struct seal_place) { "users", user_id, "totp" };
}

/* In the transaction. */
static bool
begin_in(const struct call *call, const char *sealed, const struct verified *verified,
    struct totp_state *state, struct error *err)
{
	if (!credentials_hold(call, verified, err) || !lock_state(call, state, err))
		return false;
	if (state->enabled)
		return error_slug(err, ERR_CONFLICT, "totp_enabled",
		    "Two-step verification is already on. Turn it off first.");
	return store_totp_pending(call->svc->db, call->arena, call->by.who->user_id, sealed, err);
}

bool
totp_begin(const struct call *call, const struct verified *verified, struct totp_enrolment *out,
    struct error *err)
{
	unsigned char secret[TOTP_SECRET_BYTES];
	struct totp_state state;
	const char *sealed;
	struct buf uri;

	random_bytes(secret, sizeof(secret));
	if (!seal_text(call, place_of(call->by.who->user_id), secret, sizeof(secret), &sealed,
		err) ||
	    !db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db, begin_in(call, sealed, verified, &state, err), err))
		return false;
	out->secret = base32_encode(call->arena, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	buf_init(&uri, call->arena, 0);
	buf_adds(&uri, "otpauth://totp/" ISSUER ":");
	url_encode(&uri, state.email, strlen(state.email), false);
	buf_addf(&uri, "?secret=%s&issuer=" ISSUER "&algorithm=SHA1&digits=%d&period=%d",
	    out->secret, TOTP_DIGITS, TOTP_STEP_SECONDS);
	out->uri = uri.data;
	return true;
}

/*
 * Returns the step that has this code, trying the newest first; 0: none. Leading zeros are digits
 * of the code.
 */
static int64_t
matching_step(const unsigned char *secret, size_t len, const char *code)
{
	int64_t now = clock_now() / US_PER_SEC / TOTP_STEP_SECONDS, step;
	uint32_t given = 0;
	const char *p;

	for (p = code; isdigit((unsigned char)*p) && p - code < TOTP_DIGITS; p++)
		given = given * 10 + (uint32_t)(*p - '0');
	if (*p != '\0' || p - code != TOTP_DIGITS)
		return 0;
	for (step = now + TOTP_DRIFT_STEPS; step >= now - TOTP_DRIFT_STEPS; step--)
		if (totp_code(secret, len, step) == given)
			return step;
	return 0;
}

static const char *
recovery_hash(struct arena *arena, const char *code)
{
	unsigned char hash[SHA256_SIZE];
	struct buf plain;

	/* Recovery codes are accepted in any case, with or without the dashes. */
	buf_init(&plain, arena, 0);
	for (; *code != '\0'; code++)
		if (*code != '-' && *code != ' ')
			buf_addc(&plain, (char)toupper((unsigned char)*code));
	sha256(plain.data, plain.len, hash);
	return db_bytea(arena, hash, sizeof(hash));
}

/* Four groups of four: "ABCD-EFGH-IJKL-MNOP". */
static const char *
new_recovery_code(struct arena *arena)
{
	unsigned char random[RECOVERY_CODE_BYTES];
	const char *text;

	random_bytes(random, sizeof(random));
	text = base32_encode(arena, random, sizeof(random));
	return arena_printf(arena, "%.4s-%.4s-%.4s-%.4s", text, text + 4, text + 8, text + 12);
}

/* In the transaction: puts the pending secret in force if `code` is one of its codes. */
static bool
enable(const struct call *call, const char *pending, const char *code, struct error *err)
{
	const char *user_id = call->by.who->user_id;
	struct sealed secret;
	int64_t step;

	if (pending == NULL)
		return error_slug(err, ERR_CONFLICT, "totp_not_begun",
		    "Two-step verification is not being set up. Start with POST /api/auth/totp.");
	if (!seal_open(call, place_of(user_id), pending, &secret, err))
		return false;
	if ((step = matching_step(secret.data, secret.len, code)) == 0)
		return error_slug(err, ERR_UNPROCESSABLE, "totp_invalid",
		    "Wrong code. Check your device's clock.");
	return store_totp_enable(call->svc->db, call->arena, user_id, pending, step, err);
}

/* In the transaction. */
static bool
confirm_in(const struct call *call, const char *code, struct strings hashes, struct error *err)
{
	const struct audit_event event = {
		.action = "user.totp_enabled",
		.target_type = "user",
		.target_id = call->by.who->user_id,
	};
	struct totp_state state;

	return credentials_hold(call, NULL, err) && lock_state(call, &state, err) &&
	    enable(call, state.pending, code, err) &&
	    store_recovery_replace(call->svc->db, call->arena, call->by.who->user_id, hashes,
		err) &&
	    audit_add(call, &event, err) &&
	    credentials_tell(call, call->by.who->user_id, MAIL_TOTP_ON, NULL, err);
}

bool
totp_confirm(const struct call *call, const char *code, const char **codes, struct error *err)
{
	const char *hashes[RECOVERY_CODES];

	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		codes[i] = new_recovery_code(call->arena);
		hashes[i] = recovery_hash(call->arena, codes[i]);
	}
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		confirm_in(call, code, (struct strings) { hashes, RECOVERY_CODES }, err), err);
}

bool
totp_disable(const struct call *call, const struct verified *verified, struct error *err)
{
	const char *user_id = call->by.who->user_id;
	const struct audit_event event = {
		.action = "user.totp_disabled",
		.target_type = "user",
		.target_id = user_id,
	};

	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		credentials_hold(call, verified, err) &&
		    store_person_totp_clear(call->svc->db, call->arena, user_id, err) &&
		    audit_add(call, &event, err) &&
		    (!verified->totp_enabled ||
			credentials_tell(call, user_id, MAIL_TOTP_OFF, NULL, err)),
		err);
}

bool
totp_check(const struct call *call, const char *user_id, const char *code, bool *ok,
    struct error *err)
{
	struct totp_state state;
	struct sealed secret;
	int64_t step;

	*ok = false;
	if (!store_totp_read(call->svc->db, call->arena, user_id, &state, err))
		return false;
	if (state.secret == NULL)
		return true;
	if (!seal_open(call, place_of(user_id), state.secret, &secret, err))
		return false;
	if ((step = matching_step(secret.data, secret.len, code)) > 0)
		return store_totp_step(call->svc->db, call->arena, user_id, step, ok, err);
	return store_recovery_use(call->svc->db, call->arena, user_id,
	    recovery_hash(call->arena, code), ok, err);
}
