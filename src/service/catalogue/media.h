/*
 * The catalogue, as far as a person may see and change it.
 *
 * The queries decide about ownership: an item that is not readable is ERR_NOT_FOUND. The owner and
 * media.manage_all may change, share, trash and restore a readable item; media.delete moves any
 * readable item to the trash and back. Every change is sent to PostgreSQL (mn_catalogue), Redis
 * (versions) and the open pages (media.created|updated|deleted).
 */
#ifndef MN_SERVICE_CATALOGUE_MEDIA_H
#define MN_SERVICE_CATALOGUE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/str.h"
#include "model/media.h"
#include "service/list.h"

struct call;
struct config;
struct arena;
struct error;

#define MEDIA_YEAR_MIN 1
#define MEDIA_YEAR_MAX 9999
#define MEDIA_TITLE_MAX 200 /* code points */
#define MEDIA_OVERVIEW_MAX 5000
#define MEDIA_TAGS_MAX 50
#define MEDIA_TAG_MAX 50
#define MEDIA_GENRES_MAX 20
#define MEDIA_SHARES_MAX 200               /* people */
#define MEDIA_EVENTS_KEPT 200              /* of an item that is processed again and again */
#define MEDIA_BULK_MAX 100                 /* items of one change of many */
#define MEDIA_TAKEN_SHIFT_MAX 3155760000LL /* seconds: a century */
#define MEDIA_CURSOR_MAX 1600              /* bytes of a cursor's text */

/* Whose items a list, a search or a count looks at. */
enum media_scope {
	MEDIA_EVERYONE, /* all that the caller may read */
	MEDIA_LIBRARY,  /* the caller's, those shared with them, and the house's */
};
#define MEDIA_SCOPE_LIST(X) X("everyone") X("library")
/* A list knows the parts of the library too; all is everyone. */
#define MEDIA_LIST_SCOPE_LIST(X) \
	MEDIA_SCOPE_LIST(X) \
	X("all") \
	X("own") \
	X("shared") \
	X("house")
/* Of a list, or of a collection: "manual". */
#define MEDIA_SORT_LIST(X) X("newest") X("oldest") X("title") X("taken") X("manual")

struct media_ask {
	struct media_filter filter;
	enum media_sort sort;
	enum media_scope scope;
	/*
	 * The page begins behind this item, or holds the items before it, the nearest first; at
	 * most one of them and of list.cursor.
	 */
	const char *after, *before;
	struct list_ask list;
};

bool media_list(const struct call *, const struct media_ask *, struct media **, struct page *,
    struct error *);
/* The list in the order of the date taken, in pages of up to MEDIA_IDS_MAX; not for the trash. */
bool media_ids(const struct call *, const struct media_ask *, struct media_brief **, struct page *,
    struct error *);
/*
 * How many items of the list each month has; ask->list and ask->sort do not count, and the filter
 * is not for the trash. Without `by_day` only the sums of the months are filled.
 */
bool media_months(const struct call *, const struct media_ask *, bool by_day, struct media_months *,
    struct error *);
bool media_get(const struct call *, const char *id, struct media *, struct error *);
/* The same for somebody who looks at it: pictures that it lacks are fetched. */
bool media_open(const struct call *, const char *id, struct media *, struct error *);
/* The parts of a show, season, artist or album in their order. ERR_NOT_FOUND. */
bool media_children(const struct call *, const char *id, const struct list_ask *, struct media **,
    struct page *, struct error *);
bool media_tags(const struct call *, enum media_scope, struct media_tag **, size_t *n,
    struct error *);
bool media_timeline(const struct call *, const char *id, struct media_timeline *, struct error *);
bool media_sort_parse(const char *, enum media_sort *);
enum media_scope media_scope_parse(const char *); /* NULL: everyone */
/* The part of the library that a scope of a list names, or NULL: all of what the scope reaches. */
const char *media_scope_part(const char *);

/* A change of some members; the others stay as they are. */
#define MEDIA_SET_TITLE 1u
#define MEDIA_SET_OVERVIEW 2u
#define MEDIA_SET_YEAR 4u
#define MEDIA_SET_GENRES 8u
#define MEDIA_SET_VISIBILITY 16u
#define MEDIA_SET_TAKEN_AT 32u    /* .at; 0: nobody knows */
#define MEDIA_SET_TAKEN_LOCAL 64u /* .local, without the instant */
#define MEDIA_SET_TAKEN_OFFSET 128u
#define MEDIA_SET_TAKEN_SHIFT 256u /* taken_shift, without any of the three */
#define MEDIA_SET_SOME_TAGS 512u   /* add_tags, remove_tags */
#define MEDIA_SET_ROTATION 1024u   /* .rotation, to which it is turned */
#define MEDIA_SET_ROTATE_BY 2048u  /* .rotation, by which it is turned */
#define MEDIA_SET_TAKEN \
	(MEDIA_SET_TAKEN_AT | MEDIA_SET_TAKEN_LOCAL | MEDIA_SET_TAKEN_OFFSET | \
	    MEDIA_SET_TAKEN_SHIFT)
struct media_patch {
	unsigned set;
	const char *title, *overview, *visibility;
	int64_t year; /* 0 = none */
	struct taken taken;
	int64_t taken_shift; /* seconds */
	int64_t rotation;    /* degrees clockwise */
	struct strings add_tags, remove_tags;
	const char **genres;
	size_t ngenres;
};

/*
 * version 0: any; otherwise ERR_PRECONDITION if the item has another one. *out is the changed item.
 */
bool media_change(const struct call *, const char *id, int64_t version, const struct media_patch *,
    struct media *, struct error *);
/* people: those of the tags that are names of people, or NULL: as before. */
struct media_tags_wish {
	struct strings tags;
	const struct strings *people;
};
bool media_set_tags(const struct call *, const char *id, int64_t version,
    const struct media_tags_wish *, struct media *, struct error *);
bool media_set_shares(const struct call *, const char *id, struct strings users, struct media *,
    struct error *);
bool media_trash(const struct call *, const char *id, struct media *, struct error *);
bool media_restore(const struct call *, const char *id, struct media *, struct error *);
/* ERR_CONFLICT while the item is pending, processing or in the trash. */
bool media_reprocess(const struct call *, const char *id, struct media *, struct error *);
/*
 * Moves the item to the trash or removes it permanently: then the row at once, the objects by a
 * job.
 */
bool media_delete(const struct call *, const char *id, bool purge, struct error *);
/* When an upload in the trash is purged; us. */
int64_t media_purge_at(const struct config *, const struct media *);
/*
 * For the worker's housekeeping: purges items that have been in the trash for trash.days; *purged
 * may be NULL.
 */
bool media_purge_expired(const struct call *, size_t *purged, struct error *);

/* Signed URLs of an item's objects; NULL if there is no such object. Local computation. */
const char *media_asset_url(const struct call *, const struct media *, const char *asset,
    int64_t now);
bool media_has_asset(const struct media *, const char *asset);
/* Of a photo with a clip of the same moment, in its file or in another one. */
bool media_has_motion(const struct media *);
const char *media_motion_url(const struct call *, const struct media *, int64_t now);
/*
 * Thumbnail of 320, 640 or 1280 pixels, or the next smaller one that exists; of an item without
 * pictures those of its parent.
 */
const char *media_thumbnail_url(const struct call *, const struct media *, int width, int64_t now);
/*
 * The original: inline for types that browsers show safely, otherwise or with `download` an
 * attachment.
 */
const char *media_file_url(const struct call *, const struct media *, bool download, int64_t now);
/* The original of a video or a song, to be played: under the type that browsers take. */
const char *media_play_url(const struct call *, const struct media *, int64_t now);
/* The same URL for HEAD, which nobody can send to one that is signed for GET. */
const char *media_head_url(const struct call *, const char *get_url, int64_t now);
/* ETag from the version of an item and of the signed URLs in its view. */
const char *media_etag(struct arena *, const struct media *, int64_t now);
int media_url_max_age(int64_t now);     /* seconds that a browser may keep a signed URL */
int64_t media_url_expires(int64_t now); /* us: when a URL that is signed now ends */
/* Content-Disposition of RFC 6266: how the file is to be named. */
const char *media_disposition(struct arena *, bool attachment, const char *filename);

/* Shared with upload.c: notifies caches and pages after the commit. */
void media_announce(const struct call *, const char *type, const char *id, struct strings scopes);
void media_reader_of(const struct principal *, struct media_reader *);
/* The same within a scope. */
void media_reader_in(const struct principal *, enum media_scope, struct media_reader *);
bool media_job(const struct call *, const char *media_id, const char *upload_id,
    const char *content_type, struct error *);
/* Removes its jobs of that kind that were given up: another one does their work, or nobody must. */
bool media_jobs_forget(const struct call *, const char *media_id, struct error *);

#endif
