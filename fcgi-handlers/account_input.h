/* Field rules of accounts that several routes share. */
#ifndef MN_HANDLERS_ACCOUNT_INPUT_H
#define MN_HANDLERS_ACCOUNT_INPUT_H

#include "core/crypto.h"
#include "http/input.h"
#include "service/account/accounts.h"

/* A password that someone chooses; the service also refuses common ones. */
#define NEW_PASSWORD_RULE(name, required) \
	{ name, FIELD_STRING, .min = PASSWORD_MIN, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | (required) }
/* A password that someone signs in with: the limits may have been others when it was chosen. */
#define PASSWORD_RULE(name) \
	{ name, FIELD_STRING, .min = 1, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | FIELD_REQUIRED }
#define DISPLAY_NAME_RULE { "displayName", FIELD_STRING, .min = 1, .max = ACCOUNT_NAME_MAX }

#endif
