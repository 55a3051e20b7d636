/* Where Overseerr is, and who is who there: tables of sql/0017. */
#ifndef MN_STORE_STORE_OVERSEERR_H
#define MN_STORE_STORE_OVERSEERR_H

#include <stdbool.h>

#include "core/str.h"
#include "model/request.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_overseerr_queries[];

/* settings->url is NULL where none is set up. */
bool store_overseerr_get(struct db *, struct arena *, struct overseerr_settings *, struct error *);
/* key NULL: the one that is there. `fresh`: it is another Overseerr, of which nothing is known. */
bool store_overseerr_put(struct db *, struct arena *, const struct overseerr_settings *, bool fresh,
    struct error *);
/* What is known from it stays. */
bool store_overseerr_delete(struct db *, struct arena *, bool *was_there, struct error *);
/* How a question ended; version NULL: as before. */
bool store_overseerr_seen(struct db *, struct arena *, const char *state, const char *version,
    struct error *);
/* A complete list was asked for at that time. */
bool store_overseerr_refreshed(struct db *, struct arena *, int64_t at, struct error *);

/*
 * Numbers are given again in another Overseerr: at the first list of one, somebody with another
 * name and another Plex account is somebody else, and nobody is linked to them.
 */
bool store_overseerr_users_put(struct db *, struct arena *, const struct overseerr_user *, size_t n,
    int64_t at, struct error *);
/* Those that a complete list, asked for at that time, did not have. */
bool store_overseerr_users_drop(struct db *, struct arena *, int64_t at, struct error *);
/* Links people by their Plex accounts, and ends links that no longer hold; requests follow. */
bool store_overseerr_match(struct db *, struct arena *, struct error *);

/* *overseerr_id: 0 where nobody is linked; *has_plex: a Plex account is. */
bool store_overseerr_person(struct db *, struct arena *, const char *user_id, int64_t *overseerr_id,
    bool *has_plex, struct error *);
/* What an admin says. overseerr_id 0: nobody. *known: there is such a person of ours. */
bool store_overseerr_person_put(struct db *, struct arena *, const char *user_id,
    int64_t overseerr_id, bool *known, struct error *);
bool store_overseerr_person_get(struct db *, struct arena *, const char *user_id,
    struct overseerr_person *, struct error *);
bool store_overseerr_people(struct db *, struct arena *, struct overseerr_person **, size_t *n,
    struct error *);
bool store_overseerr_users(struct db *, struct arena *, struct overseerr_user **, size_t *n,
    struct error *);

#endif
