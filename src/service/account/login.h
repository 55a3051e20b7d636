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
	struct verified verified;
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

/* What a signed-in person proves again before a sensitive change. */
struct login_proof {
	const char *password;
	const char *totp;   /* or NULL */
	bool password_only; /* the code is not asked for */
};
/*
 * Failures count like those of a sign-in, and have the same errors. *verified is for
 * credentials_hold(), in the transaction of the change.
 */
bool login_prove(const struct call *, const struct login_proof *, struct verified *,
    struct error *);

#endif
