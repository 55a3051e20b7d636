/*
 * PINs of sign-ins by Plex, and the Plex accounts that people are linked with. Tokens come sealed.
 */
#ifndef MN_STORE_PLEX_H
#define MN_STORE_PLEX_H

#include <stdbool.h>
#include <stdint.h>

#include "store/pg.h"

extern const struct query store_plex_queries[];

/*
 * The name under which this installation is known to Plex: made with `fresh` once, then the same
 * for ever.
 */
bool store_plex_client_id(struct db *, struct arena *, const char *fresh, const char **client_id,
    struct error *);

struct store_plex_pin {
	const char *id;
	int64_t plex_pin_id;
	const char *client_id, *user_id /* or NULL */, *address;
	int64_t expires_at;
	bool over; /* used or expired; set by store_plex_pin_read() */
};
bool store_plex_pin_add(struct db *, struct arena *, const struct store_plex_pin *, struct error *);
/* id NULL: unknown. Address and expiry stay unset. */
bool store_plex_pin_read(struct db *, struct arena *, const char *id, struct store_plex_pin *,
    struct error *);
/* *fresh: it was neither used nor expired before. */
bool store_plex_pin_use(struct db *, struct arena *, const char *id, bool *fresh, struct error *);

/*
 * A Plex account belongs to one person: users_plex_id_key is violated otherwise. *linked: the
 * person is there and active.
 */
struct store_plex_account {
	const char *user_id, *plex_id, *name;
	const char *sealed; /* the token */
};
bool store_plex_link(struct db *, struct arena *, const struct store_plex_account *, bool *linked,
    struct error *);
bool store_plex_unlink(struct db *, struct arena *, const char *user_id, bool *was_linked,
    struct error *);
/* Who is linked with it; *user_id NULL: nobody. *totp: the second factor is on. */
bool store_plex_person(struct db *, struct arena *, const char *plex_id, const char **user_id,
    bool *totp, struct error *);

#endif
