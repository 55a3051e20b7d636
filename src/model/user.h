/* A person, and their sessions, tokens and history. Strings belong to the arena. */
#ifndef MN_MODEL_USER_H
#define MN_MODEL_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"

struct user {
	const char *id, *email, *display_name;
	const char *time_zone; /* IANA name, or NULL */
	enum role role;
	enum tier tier;
	bool active;
	bool totp_enabled, plex_linked;
	int64_t generation;
	int64_t version;                   /* grows with each change of what others see of them */
	int64_t created_at, last_login_at; /* us */
};

/*
 * What was verified of a person. Whatever is done on the strength of it (a session is opened, an
 * address changed) is done by a statement that demands that it still holds.
 */
struct verified {
	const char *user_id;
	int64_t generation;
	const char *password_hash; /* that the password matched; NULL: none was asked for */
	const char *plex_id;       /* of the Plex account that vouched; NULL: none */
	bool totp_enabled;         /* with one of the two above */
};

struct session {
	const char *id, *device, *address;
	int64_t created_at, last_used_at; /* us */
};

struct api_token {
	const char *id, *name, *hint;
	permission_set scopes;
	int64_t created_at, expires_at, last_used_at; /* us, 0 = none */
};

/* An invitation that can still be used. */
struct invite {
	const char *id;
	const char *email; /* or NULL: for anyone who has the link */
	enum role role;
	enum tier tier;
	int64_t created_at, expires_at;           /* us */
	const char *created_by, *created_by_name; /* its author */
};

/* One entry of a person's history. */
struct activity {
	const char *id, *kind, *data; /* data: JSON object text */
	int64_t at;                   /* us */
};

struct month {
	const char *month; /* YYYY-MM */
	int64_t uploads, bytes, plays;
};

#endif
