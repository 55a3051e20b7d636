/* A person as services and views see them. Strings belong to the arena. */
#ifndef MN_SERVICE_USER_H
#define MN_SERVICE_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/access.h"

struct user {
	const char *id, *email, *display_name;
	enum role role;
	enum tier tier;
	bool active;
	bool totp_enabled, plex_linked;
	int64_t generation;
	int64_t created_at, last_login_at; /* us */
};

#endif
