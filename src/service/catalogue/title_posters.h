/*
 * Posters of titles that the catalogue does not have. A page shows pictures of this house only, and
 * TMDB does not learn who looks for what: what a title's poster is called there (Overseerr says it)
 * is wanted when the title is shown, a job fetches it through the sandbox, and it is shown from
 * then on. Nobody waits for it. Where outbound calls do not reach TMDB, titles have none.
 */
#ifndef MN_SERVICE_CATALOGUE_TITLE_POSTERS_H
#define MN_SERVICE_CATALOGUE_TITLE_POSTERS_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct call;
struct error;

/* Is this a path of a picture at TMDB, and not longer than one? */
bool title_poster_path(const char *path);
/* Where it lies in the store. */
const char *title_poster_key(struct arena *, const char *path);

/* paths[i]: of TMDB, or NULL. Signed URLs of those that are there replace what is NULL in urls. */
bool title_posters(const struct call *, const char *const *paths, size_t n, const char **urls,
    struct error *);

/* Housekeeping: removes what nobody has seen for long, and what is too much. */
bool title_posters_expire(const struct call *, struct error *);

#endif
