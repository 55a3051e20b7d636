/*
 * Changed credentials: one operation for a changed and a forgotten password, for what an admin
 * resets, disables or deletes. Whatever was given out before ends with it: sessions, links of every
 * purpose, PINs, on demand API tokens; and the generation is raised, which voids what was under
 * way.
 */
#ifndef MN_SERVICE_ACCOUNT_CREDENTIALS_H
#define MN_SERVICE_ACCOUNT_CREDENTIALS_H

#include <stdbool.h>

#include "model/user.h"
#include "service/notify/mail.h"

struct call;
struct error;
struct revocation;

struct credentials_change {
	const char *user_id;
	const char *password_hash; /* the new one, or NULL: it stays */
	const char *keep_session;  /* or NULL: every session ends */
	bool end_tokens;           /* API tokens too */
	const char *reason;        /* that the sessions keep */
};
/* In the caller's transaction; revoke_push() follows the commit. */
bool credentials_changed(const struct call *, const struct credentials_change *,
    struct revocation *, struct error *);

/*
 * In the caller's transaction, first: locks the caller's own row and demands that their session
 * goes on and that what was verified of them still holds; `verified` NULL: what the access token
 * says. ERR_UNAUTHENTICATED token_stale: the client gets another access token, if it can.
 */
bool credentials_hold(const struct call *, const struct verified *, struct error *);
/* False: sets ERR_UNAUTHENTICATED token_stale. */
bool credentials_stale(struct error *);

/*
 * In the caller's transaction: tells the owner by mail, if mail is set up. `detail`: a line below
 * the text, or NULL.
 */
bool credentials_tell(const struct call *, const char *user_id, enum mail_kind, const char *detail,
    struct error *);

#endif
