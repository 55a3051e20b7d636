/*
 * Nobody gives what they do not hold, and nobody touches a person who holds more: the role decides
 * for a session; for an API token its scopes too, whatever its owner may do.
 *
 * A token with users.manage may give the roles guest and user as the default matrix has them, and
 * beyond that only what is among its own scopes.
 */
#ifndef MN_SERVICE_ACCOUNT_GRANT_H
#define MN_SERVICE_ACCOUNT_GRANT_H

#include <stdbool.h>

#include "core/access.h"
#include "model/user.h"

struct call;
struct caller;
struct error;

/* ERR_FORBIDDEN role_above_own, scope_missing. */
bool grant_role(const struct caller *, enum role, struct error *);
/* The same for any change of a person, deletion included. */
bool grant_touch(const struct caller *, const struct user *, struct error *);
/* A changed matrix of roles. ERR_FORBIDDEN scope_missing. */
bool grant_matrix(const struct caller *, const permission_set from[ROLES],
    const permission_set to[ROLES], struct error *);

/* Who else takes part in a change; NULL, false: nobody. */
struct grant_people {
	const char *target, *heir;
	bool last_super; /* it may be the last super admin's end */
	bool deletes;
};
/*
 * First in the transaction of every change by an admin: locks the caller and those who take part,
 * until it commits, so that what the caller was let in with still holds then. ERR_UNAUTHENTICATED
 * token_stale.
 */
bool grant_hold(const struct call *, const struct grant_people *, struct error *);

#endif
