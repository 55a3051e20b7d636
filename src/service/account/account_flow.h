/*
 * People's own accounts: join, confirm an address, reset or change the password, change name and
 * address.
 *
 * Nothing here reveals whether an address is known: forgot and open registration respond the same,
 * at the same cost. Links work once, are stored as hashes, and expire after MAIL_TOKEN_SECONDS
 * (reset) or CONFIRM_TOKEN_SECONDS (mail_link.h). They end with the session that asked for them and
 * when the person's generation is raised.
 */
#ifndef MN_SERVICE_ACCOUNT_ACCOUNT_FLOW_H
#define MN_SERVICE_ACCOUNT_ACCOUNT_FLOW_H

#include <stdbool.h>

#include "model/user.h"
#include "service/account/login.h"

struct call;
struct error;
struct session_grant;

struct registration {
	const char *email, *password, *display_name, *invite;
};

/*
 * *opened: a session was opened (invitation); otherwise a mail was queued (open mode).
 * ERR_FORBIDDEN registration_closed, invite_required, invite_invalid.
 */
bool account_register(const struct call *, const struct registration *, bool *opened,
    struct session_grant *, struct error *);
/*
 * Confirms the address of a registration, which creates the account, or a changed address.
 * ERR_UNPROCESSABLE link_invalid.
 */
bool account_confirm(const struct call *, const char *token, struct error *);
bool account_forgot(const struct call *, const char *email, struct error *);
/* Ends all sessions and API tokens. ERR_UNPROCESSABLE link_invalid. */
bool account_reset(const struct call *, const char *token, const char *password, struct error *);
struct password_new {
	const char *current, *password;
	bool end_tokens; /* API tokens too */
};
/* Ends all other sessions. */
bool account_password(const struct call *, const struct password_new *, struct error *);

struct profile_change {
	const char *display_name, *email, *locale, *time_zone; /* NULL: unchanged */
	int64_t version;                                       /* that was edited, 0: any */
	struct login_proof proof;                              /* for a new address */
};
/* A new address is used once it is confirmed by mail, or at once if mail is not set up. */
bool account_profile(const struct call *, const struct profile_change *, struct user *,
    struct error *);

#endif
