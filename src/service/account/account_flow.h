/*
 * What people do with their own account: join, confirm an address, reset or change a password,
 * change name and address.
 *
 * Nothing here tells whether an address is known: forgot and open registration answer alike, at
 * like cost. Links are single use, hashed at rest, and good for MAIL_TOKEN_SECONDS (reset) or
 * CONFIRM_TOKEN_SECONDS.
 */
#ifndef MN_SERVICE_ACCOUNT_ACCOUNT_FLOW_H
#define MN_SERVICE_ACCOUNT_ACCOUNT_FLOW_H

#include <stdbool.h>

#include "model/user.h"

struct call;
struct error;
struct session_grant;

#define MAIL_TOKEN_SECONDS 1800
#define CONFIRM_TOKEN_SECONDS 86400
#define MAIL_TOKEN_BYTES 24

struct registration {
	const char *email, *password, *display_name, *invite;
};

/*
 * *opened: a session was opened (invitation); otherwise a mail is on its way (open mode).
 * ERR_FORBIDDEN registration_closed, invite_required, invite_invalid.
 */
bool account_register(const struct call *, const struct registration *, bool *opened,
    struct session_grant *, struct error *);
/*
 * Confirms an address: of a registration (the account begins to exist) or of a changed address.
 * ERR_UNPROCESSABLE link_invalid.
 */
bool account_confirm(const struct call *, const char *token, struct error *);
bool account_forgot(const struct call *, const char *email, struct error *);
/* Ends every session. ERR_UNPROCESSABLE link_invalid. */
bool account_reset(const struct call *, const char *token, const char *password, struct error *);
/* Ends every other session. */
bool account_password(const struct call *, const char *current, const char *password,
    struct error *);

struct profile_change {
	const char *display_name, *email, *locale;
}; /* NULL: stays */
/* A new address counts once it was confirmed (by mail); without mail set up it counts at once. */
bool account_profile(const struct call *, const struct profile_change *, struct user *,
    struct error *);

#endif
