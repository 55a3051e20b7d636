/* PINs of sign-ins with Plex, and the Plex accounts linked with people. Tokens are sealed. */
#ifndef MN_STORE_PLEX_H
#define MN_STORE_PLEX_H

#include <stdbool.h>
#include <stdint.h>

#include "model/user.h"
#include "store/pg.h"

extern const struct query store_plex_queries[];

/* The name of this installation at Plex: `fresh` if there is none yet, then always the same. */
bool store_plex_client_id(struct db *, struct arena *, const char *fresh, const char **client_id,
    struct error *);

struct store_plex_pin {
	const char *id;
	int64_t plex_pin_id;
	const char *client_id, *address;
	const char *user_id;    /* whose account it links, or NULL: it signs in */
	const char *session_id; /* of that person, from where it was begun */
	int64_t generation;     /* of that person at that time */
	int64_t expires_at;
	bool over; /* used or expired; set by store_plex_pin_read() */
};
bool store_plex_pin_add(struct db *, struct arena *, const struct store_plex_pin *, struct error *);
/* id NULL: unknown. Address and expiry stay unset. */
bool store_plex_pin_read(struct db *, struct arena *, const char *id, struct store_plex_pin *,
    struct error *);
/* *fresh: it had neither been used nor expired. */
bool store_plex_pin_use(struct db *, struct arena *, const char *id, bool *fresh, struct error *);

/*
 * A Plex account belongs to one person: users_plex_id_key is violated otherwise. *linked: the
 * person exists and is active.
 */
struct store_plex_account {
	const char *user_id, *plex_id, *name;
	const char *sealed; /* the token */
};
bool store_plex_link(struct db *, struct arena *, const struct store_plex_account *, bool *linked,
    struct error *);
/* Token and name of a sign-in. *linked: it is still that person's, who is
 * active and in the same generation. */
bool store_plex_renew(struct db *, struct arena *, const struct store_plex_account *,
    int64_t generation, bool *linked, struct error *);
bool store_plex_unlink(struct db *, struct arena *, const char *user_id, bool *was_linked,
    struct error *);
/* The person linked with it; user_id NULL: none. plex_id has to outlive the result. */
bool store_plex_person(struct db *, struct arena *, const char *plex_id, struct verified *,
    struct error *);

#endif
