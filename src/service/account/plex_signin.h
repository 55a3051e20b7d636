/*
 * Sign-in with Plex by PIN. People are identified by the Plex account id that they linked while
 * signed in, never by an email address; a Plex account is linked to one person. A request to
 * plex.tv may take PLEX_SIGNIN_MS as a whole, so that it does not block a worker; while plex.tv is
 * down the error is ERR_UNAVAILABLE plex_unavailable, and other ways to sign in are not affected.
 */
#ifndef MN_SERVICE_ACCOUNT_PLEX_SIGNIN_H
#define MN_SERVICE_ACCOUNT_PLEX_SIGNIN_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;
struct login_proof;
struct session_grant;
struct verified;

#define PLEX_SIGNIN_MS 5000
#define PLEX_AUTH_PAGE "https://app.plex.tv/auth/#!"

struct plex_signin_pin {
	const char *id, *code, *url;
	int64_t expires_at; /* us */
};

/*
 * Creates a PIN to confirm at `url`. For a signed-in person it links the account, and wants the
 * proof of login.h (otherwise ignored); an API token is refused: ERR_FORBIDDEN session_required.
 */
bool plex_signin_begin(const struct call *, const struct login_proof *, struct plex_signin_pin *,
    struct error *);

enum plex_poll { PLEX_PENDING, PLEX_LINKED, PLEX_SIGNED_IN };
/*
 * Asks whether the PIN was confirmed. One that was begun by a signed-in person links, for the
 * session that began it and while their credentials are the same; it never signs in. Any other
 * opens a session for the person linked to that Plex account. This works once: afterwards, and when
 * the PIN has expired, ERR_NOT_FOUND pin_expired. ERR_FORBIDDEN plex_not_linked: nobody is linked
 * to it; ERR_CONFLICT plex_taken: someone else is; ERR_UNAUTHENTICATED totp_required: Plex is no
 * way around two-step verification.
 */
bool plex_signin_poll(const struct call *, const char *id, enum plex_poll *, struct session_grant *,
    struct error *);
/* With what login_prove() has verified. Harmless when nothing is linked. */
bool plex_unlink(const struct call *, const struct verified *, struct error *);

#endif
