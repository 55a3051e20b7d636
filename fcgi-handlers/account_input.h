/* Field rules that accounts have in several routes. */
#ifndef MN_HANDLERS_ACCOUNT_INPUT_H
#define MN_HANDLERS_ACCOUNT_INPUT_H

#include "core/crypto.h"
#include "http/input.h"
#include "service/account/accounts.h"

/* One that is chosen; the service refuses common ones too. */
#define NEW_PASSWORD_RULE(name, required) \
	{ name, FIELD_STRING, .min = PASSWORD_MIN, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | (required) }
/* One that is proved: whatever was taken once. */
#define PASSWORD_RULE(name) \
	{ name, FIELD_STRING, .min = 1, .max = PASSWORD_MAX, \
		.flags = FIELD_SECRET | FIELD_REQUIRED }
#define DISPLAY_NAME_RULE { "displayName", FIELD_STRING, .min = 1, .max = ACCOUNT_NAME_MAX }

#endif
