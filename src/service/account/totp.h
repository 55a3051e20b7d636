/*
 * Two-step verification: TOTP as in RFC 6238 (HMAC-SHA-1, 30 s, 6 digits, one step of drift either
 * way) and ten recovery codes, stored as SHA-256. Each code works once.
 */
#ifndef MN_SERVICE_ACCOUNT_TOTP_H
#define MN_SERVICE_ACCOUNT_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct arena;
struct error;
struct verified;

#define TOTP_SECRET_BYTES 20 /* RFC 4226 section 4: the length of the hash */
#define TOTP_STEP_SECONDS 30
#define TOTP_DIGITS 6
#define TOTP_DRIFT_STEPS 1
#define RECOVERY_CODES 10
#define RECOVERY_CODE_BYTES 10

/* Returns the code of a step: RFC 4226 section 5.3. */
uint32_t totp_code(const unsigned char *secret, size_t len, int64_t step);
char *base32_encode(struct arena *, const void *, size_t); /* RFC 4648 section 6, no padding */

struct totp_enrolment {
	const char *secret /* base32 */, *uri; /* otpauth://, for a QR code */
};
/*
 * Setting up and turning off want what login_prove() has verified.
 *
 * Creates a secret that is not in force before totp_confirm(); replaces an unconfirmed one.
 * ERR_CONFLICT totp_enabled if one is in force.
 */
bool totp_begin(const struct call *, const struct verified *, struct totp_enrolment *,
    struct error *);
/*
 * A code of the pending secret puts it in force. Returns the recovery codes, only here.
 * ERR_UNPROCESSABLE totp_invalid.
 */
bool totp_confirm(const struct call *, const char *code, const char **codes /* [RECOVERY_CODES] */,
    struct error *);
bool totp_disable(const struct call *, const struct verified *, struct error *);

/*
 * At sign-in: checks a code or recovery code of a person with two-step verification; the result is
 * *ok. A code that was used before is wrong.
 */
bool totp_check(const struct call *, const char *user_id, const char *code, bool *ok,
    struct error *);

#endif
