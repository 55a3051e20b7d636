/* A person as services and views see them. Strings belong to the arena. */
#ifndef MN_SERVICE_ACCOUNT_USER_H
#define MN_SERVICE_ACCOUNT_USER_H

#include <stdbool.h>
#include <stddef.h>
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

struct rows;
/* From a row that begins with the columns of PERSON_SQL (store_sessions.h). */
void user_from_row(const struct rows *, size_t row, struct user *);

#endif
