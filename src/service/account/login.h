/*
 * Password checks, with failure counters in PostgreSQL per (account, address), account and address.
 * Nobody can lock the owner out from elsewhere: the counter per account exempts addresses that the
 * account has signed in from before.
 */
#ifndef MN_SERVICE_ACCOUNT_LOGIN_H
#define MN_SERVICE_ACCOUNT_LOGIN_H

#include <stdbool.h>

#include "model/user.h"

struct call;
struct error;

struct login_checked {
	struct user user;
	/* set if the hash parameters have changed since the password was set, or NULL */
	const char *new_hash;
};

struct login_ask {
	const char *email, *password, *totp /* or NULL */;
};

/*
 * Also checks the two-step verification code where it is on: ERR_UNAUTHENTICATED totp_required
 * without a code, totp_invalid with a wrong one (which counts as a failure).
 */
bool login_check(const struct call *, const struct login_ask *, struct login_checked *,
    struct error *);
/*
 * Checks the password of a signed-in person again before a sensitive change; failures count like
 * those of a sign-in.
 */
bool login_check_password(const struct call *, const char *user_id, const char *password,
    struct error *);

#endif
