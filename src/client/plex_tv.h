/*
 * plex.tv: sign-in by PIN, and whose token it is. Every call names the same client
 * (X-Plex-Client-Identifier) that asked for the PIN. ANSWER_UNKNOWN: the error is ERR_UNAVAILABLE
 * plex_unavailable, whatever went wrong on the way.
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
#define PLEX_PIN_SECONDS 900 /* where plex.tv does not say; between the bounds below in any case */
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

/* Present or unknown: plex.tv always has one to give. */
enum answer_kind plex_tv_pin_create(struct arena *, const struct plex_tv *, struct plex_pin *,
    struct error *);
/*
 * Present: plex.tv knows the PIN, *token NULL while nobody has confirmed it. Absent: it does not,
 * any more or at all.
 */
enum answer_kind plex_tv_pin_token(struct arena *, const struct plex_tv *, int64_t pin_id,
    const char **token, struct error *);
/* Whose token it is: present or unknown. */
enum answer_kind plex_tv_account(struct arena *, const struct plex_tv *, const char *token,
    struct plex_account *, struct error *);

#endif
