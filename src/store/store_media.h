/*
 * The catalogue's items: rows of `media` and their shares and timeline. Every query checks whether
 * the caller may read the item (sql/readable.sql); the service decides what may be done with it.
 * Items and strings belong to the arena.
 */
#ifndef MN_STORE_STORE_MEDIA_H
#define MN_STORE_STORE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "model/media.h"
#include "store/pg.h"

extern const struct query store_media_queries[];
extern const struct query store_media_change_queries[];
extern const struct query store_media_list_queries[];

/*
 * The number of @media_columns (sql/columns.sql), which media_from_row() reads; any query that
 * selects these first can use it.
 */
#define MEDIA_COLUMNS_COUNT 52

void media_from_row(struct arena *, const struct rows *, size_t row, struct media *);

/* A readable item, or one in the caller's trash. ERR_NOT_FOUND. */
bool store_media_get(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct media *, struct error *);
/* The same, and locks the item. In a transaction. */
bool store_media_lock(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct media *, struct error *);
/*
 * The same for an item in the trash that the caller could read before: people who may delete it may
 * restore it.
 */
bool store_media_get_trashed(struct db *, struct arena *, const struct media_reader *,
    const char *id, struct media *, struct error *);

#define MEDIA_LIST_ROWS_MAX 101 /* the largest page and one more row */
struct media_list_ask {
	const struct media_reader *reader;
	const struct media_filter *filter; /* status "trashed": the caller's trash, newest first */
	enum media_sort sort;
	const struct media_position *after; /* or NULL */
	bool back; /* the items before that position, the nearest first; needs a position */
	int limit; /* <= MEDIA_LIST_ROWS_MAX, of store_media_list() */
};
struct media_list {
	struct media *items;
	struct media_position *positions; /* of each item */
	size_t n;
};
/* Titles by kind and id at TMDB. Fills asset_prefix and assets of those that can be read here. */
struct store_titles {
	struct strings kinds, tmdb_ids; /* one of each for every title */
};
bool store_media_of_titles(struct db *, struct arena *, const struct media_reader *,
    const struct store_titles *, struct media *, struct error *);
/* The keys of a readable item, or of one in the caller's trash. ERR_NOT_FOUND. */
bool store_media_keys(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct media_keys *, struct error *);
/* One round trip. */
bool store_media_list(struct db *, struct arena *, const struct media_list_ask *,
    struct media_list *, struct error *);

/* The same in the order of the date taken, forwards, in pages of up to MEDIA_IDS_MAX. */
bool store_media_ids(struct db *, struct arena *, const struct media_list_ask *,
    struct media_brief **, size_t *n, struct error *);

/* How many items each month has, under all filters but the trash. One round trip. */
#define MEDIA_MONTH_ROWS_MAX 200000 /* that are read: days for five centuries */
struct media_months_ask {
	const struct media_reader *reader;
	const struct media_filter *filter;
	bool by_day; /* otherwise only the months of the result are right */
};
bool store_media_months(struct db *, struct arena *, const struct media_months_ask *,
    struct media_months *, struct error *);

/*
 * The places of the items under the filters, those with the most items first: of items whose place
 * the reader may see, which are the reader's own, or all. One round trip each.
 */
struct media_places_ask {
	const struct media_reader *reader;
	const struct media_filter *filter;
	int64_t after;        /* the count of the last place of the page before */
	const char *after_id; /* and its id, or NULL */
	int limit;
};
bool store_media_places(struct db *, struct arena *, const struct media_places_ask *,
    struct media_place **, size_t *n, struct error *);
/* The same items, by squares of `size` degrees; those with the most items, if there are more. */
struct media_clusters_ask {
	const struct media_reader *reader;
	const struct media_filter *filter;
	double size;
	int limit;
};
bool store_media_clusters(struct db *, struct arena *, const struct media_clusters_ask *,
    struct media_cluster **, size_t *n, struct error *);

/* Photos and videos from each first day up to its past one, the newest first, `each` of them. */
struct media_days_ask {
	const struct media_reader *reader;
	struct strings first, past; /* midnights of wall clock: "2020-02-29" */
	int each;
};
bool store_media_on_days(struct db *, struct arena *, const struct media_days_ask *,
    struct media **, size_t *n, struct error *);

/* A page of an item's children, in order of disc and position. */
struct media_children_ask {
	const struct media_reader *reader;
	const char *id; /* of the parent */
	int64_t after;  /* number and id of a position; id NULL: from the start */
	const char *after_id;
	int limit;
};
struct media_children {
	struct media *items;
	int64_t *numbers; /* of each item's position */
	size_t n;
};
/* Empty if the parent is not readable. One round trip. */
bool store_media_children(struct db *, struct arena *, const struct media_children_ask *,
    struct media_children *, struct error *);

/* For pipelines of store_*.c: the statement of store_media_get(), and the reading of its rows. */
struct db_call store_media_get_call(struct arena *, const struct media_reader *, const char *id);
bool store_media_read(struct arena *, const struct rows *, struct media *, struct error *);

/* At most MEDIA_TAG_LIST_MAX. */
bool store_media_tags(struct db *, struct arena *, const struct media_reader *, struct media_tag **,
    size_t *n, struct error *);

/* ERR_NOT_FOUND when the item is not readable. */
bool store_media_timeline(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct media_timeline *, struct error *);
/* At the current time; attempt 0 is the first. Succeeds if the item no longer exists. */
bool store_media_event_add(struct db *, struct arena *, const char *id, const struct media_event *,
    struct error *);

/*
 * The changes below need a locked row; each raises the version. Callers end with
 * store_media_scopes().
 */
/*
 * title overview year genres visibility. `edited`: names of columns that a person changes;
 * of an item of a media server the sync then leaves them alone.
 */
bool store_media_update(struct db *, struct arena *, const struct media *, struct strings edited,
    struct error *);
/* When it was taken, by a person. Its zone stays: a fixed offset, or that of the owner's zone. */
struct store_taken_edit {
	int64_t at, local, shift; /* at most one; us, us, seconds */
	bool clear;               /* or none: nobody knows it */
	bool sets_offset;
	int64_t offset; /* minutes, or TAKEN_OFFSET_NONE: by the owner's zone */
	bool sets_year; /* to that of the wall clock */
};
/* *done false: the date would be outside of the years 1 to 9999. */
bool store_media_set_taken(struct db *, struct arena *, const char *id,
    const struct store_taken_edit *, bool *done, struct error *);
/* What the worker reads with the file. *changed false: it was so already. */
bool store_media_set_sidecar(struct db *, struct arena *, const char *id, const char *text,
    bool *changed, struct error *);
/* people: those of the tags that are names of people, or NULL: as before. */
bool store_media_set_tags(struct db *, struct arena *, const char *id, struct strings tags,
    const struct strings *people, struct error *);
/* ERR_VALIDATION if one of the ids is not that of an active person. */
bool store_media_set_shares(struct db *, struct arena *, const char *id, struct strings users,
    struct strings *fresh /* who did not have it before */, struct error *);
bool store_media_trash(struct db *, struct arena *, const char *id, const char *by, struct error *);
/* *restored is false for an item whose library is left out: it comes back with it. */
bool store_media_restore(struct db *, struct arena *, const char *id, bool *restored,
    struct error *);
/* pending|ready|failed -> processing; *moved is false if the item was in another state. */
bool store_media_start(struct db *, struct arena *, const char *id, const char *from, bool *moved,
    struct error *);
/* Keeps the newest entries of an item's timeline. */
bool store_media_events_trim(struct db *, struct arena *, const char *id, int keep, struct error *);
/* a job deletes its objects */
/* In a transaction: the videos of a live photo, which are shown as a part of it. */
bool store_media_clips(struct db *, struct arena *, const char *id, struct strings *ids,
    struct error *);
bool store_media_delete(struct db *, struct arena *, const char *id, struct error *);
/* Ids of items in the trash since before `before`, locked; at most `limit`. */
bool store_media_trash_due(struct db *, struct arena *, int64_t before, int limit,
    struct strings *ids, struct error *);
struct media_own_trash {
	const char *owner_id;
	int64_t before; /* us: in the trash since then */
	int limit;
};
/* Items that a person owns in the trash, locked in the order of their ids, and their kinds. */
bool store_media_own_trash(struct db *, struct arena *, const struct media_own_trash *,
    struct strings *ids, struct strings *kinds, struct error *);
bool store_media_own_trash_left(struct db *, struct arena *, const struct media_own_trash *,
    int64_t *n, struct error *);
/* Id of the newest upload of an item, or NULL. */
bool store_media_upload(struct db *, struct arena *, const char *id, const char **upload_id,
    struct error *);

/*
 * The scopes to whose catalogue an item belongs ("house", or ids of people: the owner, people it is
 * shared with, people who see all); the same statement calls pg_notify('mn_catalogue') for each.
 * Call it before and after a change of who may read the item.
 */
bool store_media_scopes(struct db *, struct arena *, const char *id, struct strings *scopes,
    struct error *);
/* Calls pg_notify('mn_catalogue') for a scope whose items show something of a person. */
bool store_media_scope_told(struct db *, struct arena *, const char *scope, struct error *);
/* For pipelines of store_*.c: the statement of store_media_scopes(); the scopes are column 0. */
struct db_call store_media_scopes_call(struct arena *, const char *id);

#endif
