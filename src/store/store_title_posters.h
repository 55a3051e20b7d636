/*
 * Posters of titles that the catalogue does not have: which ones are wanted, and which are there
 * (table of sql/0024). At most TITLE_POSTERS_MAX; those that nobody has seen for
 * TITLE_POSTER_DAYS go, unless a request is about their title.
 */
#ifndef MN_STORE_STORE_TITLE_POSTERS_H
#define MN_STORE_STORE_TITLE_POSTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;
struct job_new;

extern const struct query store_title_posters_queries[];

#define TITLE_POSTERS_MAX 5000
#define TITLE_POSTERS_KEPT 4000 /* of those, after housekeeping */
#define TITLE_POSTER_DAYS 30
#define TITLE_POSTER_TRIES 3   /* downloads that are no picture: then there is none */
#define TITLE_POSTER_PAUSE 300 /* seconds without a download, after one that was not served */

/* For each path: is it there? *due: some of them are to be wanted (again). */
bool store_title_posters_find(struct db *, struct arena *, struct strings paths, bool *there,
    bool *due, struct error *);
/* These are wanted: a job for each of them that is not there yet, unless there is a pause. */
bool store_title_posters_want(struct db *, struct arena *, struct strings paths,
    const struct job_new *, struct error *);
/* Is it still to be fetched? */
bool store_title_poster_wanted(struct db *, struct arena *, const char *path, bool *is,
    struct error *);
/* In the transaction of the job. *gone: it is not wanted any more. */
bool store_title_poster_there(struct db *, struct arena *, const char *path, bool *gone,
    struct error *);
bool store_title_poster_absent(struct db *, struct arena *, const char *path, struct error *);
/* What came is no picture. */
bool store_title_poster_broken(struct db *, struct arena *, const char *path, struct error *);
/* Nobody said anything. */
bool store_title_poster_unknown(struct db *, struct arena *, const char *path, struct error *);

/* Paths, at most `limit`, whose objects can be removed, and then their rows. */
bool store_title_posters_leaving(struct db *, struct arena *, int limit, struct strings *paths,
    struct error *);
bool store_title_posters_remove(struct db *, struct arena *, struct strings paths, struct error *);

#endif
