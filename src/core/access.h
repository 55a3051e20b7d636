/*
 * The caller of a request, and what each role may do. Values only, so that every layer can use
 * them.
 *
 * The matrix here is the default; the one in force is in the database.
 */
#ifndef MN_CORE_ACCESS_H
#define MN_CORE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/id.h"
#include "core/words.h"

struct json;

/*
 * Roles, tiers and permissions in the order of the enums; X(identifier, name). Enums, names and
 * field rules are generated from these lists.
 */
#define ROLE_LIST(X) \
	X(GUEST, "guest") \
	X(USER, "user") \
	X(ADMIN, "admin") \
	X(SUPER, "super")
#define TIER_LIST(X) \
	X(STANDARD, "standard") \
	X(PREMIUM, "premium")
#define PERMISSION_LIST(X) \
	X(MEDIA_READ, "media.read") \
	X(MEDIA_UPLOAD, "media.upload") \
	X(MEDIA_DELETE, "media.delete") \
	X(MEDIA_MANAGE_ALL, "media.manage_all") \
	X(PROFILE_VIEW, "profile.view") \
	X(PROFILE_EDIT, "profile.edit") \
	X(USERS_MANAGE, "users.manage") \
	X(SYSTEM_SETTINGS, "system.settings") \
	X(INTEGRATIONS_VIEW, "integrations.view") \
	X(INTEGRATIONS_CONFIGURE, "integrations.configure") \
	X(WEBHOOKS_MANAGE, "webhooks.manage")

#define ROLE_ENUM(id, name) ROLE_##id,
#define TIER_ENUM(id, name) TIER_##id,
#define PERMISSION_ENUM(id, name) PERM_##id,
enum role { ROLE_LIST(ROLE_ENUM) ROLES };
enum tier { TIER_LIST(TIER_ENUM) TIERS };
enum permission {
	PUBLIC = 0, /* no authentication; always written in the route */
	PERMISSION_LIST(PERMISSION_ENUM) PERM_SIGNED_IN, /* any valid session */
	PERMISSIONS,
};
#undef ROLE_ENUM
#undef TIER_ENUM
#undef PERMISSION_ENUM

/* The names as choices of a field rule. */
#define ROLE_CHOICES NAMED_CHOICES(ROLE_LIST)
#define TIER_CHOICES NAMED_CHOICES(TIER_LIST)
#define PERMISSION_CHOICES NAMED_CHOICES(PERMISSION_LIST)
#define PERMISSIONS_GRANTABLE (PERM_SIGNED_IN - PUBLIC - 1)
#define ACCOUNT_STATUS_LIST(X) X("active") X("disabled")

#define PERM_BIT(p) (1u << (p))

typedef uint32_t permission_set;
_Static_assert(PERMISSIONS <= 32, "a permission has no bit");

/* A signed-in caller; `user_id` empty = anonymous. */
struct principal {
	char user_id[UUID_TEXT];
	char session_id[UUID_TEXT]; /* sid */
	enum role role;
	enum tier tier;
	int64_t generation;
	int64_t expires_at;         /* us, of the access token */
	permission_set permissions; /* with implications; the authorising guard fills it */
	/* an API token: only permissions that are also in `scopes` count */
	bool scoped;
	char token_id[UUID_TEXT]; /* of that token */
	permission_set scopes;    /* with implications */
};

extern const struct principal principal_nobody; /* anonymous, without permissions */

const char *role_name(enum role);
bool role_parse(const char *, enum role *);
const char *tier_name(enum tier);
bool tier_parse(const char *, enum tier *);
const char *permission_name(enum permission); /* "media.read" */
bool permission_parse(const char *, enum permission *);
/* An array of their names. */
void permissions_put(struct json *, const char *key, permission_set);

permission_set role_default_permissions(enum role); /* as in the matrix, without implications */
permission_set permission_closure(permission_set);  /* with implications */
static inline bool
principal_may(const struct principal *p, enum permission perm)
{
	return (p->permissions & PERM_BIT(perm)) != 0;
}

#endif
