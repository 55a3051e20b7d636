/*
 * Overseerr (or Seerr) as it is set up: where it is, whether it can be reached, what can be asked
 * for there, and who is who.
 */
#ifndef MN_SERVICE_INTEGRATIONS_OVERSEERR_H
#define MN_SERVICE_INTEGRATIONS_OVERSEERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/request.h"

struct call;
struct error;

#define OVERSEERR_URL_MAX 500     /* characters */
#define OVERSEERR_API_KEY_MAX 512 /* bytes */
#define OVERSEERR_QUERY_MAX 200
#define OVERSEERR_PAGES_MAX 500
#define OVERSEERR_ID_MAX 2147483647 /* numbers of Overseerr's tables */

/* ERR_NOT_FOUND where none is set up. */
bool overseerr_get(const struct call *, struct overseerr_settings *, struct error *);

struct overseerr_change {
	const char *url;
	const char
	    *key; /* NULL: the one that is there, which is only ever sent to its own address */
	bool enabled;
};
bool overseerr_set(const struct call *, const struct overseerr_change *,
    struct overseerr_settings *, struct error *);
/* Its key is forgotten; the last known requests stay for a while, in case it comes back. */
bool overseerr_unset(const struct call *, struct error *);

struct overseerr_trial {
	bool ok;
	const char *code; /* ok, unreachable, tls, unauthorized, not_overseerr, refused_address */
	const char *message;
	const char *version; /* NULL: nobody answered */
	int64_t permissions; /* of the key's owner */
	bool key_good;
};
/* url, key NULL: as they are set up. Fails only for what is wrong here. */
bool overseerr_try(const struct call *, const char *url, const char *key, struct overseerr_trial *,
    struct error *);

/* The name of the n-th permission in these bits; NULL behind the last. */
const char *overseerr_may(int64_t permissions, size_t n);

/* A title that can be asked for. */
struct overseerr_hit {
	const char *media_type;
	int64_t tmdb_id;
	const char *title, *overview; /* or NULL */
	const char *poster;           /* path at TMDB, or NULL */
	int64_t year;                 /* 0: unknown */
	int64_t media_state;          /* what Overseerr has of it: its number */
};
struct overseerr_found {
	struct overseerr_hit *items;
	size_t n;
	int64_t page, pages;
};
bool overseerr_find(const struct call *, const char *query, int page, struct overseerr_found *,
    struct error *);

/* One title, with its seasons and whether the caller can ask for it in 4K. */
struct overseerr_part {
	int64_t number, episodes;
	const char *name; /* or NULL */
	int64_t state, state_4k;
};
struct overseerr_look {
	struct overseerr_hit hit;
	int64_t state_4k;
	struct overseerr_part *seasons;
	size_t nseasons;
	bool known_4k, may_4k; /* the second where the first */
};
bool overseerr_look_at(const struct call *, const char *media_type, int64_t tmdb_id,
    struct overseerr_look *, struct error *);

struct overseerr_people {
	struct overseerr_person *people;
	size_t n;
	struct overseerr_user *candidates;
	size_t ncandidates;
};
bool overseerr_people(const struct call *, struct overseerr_people *, struct error *);
/* overseerr_id 0: nobody there, whatever Plex says. */
bool overseerr_person_set(const struct call *, const char *user_id, int64_t overseerr_id,
    struct overseerr_person *, struct error *);

#endif
