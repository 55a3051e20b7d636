/*
 * plex.tv: sign-in with a PIN, and the account of a token. Every call uses the client name
 * (X-Plex-Client-Identifier) that requested the PIN. ANSWER_UNKNOWN: the error is always
 * ERR_UNAVAILABLE plex_unavailable.
 */
#ifndef MN_CLIENT_PLEX_TV_H
#define MN_CLIENT_PLEX_TV_H

#include <stdint.h>

#include "client/outbound.h"

struct arena;
struct error;

#define PLEX_PRODUCT "MediaNest"
#define PLEX_TOKEN_MAX 512 /* bytes */
#define PLEX_CODE_MAX 64
#define PLEX_NAME_MAX 200
#define PLEX_ANSWER_MAX (1UL << 20)
#define PLEX_PIN_SECONDS 900 /* if plex.tv does not say; always limited by the bounds below */
#define PLEX_PIN_SECONDS_MIN 60
#define PLEX_PIN_SECONDS_MAX 1800

struct plex_tv {
	const char *url; /* plex.tv_url */
	struct outbound rules;
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

/* Present or unknown: plex.tv can always create one. */
enum answer_kind plex_tv_pin_create(struct arena *, const struct plex_tv *, struct plex_pin *,
    struct error *);
/*
 * Present: plex.tv knows the PIN; *token is NULL until somebody confirms it. Absent: plex.tv does
 * not know it, or no longer.
 */
enum answer_kind plex_tv_pin_token(struct arena *, const struct plex_tv *, int64_t pin_id,
    const char **token, struct error *);
/* The account of a token: present or unknown. */
enum answer_kind plex_tv_account(struct arena *, const struct plex_tv *, const char *token,
    struct plex_account *, struct error *);

#endif
