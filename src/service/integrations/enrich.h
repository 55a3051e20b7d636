/*
 * What other services know of an item: TMDB's texts, people and artwork, the server's poster.
 *
 * Films and series get from TMDB what their server did not say: overview, genres, and for the
 * search keywords and people. What a person or the server wrote stays. TMDB is asked by its own id,
 * by those of IMDb and TheTVDB, or by title and year, which must both be the same; that it has no
 * such title is remembered for ENRICH_ASK_AGAIN_DAYS. Seasons are looked up when their series is
 * known: one request for a season and all of its episodes. TMDB has no music. All processes
 * together ask it 20 times a second at most (a row of tmdb_pace holds the next turn), and not at
 * all while a pause lasts that it asked for.
 */
#ifndef MN_SERVICE_INTEGRATIONS_ENRICH_H
#define MN_SERVICE_INTEGRATIONS_ENRICH_H

#include <stdbool.h>
#include <stddef.h>

#include "service/job.h"

struct call;
struct error;
struct tmdb;

/*
 * In the caller's transaction: jobs that enrich these items, one for each, however often; a few
 * statements, however many items. For new items, and for those of which the server names another
 * poster, other ids, or another title.
 */
bool enrich_request(const struct call *, const char *const *media_ids, size_t n, struct error *);

/*
 * In the caller's transaction, at the end of a run of the sync that changed something: posters and
 * titles that items lack now are looked for at once, not at the next full hour. Those of a first
 * run are looked for only then.
 */
bool enrich_soon(const struct call *, struct error *);

/*
 * In the caller's transaction: the key for TMDB is another one now. A pause that the last one
 * caused ends, as soon as all processes know.
 */
bool enrich_key_changed(const struct call *, struct error *);

/* payload {"mediaId"} */
job_run_fn enrich_run;
/* Adds jobs for items that lack a poster or TMDB's answer, and empties the cache of what is old. */
job_run_fn enrich_upkeep;

/* TMDB with the settings of the process; false: there is no key. */
bool enrich_tmdb(const struct call *, struct tmdb *);

#endif
