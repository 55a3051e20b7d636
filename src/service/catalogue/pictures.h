/*
 * Pictures of items of media servers. Those of films, series, seasons, artists and albums are
 * fetched when the item is new (service/integrations/enrich.h), those of episodes when somebody
 * looks at them; tracks show those of their album.
 */
#ifndef MN_SERVICE_CATALOGUE_PICTURES_H
#define MN_SERVICE_CATALOGUE_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct error;
struct media;

/* Adds jobs for those of the items that lack their pictures, or have others than their server. */
bool pictures_wanted(const struct call *, const struct media *, size_t n, struct error *);

/* A title elsewhere, which may be an item here too. */
struct picture_title {
	const char *kind; /* of an item: movie, show */
	int64_t tmdb_id;
	const char *poster; /* path at TMDB, or NULL */
};
/*
 * Signed URLs of small posters: of the item where the caller can read it here, else the one of
 * title_posters.h; NULL where there is neither (yet).
 */
bool pictures_of_titles(const struct call *, const struct picture_title *, size_t n,
    const char **urls, struct error *);

#endif
