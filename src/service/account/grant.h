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

struct caller;
struct error;

/* ERR_FORBIDDEN role_above_own, scope_missing. */
bool grant_role(const struct caller *, enum role, struct error *);
/* The same for any change of a person, deletion included. */
bool grant_touch(const struct caller *, const struct user *, struct error *);
/* A changed matrix of roles. ERR_FORBIDDEN scope_missing. */
bool grant_matrix(const struct caller *, const permission_set from[ROLES],
    const permission_set to[ROLES], struct error *);

#endif
