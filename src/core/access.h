/*
 * Who asks, and what a role may do: values only, so that every layer can speak of them.
 *
 * The matrix here is the default; the database holds the one in force.
 */
#ifndef MN_CORE_ACCESS_H
#define MN_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"

enum role { ROLE_GUEST, ROLE_USER, ROLE_ADMIN, ROLE_SUPER, ROLES };
enum tier { TIER_STANDARD, TIER_PREMIUM, TIERS };

enum permission {
	PUBLIC = 0, /* no authentication; always written in the route */
	PERM_MEDIA_READ,
	PERM_MEDIA_UPLOAD,
	PERM_MEDIA_DELETE,
	PERM_MEDIA_MANAGE_ALL,
	PERM_PROFILE_VIEW,
	PERM_PROFILE_EDIT,
	PERM_USERS_MANAGE,
	PERM_SYSTEM_SETTINGS,
	PERM_INTEGRATIONS_VIEW,
	PERM_INTEGRATIONS_CONFIGURE,
	PERM_WEBHOOKS_MANAGE,
	PERM_SIGNED_IN, /* any valid session */
	PERMISSIONS,
};
#define PERM_BIT(p) (1u << (p))

typedef uint32_t permission_set;

/* A signed-in caller; `user_id` empty = anonymous. */
struct principal {
	char user_id[UUID_TEXT];
	char session_id[UUID_TEXT]; /* sid */
	enum role role;
	enum tier tier;
	int64_t generation;
	int64_t expires_at;         /* us, of the access token */
	permission_set permissions; /* with implications, filled by the authorising guard */
	bool scoped;                /* an API token: `permissions` are met with `scopes` */
	permission_set scopes;      /* with implications */
};

extern const struct principal principal_nobody; /* anonymous, without rights */

const char *role_name(enum role);
bool role_parse(const char *, enum role *);
const char *tier_name(enum tier);
bool tier_parse(const char *, enum tier *);
const char *permission_name(enum permission); /* "media.read" */
bool permission_parse(const char *, enum permission *);

permission_set role_default_permissions(enum role); /* as in the matrix, without implications */
permission_set permission_closure(permission_set);  /* with implications */
static inline bool
principal_may(const struct principal *p, enum permission perm)
{
	return (p->permissions & PERM_BIT(perm)) != 0;
}

#endif
