/*
 * Sign-in with Plex by PIN. People are known by the Plex account id that they linked while signed
 * in, never by an e-mail address; a Plex account is linked with one person. plex.tv gets
 * PLEX_SIGNIN_MS for a request as a whole, so that a worker is not lost to it; while it
 * is away the answer is ERR_UNAVAILABLE plex_unavailable, and no other sign-in notices.
 */
#ifndef MN_SERVICE_ACCOUNT_PLEX_SIGNIN_H
#define MN_SERVICE_ACCOUNT_PLEX_SIGNIN_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;
struct session_grant;

#define PLEX_SIGNIN_MS 5000
#define PLEX_AUTH_PAGE "https://app.plex.tv/auth/#!"

struct plex_signin_pin {
	const char *id, *code, *url;
	int64_t expires_at; /* us */
};

/*
 * A PIN to confirm at `url`. Somebody signed in links their account with it; an API token is
 * refused: ERR_FORBIDDEN session_required.
 */
bool plex_signin_begin(const struct call *, struct plex_signin_pin *, struct error *);
/*
 * Has it been confirmed? *pending, or a session for the person linked with that Plex account. Once:
 * afterwards, and when it has expired, ERR_NOT_FOUND pin_expired. ERR_FORBIDDEN plex_not_linked:
 * nobody is linked with it; ERR_CONFLICT plex_taken: somebody else is; ERR_UNAUTHENTICATED
 * totp_required: a second factor is not walked around by way of Plex.
 */
bool plex_signin_poll(const struct call *, const char *id, bool *pending, struct session_grant *,
    struct error *);
/* Harmless when nothing is linked. */
bool plex_unlink(const struct call *, struct error *);

#endif
