/* Field rules of accounts that several routes share. */
#ifndef MN_HANDLERS_ACCOUNT_INPUT_H
#define MN_HANDLERS_ACCOUNT_INPUT_H

#include "core/crypto.h"
#include "http/input.h"
#include "service/account/accounts.h"
#include "service/account/login.h"

/* A password that someone chooses; the service also refuses common ones. */
#define NEW_PASSWORD_RULE(name, required) \
	{ name, FIELD_STRING, .min = PASSWORD_MIN, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | (required) }
/* A password that someone signs in with: the limits may have been others when it was chosen. */
#define PASSWORD_RULE(name) \
	{ name, FIELD_STRING, .min = 1, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | FIELD_REQUIRED }
/* What a signed-in person proves again; login_prove() of the service checks it. */
#define PROOF_PASSWORD "currentPassword"
#define PROOF_PASSWORD_RULE(required) \
	{ PROOF_PASSWORD, FIELD_STRING, .min = 1, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | (required) }
/* A code of the app, or a recovery code. */
#define TOTP_RULE { "totp", FIELD_STRING, .min = 6, .max = 32, .flags = FIELD_SECRET }
#define DISPLAY_NAME_RULE { "displayName", FIELD_STRING, .min = 1, .max = ACCOUNT_NAME_MAX }

static inline struct login_proof
login_proof_of(const struct input *input)
{
	return (struct login_proof) {
		.password = input_str(input, PROOF_PASSWORD),
		.totp = input_str(input, "totp"),
	};
}

#endif
