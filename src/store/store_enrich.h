/*
 * What enrichment knows and still wants of items: pictures of media servers, titles of TMDB (tables
 * of sql/0018). Jobs are added as a set: a new library of a hundred thousand items is a few
 * statements.
 */
#ifndef MN_STORE_STORE_ENRICH_H
#define MN_STORE_STORE_ENRICH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;
struct job;
struct job_new;

extern const struct query store_enrich_queries[];

#define ENRICH_ASK_AGAIN_DAYS 30 /* after which TMDB is asked again about a title it did not have */

/* Which jobs to add, and for what. */
struct enrich_jobs {
	const struct job_new *job; /* kind, queue, attempts, request */
	const char *key_prefix;    /* of the unique key; the item's id follows */
	struct strings ids;        /* of items */
	bool lasting; /* only kinds whose pictures are always fetched, not those of episodes */
};
/* For those of the items whose source of pictures is not the one that was fetched. */
bool store_enrich_want_posters(struct db *, struct arena *, const struct enrich_jobs *,
    struct error *);
/*
 * For those that TMDB was not asked about, or was with other ids; for an episode a job of its
 * season, for a show those of its seasons as well.
 */
bool store_enrich_want_titles(struct db *, struct arena *, const struct enrich_jobs *,
    struct error *);
/* Items that lack either, at most so many of each: for housekeeping. */
struct enrich_missing {
	struct strings posters, titles;
};
/* The next ones behind these ids; both NULL: from the beginning. */
struct enrich_after {
	const char *poster, *title;
	bool titles; /* false: nobody can say anything of titles */
};
bool store_enrich_missing(struct db *, struct arena *, const struct enrich_after *, int limit,
    struct enrich_missing *, struct error *);
/* Housekeeping looks for them at once; *soon false: it is at work. */
bool store_enrich_soon(struct db *, struct arena *, bool *soon, struct error *);

/* Where an item's pictures come from. */
struct poster_source {
	bool found;            /* the item exists and is not in the trash */
	const char *source;    /* server:<path> or tmdb:<path>; NULL: nothing has one */
	const char *server_id; /* of the first form */
	const char *fetched;   /* the source of the pictures that it has, or NULL */
};
bool store_poster_source(struct db *, struct arena *, const char *media_id, struct poster_source *,
    struct error *);
struct poster_pictures {
	const char *source, *thumbhash, *asset_prefix;
	struct strings assets, keys;
};
/* In the transaction of the job. *gone: the item no longer exists. */
bool store_poster_publish(struct db *, struct arena *, const char *media_id,
    const struct poster_pictures *, bool *gone, struct error *);
/* What came from the source was no picture. *times: that it was so, one after the other. */
bool store_poster_failed(struct db *, struct arena *, const char *media_id, const char *source,
    int64_t *times, struct error *);
/* The source does not have it: it is not asked again for this path. */
bool store_poster_absent(struct db *, struct arena *, const char *media_id, const char *source,
    struct error *);

/* A film, a series, or a season to be looked up. */
struct enrich_item {
	bool found; /* it exists, is not in the trash, and was not asked about with these ids */
	const char *kind, *title, *original_title;
	const char *tmdb, *imdb, *tvdb; /* or NULL */
	int64_t year;                   /* 0: unknown */
	const char *key;                /* what it is looked up by */
	int64_t number;                 /* of a season */
};
bool store_enrich_item(struct db *, struct arena *, const char *media_id, struct enrich_item *,
    struct error *);

/* Of a season and its episodes, those that TMDB was not asked about. */
struct enrich_part {
	const char *media_id, *key;
	const char *number; /* of an episode; NULL: the season itself */
};
struct enrich_parts {
	const char *show; /* TMDB's id of the series */
	struct enrich_part *items;
	size_t n;
};
bool store_enrich_parts(struct db *, struct arena *, const char *season_id, struct enrich_parts *,
    struct error *);
/*
 * In the transaction of the job: fills what items lack from their titles (tmdb_title() and
 * tmdb_season() of client/tmdb.h), or with title NULL records that there is none. Of several, those
 * that somebody else is writing at this moment are left for another time. *gone: there is none of
 * them any more.
 */
struct enrich_found {
	const char *media_id, *key;
	const char *tmdb_id, *title; /* JSON object text; or both NULL */
};
bool store_enrich_save(struct db *, struct arena *, const struct enrich_found *, size_t n,
    const char *attribution /* JSON object text, or NULL */, bool *gone, struct error *);

/* Titles that were asked for within `hours`. */
struct tmdb_cached {
	bool known;
	const char *title; /* NULL: there is no such title */
};
bool store_tmdb_cached(struct db *, struct arena *, const char *path, int hours,
    struct tmdb_cached *, struct error *);
/* title NULL: there is none. */
bool store_tmdb_cache(struct db *, struct arena *, const char *path, const char *title,
    struct error *);
bool store_tmdb_cache_expire(struct db *, struct arena *, int hours, struct error *);

/*
 * Takes the next turn to ask TMDB: *wait_us until then. Beyond `patience_us` no turn is taken.
 */
struct tmdb_turn {
	int64_t gap_us, patience_us;
};
bool store_tmdb_turn(struct db *, struct arena *, const struct tmdb_turn *, int64_t *wait_us,
    struct error *);
/* In so many seconds TMDB is asked again, whatever pause there is, also for what lacks a title. */
bool store_tmdb_resume(struct db *, struct arena *, int seconds, struct error *);
/* Nobody asks for so many seconds. */
bool store_tmdb_pause(struct db *, struct arena *, int64_t seconds, struct error *);

#endif
