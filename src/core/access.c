#include <stddef.h>

#include "core/access.h"
#include "core/json.h"
#include "core/str.h"

#include "core/banned.h"

const struct principal principal_nobody = { .user_id = "" };

#define NAME(id, name) name,
static const char *const role_names[ROLES] = { ROLE_LIST(NAME) };
static const char *const tier_names[TIERS] = { TIER_LIST(NAME) };
#undef NAME
#define NAME(id, name) [PERM_##id] = name,
static const char *const permission_names[PERMISSIONS] = {
	[PUBLIC] = "public",
	PERMISSION_LIST(NAME)[PERM_SIGNED_IN] = "signed_in",
};
#undef NAME

/* The default matrix, one row for each role; man/medianest-api.7 shows it. */
static const permission_set defaults[ROLES] = {
	[ROLE_GUEST] = PERM_BIT(PERM_MEDIA_READ) | PERM_BIT(PERM_PROFILE_VIEW),
	[ROLE_USER] = PERM_BIT(PERM_MEDIA_READ) | PERM_BIT(PERM_MEDIA_UPLOAD) |
	    PERM_BIT(PERM_PROFILE_VIEW) | PERM_BIT(PERM_PROFILE_EDIT) |
	    PERM_BIT(PERM_INTEGRATIONS_VIEW),
	[ROLE_ADMIN] = PERM_BIT(PERM_MEDIA_READ) | PERM_BIT(PERM_MEDIA_UPLOAD) |
	    PERM_BIT(PERM_MEDIA_DELETE) | PERM_BIT(PERM_PROFILE_VIEW) |
	    PERM_BIT(PERM_PROFILE_EDIT) | PERM_BIT(PERM_USERS_MANAGE) |
	    PERM_BIT(PERM_INTEGRATIONS_CONFIGURE) | PERM_BIT(PERM_WEBHOOKS_MANAGE),
	[ROLE_SUPER] = PERM_BIT(PERM_MEDIA_MANAGE_ALL) | PERM_BIT(PERM_USERS_MANAGE) |
	    PERM_BIT(PERM_SYSTEM_SETTINGS) | PERM_BIT(PERM_INTEGRATIONS_CONFIGURE) |
	    PERM_BIT(PERM_WEBHOOKS_MANAGE),
};

static const struct {
	enum permission holds;
	permission_set implies;
} implications[] = {
	{ PERM_MEDIA_MANAGE_ALL,
	    PERM_BIT(PERM_MEDIA_READ) | PERM_BIT(PERM_MEDIA_UPLOAD) | PERM_BIT(PERM_MEDIA_DELETE) },
	{ PERM_USERS_MANAGE, PERM_BIT(PERM_PROFILE_VIEW) | PERM_BIT(PERM_PROFILE_EDIT) },
	{ PERM_INTEGRATIONS_CONFIGURE, PERM_BIT(PERM_INTEGRATIONS_VIEW) },
};

static bool
find_name(const char *const *names, int first, int end, const char *name, int *index)
{
	for (int i = first; i < end; i++)
		if (str_eq(names[i], name)) {
			*index = i;
			return true;
		}
	return false;
}

const char *
role_name(enum role role)
{
	return role_names[role];
}

bool
role_parse(const char *name, enum role *role)
{
	int i;

	if (!find_name(role_names, 0, ROLES, name, &i))
		return false;
	*role = (enum role)i;
	return true;
}

const char *
tier_name(enum tier tier)
{
	return tier_names[tier];
}

bool
tier_parse(const char *name, enum tier *tier)
{
	int i;

	if (!find_name(tier_names, 0, TIERS, name, &i))
		return false;
	*tier = (enum tier)i;
	return true;
}

const char *
permission_name(enum permission permission)
{
	return permission_names[permission];
}

void
permissions_put(struct json *j, const char *key, permission_set set)
{
	json_array(j, key);
	for (enum permission permission = PUBLIC + 1; permission < PERM_SIGNED_IN; permission++)
		if (set & PERM_BIT(permission))
			json_put_str(j, NULL, permission_name(permission));
	json_array_end(j);
}

/* PUBLIC and PERM_SIGNED_IN mark routes; they cannot be granted to anyone. */
bool
permission_parse(const char *name, enum permission *permission)
{
	int i;

	if (!find_name(permission_names, PUBLIC + 1, PERM_SIGNED_IN, name, &i))
		return false;
	*permission = (enum permission)i;
	return true;
}

permission_set
role_default_permissions(enum role role)
{
	return defaults[role];
}

permission_set
permission_closure(permission_set set)
{
	for (size_t i = 0; i < sizeof(implications) / sizeof(implications[0]); i++)
		if ((set & PERM_BIT(implications[i].holds)) != 0)
			set |= implications[i].implies;
	return set;
}
