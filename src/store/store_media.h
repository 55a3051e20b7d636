/*
 * The catalogue's items: rows of `media` and what hangs on them (shares, timeline). Permission is
 * part of each query (store_readable.h); what may be done with a readable item is the service's
 * rule. Items and strings belong to the arena.
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
 * Columns of `media m` in the order that media_from_row() reads; a query of another file that
 * selects these first can use it too. Times by date_part: a double holds microseconds exactly until
 * 2255, and it is much cheaper than extract's numeric.
 */
#define MEDIA_US(column) "round(date_part('epoch', " column ") * 1000000)::bigint"
#define MEDIA_YEAR "coalesce(m.year, date_part('year', m.taken_at AT TIME ZONE 'UTC')::int)"
#define MEDIA_COLUMNS \
	"m.id, m.source, m.kind, m.title, m.original_title, m.status, m.visibility, m.owner_id," \
	" m.filename, m.content_type, m.size, " \
	"encode(m.sha256, 'hex'), m.width, m.height, m.duration_ms, " MEDIA_US( \
	    "m.taken_at") ", " MEDIA_YEAR ", m.overview, m.genres, m.tags, " \
			  "m.external_ids, m.thumbhash, m.object_key, m.asset_prefix, m.assets," \
			  " m.sprite_times, m.failure_code, m.failure_message, m.version," \
			  " " MEDIA_US("m.created_at") ", " MEDIA_US( \
			      "m.updated_at") "," \
					      " " MEDIA_US("m.trashed_at")
#define MEDIA_COLUMNS_COUNT 32

void media_from_row(struct arena *, const struct rows *, size_t row, struct media *);

/*
 * A readable item, or one in the caller's trash. ERR_NOT_FOUND. `lock`: FOR UPDATE, inside a
 * transaction.
 */
bool store_media_get(struct db *, struct arena *, const struct media_reader *, const char *id,
    bool lock, struct media *, struct error *);
/*
 * The same for an item in the trash that the caller could read before: whoever may delete may
 * restore.
 */
bool store_media_get_trashed(struct db *, struct arena *, const struct media_reader *,
    const char *id, struct media *, struct error *);

/*
 * At most `limit` items; positions[i] is that of items[i]. One round trip. status "trashed" lists
 * the caller's trash, newest first.
 */
bool store_media_list(struct db *, struct arena *, const struct media_reader *,
    const struct media_filter *, enum media_sort, const struct media_position *after, int limit,
    struct media **items, struct media_position **positions, size_t *n, struct error *);

bool store_media_tags(struct db *, struct arena *, const struct media_reader *, int limit,
    struct media_tag **, size_t *n, struct error *);

/* ERR_NOT_FOUND when the item is not readable. */
bool store_media_timeline(struct db *, struct arena *, const struct media_reader *, const char *id,
    struct media_event **, size_t *n, struct error *);
bool store_media_event_add(struct db *, struct arena *, const char *id, const char *step,
    const char *state, const char *message, struct error *);

/* status pending */
bool store_media_add(struct db *, struct arena *, const struct media_new *, struct error *);

/*
 * The changes below want the row locked; each raises the version. Whoever calls them ends with
 * store_media_scopes().
 */
/* title overview year genres visibility takenAt */
bool store_media_update(struct db *, struct arena *, const struct media *, struct error *);
bool store_media_set_tags(struct db *, struct arena *, const char *id, const char *const *tags,
    size_t n, struct error *);
/* ERR_VALIDATION when one of them is not an active person. */
bool store_media_set_shares(struct db *, struct arena *, const char *id, const char *const *users,
    size_t n, struct error *);
bool store_media_trash(struct db *, struct arena *, const char *id, const char *by, struct error *);
bool store_media_restore(struct db *, struct arena *, const char *id, struct error *);
/* pending|ready|failed -> processing; false in *moved when it was something else. */
bool store_media_start(struct db *, struct arena *, const char *id, const char *from, bool *moved,
    struct error *);
/* its objects are a job's work */
bool store_media_delete(struct db *, struct arena *, const char *id, struct error *);
/* Ids of items in the trash since before `before`, locked; at most `limit`. */
bool store_media_trash_due(struct db *, struct arena *, int64_t before, int limit,
    const char ***ids, size_t *n, struct error *);
/* Id of the newest upload of an item, or NULL. */
bool store_media_upload(struct db *, struct arena *, const char *id, const char **upload_id,
    struct error *);

/*
 * Scopes whose catalogue an item belongs to ("house", or users: owner, those it is shared with,
 * those who see all), and, in the same statement, pg_notify('mn_catalogue') for each. Before and
 * after a change that alters who may read it.
 */
bool store_media_scopes(struct db *, struct arena *, const char *id, const char ***scopes,
    size_t *n, struct error *);

/*
 * An item of this owner with these bytes that is neither pending, failed nor trashed: its id or
 * NULL.
 */
bool store_media_duplicate(struct db *, struct arena *, const char *owner_id,
    const unsigned char sha256[32], const char **id, struct error *);
/*
 * Bytes of a person's items, pending uploads included; locks the person, so that two uploads do not
 * pass one quota. quota -1 = not set.
 */
bool store_media_usage(struct db *, struct arena *, const char *user_id, int64_t *bytes,
    int64_t *quota, struct error *);

#endif
