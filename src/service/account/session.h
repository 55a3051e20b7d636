/*
 * Sessions: sign-in, refresh token families with rotation and reuse detection, sign-out.
 *
 * PostgreSQL is the truth. A revocation commits there with a job that repeats the push, then
 * reaches Redis before the response; a failed push is ERR_UNAVAILABLE although the session has
 * ended.
 */
#ifndef MN_SERVICE_ACCOUNT_SESSION_H
#define MN_SERVICE_ACCOUNT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "model/user.h"

struct call;
struct error;

#define REFRESH_TOKEN_BYTES 32
#define REFRESH_TOKEN_TEXT 43 /* base64url without padding */
_Static_assert(REFRESH_TOKEN_TEXT == (4 * REFRESH_TOKEN_BYTES + 2) / 3, "the text of a token");
#define SESSION_DEVICE_MAX 200

struct session_grant {
	const char *token, *refresh_token;
	int expires_in; /* seconds */
	struct user user;
};

struct login_ask;

/*
 * A wrong pair is ERR_UNAUTHENTICATED invalid_credentials, at the same cost for unknown addresses;
 * too many failures are ERR_RATE_LIMITED too_many_attempts; see login.h.
 */
bool session_login(const struct call *, const struct login_ask *, struct session_grant *,
    struct error *);
/*
 * Opens a session for a person who was identified in another way (registration, Plex), if what was
 * verified of them still holds.
 */
bool session_open(const struct call *, const struct verified *, struct session_grant *,
    struct error *);
/*
 * token_rotated: the request lost a race, or was repeated too early; token_invalid; token_reused:
 * the whole family is revoked.
 */
bool session_refresh(const struct call *, const char *refresh_token, struct session_grant *,
    struct error *);
/*
 * Ends the family of the refresh token and, if another, the session of `bearer` (may be anonymous).
 * An unknown token is not an error.
 */
bool session_logout(const struct call *, const char *refresh_token, const struct principal *bearer,
    struct error *);
/*
 * Finds the owner of a refresh token: fills who (user, session, role, tier) while it is valid;
 * anonymous otherwise. False only if the database is unavailable.
 */
bool session_peek(const struct call *, const char *refresh_token, struct principal *who,
    struct error *);
bool session_list(const struct call *, const char *user_id, struct session **, size_t *n,
    struct error *);
/* Ends one session of the caller; an unknown one or that of another person is ERR_NOT_FOUND. */
bool session_end(const struct call *, const char *sid, struct error *);
bool session_end_others(const struct call *, struct error *);
/* Reads the person of a principal; ERR_UNAUTHENTICATED if they no longer exist. */
bool session_user(const struct call *, struct user *, struct error *);

#endif
