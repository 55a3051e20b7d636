/*
 * Sessions: sign-in, refresh token families with rotation and reuse detection, sign-out (DESIGN section 4, correctness.md 1 and 2).
 *
 * PostgreSQL is the truth. A revocation commits there with a job that repeats the push, then reaches Redis before the answer; a failed push
 * is ERR_UNAVAILABLE although the session has ended.
 */
#ifndef MN_SERVICE_SESSION_H
#define MN_SERVICE_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"
#include "service/user.h"

struct arena;
struct error;
struct services;

#define REFRESH_TOKEN_BYTES 32
#define REFRESH_TOKEN_TEXT 43 /* base64url without padding */
#define SESSION_DEVICE_MAX 200
#define JOB_SESSION_PUSH "session.push" /* payload {"sid","expiresAt"}; queue quick */

struct session_grant {
	const char *token, *refresh_token;
	int expires_in; /* seconds */
	struct user user;
};

/* Wrong pair: ERR_UNAUTHENTICATED invalid_credentials, at the same cost for unknown addresses; too many: ERR_RATE_LIMITED too_many_attempts. */
bool session_login(struct services *, struct arena *, const char *email, const char *password, const char *device, const char *address,
    struct session_grant *, struct error *);
/* token_rotated: lost a race, or repeated too early; token_invalid; token_reused: the whole family is revoked. */
bool session_refresh(struct services *, struct arena *, const char *refresh_token, const char *address, struct session_grant *, struct error *);
/* Ends the family of the refresh token and, if another, the session of `bearer` (may be anonymous). Unknown tokens are no error. */
bool session_logout(struct services *, struct arena *, const char *refresh_token, const struct principal *bearer, struct error *);
/* Whose refresh token is it? Fills who (user, session, role, tier) while it is valid; anonymous otherwise. False only when the database is away. */
bool session_peek(struct services *, struct arena *, const char *refresh_token, struct principal *who, struct error *);
/* The person behind a principal; ERR_UNAUTHENTICATED when gone. */
bool session_user(struct services *, struct arena *, const struct principal *, struct user *, struct error *);
/* Worker: repeats a push (job JOB_SESSION_PUSH). */
bool session_push_job(struct services *, struct arena *, const char *payload, struct error *);

#endif
