#include "service/account/grant.h"

#include "core/error.h"
#include "service/account/credentials.h"
#include "service/call.h"
#include "service/gate/access.h"
#include "service/services.h"
#include "store/store_people.h"

#include "core/banned.h"

static bool
scope_missing(struct error *err)
{
	return error_slug(err, ERR_FORBIDDEN, "scope_missing",
	    "This API token lacks scopes for this: it cannot give or change rights that it does"
	    " not have itself.");
}

/* Whether the role has permissions that the token lacks. */
static bool
beyond_scopes(const struct principal *who, enum role role)
{
	permission_set held = who->permissions;

	if (!who->scoped)
		return false;
	if (principal_may(who, PERM_USERS_MANAGE) && role <= ROLE_USER)
		held |= permission_closure(role_default_permissions(ROLE_USER));
	return (access_permissions(role) & ~held) != 0;
}

bool
grant_hold(const struct call *call, const struct grant_people *people, struct error *err)
{
	const struct principal *who = call->by.who;
	const struct store_people_involved involved = {
		.caller = who->user_id,
		.generation = who->generation,
		.token_id = who->scoped ? who->token_id : NULL,
		.target = people->target,
		.heir = people->heir,
		.supers = people->last_super,
		.deletes = people->deletes,
	};
	bool granted;

	return store_person_granted(call->svc->db, call->arena, &involved, &granted, err) &&
	    (granted || credentials_stale(err));
}

bool
grant_role(const struct caller *caller, enum role role, struct error *err)
{
	if (role > caller->who->role)
		return error_slug(err, ERR_FORBIDDEN, "role_above_own",
		    "You cannot assign a role above your own.");
	return !beyond_scopes(caller->who, role) || scope_missing(err);
}

bool
grant_touch(const struct caller *caller, const struct user *user, struct error *err)
{
	if (user->role > caller->who->role)
		return error_slug(err, ERR_FORBIDDEN, "role_above_own",
		    "You cannot change someone whose role is above your own.");
	return !beyond_scopes(caller->who, user->role) || scope_missing(err);
}

bool
grant_matrix(const struct caller *caller, const permission_set from[ROLES],
    const permission_set to[ROLES], struct error *err)
{
	permission_set given = 0;

	for (enum role role = 0; role < ROLES; role++)
		given |= permission_closure(to[role]) & ~permission_closure(from[role]);
	return !caller->who->scoped || (given & ~caller->who->permissions) == 0 ||
	    scope_missing(err);
}
