/* What the bits of a user's permissions in Overseerr mean. */
#include "client/overseerr.h"

#include "core/str.h"

#include "core/banned.h"

static const struct {
	int64_t bit;
	const char *name;
} permissions[] = {
	{ OVERSEERR_ADMIN, "admin" },
	{ 4, "manage_settings" },
	{ OVERSEERR_MANAGE_USERS, "manage_users" },
	{ OVERSEERR_MANAGE_REQUESTS, "manage_requests" },
	{ 32, "request" },
	{ 128, "auto_approve" },
	{ 256, "auto_approve_movie" },
	{ 512, "auto_approve_tv" },
	{ 1024, "request_4k" },
	{ 2048, "request_4k_movie" },
	{ 4096, "request_4k_tv" },
	{ 8192, "request_advanced" },
	{ 16384, "request_view" },
	{ 32768, "auto_approve_4k" },
	{ 65536, "auto_approve_4k_movie" },
	{ 131072, "auto_approve_4k_tv" },
	{ 262144, "request_movie" },
	{ 524288, "request_tv" },
};
#define PERMISSIONS_KNOWN (sizeof(permissions) / sizeof(permissions[0]))

const char *
overseerr_permission(int64_t bits, size_t n)
{
	for (size_t i = 0; i < PERMISSIONS_KNOWN; i++)
		if ((bits & permissions[i].bit) != 0 && n-- == 0)
			return permissions[i].name;
	return NULL;
}

bool
overseerr_approves_itself(const struct overseerr_account *account, const char *media_type,
    bool is4k)
{
	/* of everything, of films, of series */
	static const int64_t bits[2][3] = { { 128, 256, 512 }, { 32768, 65536, 131072 } };
	const int64_t *of = bits[is4k];

	return (account->permissions &
		   (OVERSEERR_ADMIN | OVERSEERR_MANAGE_REQUESTS | of[0] |
		       of[str_eq(media_type, "tv") ? 2 : 1])) != 0;
}

bool
overseerr_may_4k(const struct overseerr_account *account, const char *media_type)
{
	return (account->permissions &
		   (OVERSEERR_ADMIN | 1024 | (str_eq(media_type, "tv") ? 4096 : 2048))) != 0;
}
