/*
 * plex.tv: sign-in by PIN, and whose token it is. Every call names the same client
 * (X-Plex-Client-Identifier) that asked for the PIN. Errors: ERR_UNAVAILABLE plex_unavailable
 * whatever went wrong on the way; ERR_NOT_FOUND where plex.tv no longer knows the PIN.
 */
#ifndef MN_CLIENT_PLEX_TV_H
#define MN_CLIENT_PLEX_TV_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct error;

#define PLEX_PRODUCT "MediaNest"
#define PLEX_TOKEN_MAX 512 /* bytes */
#define PLEX_CODE_MAX 64
#define PLEX_NAME_MAX 200
#define PLEX_ANSWER_MAX (1UL << 20)
#define PLEX_PIN_SECONDS 900 /* where plex.tv does not say; between the bounds below in any case */
#define PLEX_PIN_SECONDS_MIN 60
#define PLEX_PIN_SECONDS_MAX 1800

struct plex_tv {
	const char *url;   /* plex.tv_url */
	const char *allow; /* outbound.allow */
	const char *client_id;
	int64_t deadline; /* monotonic us, for all calls together */
};

struct plex_pin {
	int64_t id;
	const char *code;
	int expires_in; /* seconds */
};
struct plex_account {
	const char *id, *name;
};

bool plex_tv_pin_create(struct arena *, const struct plex_tv *, struct plex_pin *, struct error *);
/* *token NULL: nobody has confirmed the PIN yet. */
bool plex_tv_pin_token(struct arena *, const struct plex_tv *, int64_t pin_id, const char **token,
    struct error *);
bool plex_tv_account(struct arena *, const struct plex_tv *, const char *token,
    struct plex_account *, struct error *);

#endif
