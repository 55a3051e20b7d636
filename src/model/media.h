/* An item of the catalogue. Strings belong to the arena of the call that made the value. */
#ifndef MN_MODEL_MEDIA_H
#define MN_MODEL_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"
#include "model/server.h"

/*
 * The words of the catalogue. The database's CHECK constraints, web/openapi.json and the page have
 * the same words: t/111-inputs.t compares them.
 */
#define MEDIA_KIND_LIST(X) \
	X("image") \
	X("video") \
	X("audio") \
	X("movie") \
	X("show") \
	X("season") \
	X("episode") \
	X("artist") \
	X("album") \
	X("track") \
	X("other")
#define MEDIA_THUMBNAIL_LIST(X) X("320") X("640") X("1280") /* pixels of the longer side */
/* An upload, or the kind of the media server that has the item. */
#define MEDIA_SOURCE_UPLOAD "upload"
#define MEDIA_SOURCE_LIST(X) X(MEDIA_SOURCE_UPLOAD) SERVER_KIND_LIST(X)
#define MEDIA_STATUS_LIST(X) X("pending") X("processing") X("ready") X("failed") X("trashed")
/* How it is known when an item was taken. */
#define TAKEN_EXIF "exif"
#define TAKEN_GPS "gps" /* the satellites' time alone */
#define TAKEN_XMP "xmp"
#define TAKEN_IPTC "iptc"
#define TAKEN_CONTAINER "container" /* of a video */
#define TAKEN_SIDECAR "sidecar"
#define TAKEN_NAME "name"
#define TAKEN_MODIFIED "modified" /* when the file was changed last, as its client said */
#define TAKEN_UPLOADED "uploaded"
#define TAKEN_PERSON "person"
#define MEDIA_TAKEN_LIST(X) \
	X(TAKEN_EXIF) \
	X(TAKEN_GPS) \
	X(TAKEN_XMP) \
	X(TAKEN_IPTC) \
	X(TAKEN_CONTAINER) \
	X(TAKEN_SIDECAR) \
	X(TAKEN_NAME) \
	X(TAKEN_MODIFIED) \
	X(TAKEN_UPLOADED) \
	X(TAKEN_PERSON)
#define TAKEN_OFFSET_MAX 1080 /* minutes */
#define TAKEN_OFFSET_NONE INT32_MIN
/*
 * Of what medianest-media reads and the worker makes of it. It rises with a change that older items
 * are to have too; sql/0049 says what belongs to it.
 */
#define MEDIA_READER_VERSION 1
#define MEDIA_VISIBILITY_LIST(X) X("private") X("shared") X("house")

/*
 * When something was taken: the instant, the wall clock (an instant of UTC that reads the same), or
 * both; 0: unknown.
 */
struct taken {
	const char *source; /* a TAKEN_ word; NULL: nothing is known */
	int64_t at, local;  /* us */
	int64_t offset;     /* minutes east of UTC, or TAKEN_OFFSET_NONE */
};

/* Whether browsers play an upload as it is; PLAYABLE_UNKNOWN: nothing to play, or not looked at. */
enum playable { PLAYABLE_UNKNOWN, PLAYABLE_NO, PLAYABLE_YES };

struct media {
	const char *id, *source, *kind, *title, *status, *visibility; /* never NULL */
	/* or NULL */
	const char *original_title, *owner_id, *owner_name, *filename, *content_type, *sha256,
	    *overview, *thumbhash;
	/* owner_name: NULL for the caller's own items */
	const char *external_ids;                   /* JSON object text */
	const char *object_key, *asset_prefix;      /* or NULL: there is nothing to show yet */
	const char *failure_code, *failure_message; /* or NULL */
	const char **genres, **tags, **assets, **sprite_times;
	size_t ngenres, ntags, nassets, nsprite_times;
	const char **people; /* those of the tags that are names of people */
	size_t npeople;
	int64_t size;                                         /* -1: unknown */
	int64_t width, height, duration_ms, year;             /* 0: unknown */
	int64_t taken_at, created_at, updated_at, trashed_at; /* us */
	/*
	 * What the clock on the wall said then (us, as an instant of UTC that reads the same; 0:
	 * unknown), its minutes east of UTC (or TAKEN_OFFSET_NONE), and how that is known: a TAKEN_
	 * word, or NULL.
	 */
	int64_t taken_local, taken_offset;
	const char *taken_source;
	int64_t version;
	/* degrees clockwise: as a person turned it, and as its pictures are turned already */
	int64_t rotation, made_rotation;
	/* What it is a part of: the show of a season, the album of a track; NULL if nothing. */
	const char *parent_id, *parent_title;
	int64_t position, disc; /* its number in there; -1: none */
	/* pictures of the parent, where the item has none itself */
	const char *parent_prefix, *parent_thumbhash;
	const char **parent_assets;
	size_t nparent_assets;
	bool incomplete;         /* the file ends too early; what is there is shown */
	const char *clip_key;    /* of the object with the clip of a live photo, or NULL */
	bool favorite, archived; /* marks of the caller */
	enum playable playable;
	const char *playback_key; /* of the version that browsers play instead, or NULL */
	/* Only in single items. */
	const char *metadata; /* JSON object text; NULL in lists */
	int64_t child_count;  /* that the caller can read */
	const char *trashed_by;
	/* The city where it was taken, for those who may see that; place_name NULL: unknown. */
	int64_t place_id;
	const char *place_name, *place_region, *place_country; /* place_region may be NULL */
	/* user ids; NULL unless the caller may change the item */
	const char **shared_with;
	size_t nshared_with;
};

/* The person who asks. */
struct media_reader {
	const char *user_id;
	bool all; /* reads everyone's items, by media.manage_all */
};

/* MEDIA_MANUAL: of a collection only. */
enum media_sort { MEDIA_NEWEST, MEDIA_OLDEST, MEDIA_TAKEN, MEDIA_TITLE, MEDIA_MANUAL, MEDIA_SORTS };

/* In degrees. West of 180 and east of it: west is greater than east. */
struct media_bounds {
	double west, south, east, north;
};

struct media_filter {
	const char *kind, *tag, *source, *owner, *status; /* or NULL */
	int64_t year_from, year_to;                       /* 0: open */
	const char *taken_from, *taken_to; /* days of wall clock, "2012-05-31"; NULL: open */
	/*
	 * NULL: either; without `archived`, archived items only come with favourites, with a
	 * collection and with the trash
	 */
	const bool *favorite, *archived;
	const char *part;       /* of the library: "own", "shared", "house"; NULL: all */
	const char *collection; /* its items, as the reader sees them, or NULL */
	/*
	 * Where items were taken, of those whose place the reader may see: in a city (its id; 0:
	 * any), in a country, within bounds; not with a collection.
	 */
	int64_t place;
	const char *country;               /* ISO 3166-1 alpha-2, or NULL */
	const struct media_bounds *bounds; /* or NULL; `box`, where they came with a request */
	struct media_bounds box;
};

/* How many items have their wall clock in a month, and in each of its days. */
#define MEDIA_MONTH_DAYS 31
struct media_month {
	int year, month; /* 1..12 */
	int64_t count;
	int64_t days[MEDIA_MONTH_DAYS];
};
struct media_months {
	struct media_month *items; /* the newest first; months without items are left out */
	size_t n;
};

/* What a caller needs of an item to change it together with many others. */
#define MEDIA_IDS_MAX 5000 /* of a page */
struct media_brief {
	const char *id, *kind, *source;
	const char *owner_id; /* or NULL */
	bool favorite, archived;
	int64_t taken; /* us, of the order of the date taken */
};

/* A page starts after this key and id. id NULL: at the start of the list. */
struct media_position {
	int64_t us;        /* of the time orders; of MEDIA_MANUAL: the place */
	const char *title; /* of MEDIA_TITLE: lower(title), computed by the database */
	const char *id;
};

/* An item's keys in every order, as in struct media_position; trashed_at 0: not in the trash. */
struct media_keys {
	int64_t created_at, taken_at, trashed_at;
	const char *title;
};

/* A city that items were taken in. */
struct media_place {
	int64_t id;                          /* at GeoNames */
	const char *name, *region, *country; /* region may be NULL */
	double latitude, longitude;
	int64_t count;
};

/* Items that are near to each other on a map. */
struct media_cluster {
	double latitude, longitude; /* their middle */
	struct media_bounds bounds;
	int64_t count;
	int64_t place_id;       /* 0: of several places, or of none that is known */
	const char *place_name; /* or NULL */
};

struct media_tag {
	const char *tag;
	int64_t count;
};

struct media_event {
	int64_t at;
	const char *step, *state, *message;
	int attempt;
};

struct media_timeline {
	const struct media_event *events;
	size_t n;
};

#define MEDIA_TAG_LIST_MAX 500 /* tags of one list, the most used first */

struct media_new {
	const char *id, *owner_id, *kind, *title, *visibility, *filename, *content_type;
	int64_t size;
	int64_t modified_at; /* us, as the client says of its file; 0: unknown */
};

#endif
