#include "service/catalogue/media.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "model/list.h"
#include "service/call.h"
#include "service/catalogue/pictures.h"
#include "service/catalogue/playable.h"
#include "service/catalogue/places.h"
#include "service/services.h"
#include "store/s3.h"

#include "store/store_collections.h"
#include "store/store_media.h"
#include "core/banned.h"

static const char *const sort_names[MEDIA_SORTS] = { "newest", "oldest", "taken", "title",
	"manual" };
/* Each order and the trash count as separate lists, in both directions. */
static const enum list_kind sort_lists[MEDIA_SORTS][2 /* back */] = {
	[MEDIA_NEWEST] = { LIST_MEDIA_NEWEST, LIST_MEDIA_NEWEST_BACK },
	[MEDIA_OLDEST] = { LIST_MEDIA_OLDEST, LIST_MEDIA_OLDEST_BACK },
	[MEDIA_TAKEN] = { LIST_MEDIA_TAKEN, LIST_MEDIA_TAKEN_BACK },
	[MEDIA_TITLE] = { LIST_MEDIA_TITLE, LIST_MEDIA_TITLE_BACK },
	[MEDIA_MANUAL] = { LIST_MEDIA_MANUAL, LIST_MEDIA_MANUAL_BACK },
};
#define MOTION_ASSET "motion.mp4"

static const enum list_kind trash_lists[2] = { LIST_MEDIA_TRASH, LIST_MEDIA_TRASH_BACK };

_Static_assert(LIST_LIMIT_MAX < MEDIA_LIST_ROWS_MAX, "a page, and whether there is a next one");

bool
media_sort_parse(const char *name, enum media_sort *sort)
{
	for (int i = 0; i < MEDIA_SORTS; i++)
		if (str_eq(sort_names[i], name)) {
			*sort = (enum media_sort)i;
			return true;
		}
	return false;
}

enum media_scope
media_scope_parse(const char *name)
{
	return str_eq(name, "library") || media_scope_part(name) != NULL ? MEDIA_LIBRARY :
									   MEDIA_EVERYONE;
}

const char *
media_scope_part(const char *name)
{
	return str_eq(name, "own") || str_eq(name, "shared") || str_eq(name, "house") ? name : NULL;
}

void
media_reader_of(const struct principal *who, struct media_reader *reader)
{
	media_reader_in(who, MEDIA_EVERYONE, reader);
}

void
media_reader_in(const struct principal *who, enum media_scope scope, struct media_reader *reader)
{
	reader->user_id = who->user_id;
	reader->all = scope == MEDIA_EVERYONE && principal_may(who, PERM_MEDIA_MANAGE_ALL);
}

static bool
in_trash(const struct media_ask *ask)
{
	return str_eq(ask->filter.status, "trashed");
}

/* An item that the list is read from. It may be outside of the scope, but must be readable. */
static bool
position_of_item(const struct call *call, const struct media_ask *ask, const char *field,
    const char *id, struct list_position *p, struct error *err)
{
	struct media_reader reader;
	struct media_keys keys;

	media_reader_of(call->by.who, &reader);
	if (!store_media_keys(call->svc->db, call->arena, &reader, id, &keys, err))
		return err->code == ERR_NOT_FOUND ?
		    error_field(err, field, "choice", "must be the id of an item") :
		    false;
	if (in_trash(ask) && keys.trashed_at == 0)
		return error_field(err, field, "choice", "must be the id of an item in the trash");
	if (ask->sort == MEDIA_MANUAL) {
		*p = (struct list_position) { .id = id };
		return store_collection_place(call->svc->db, call->arena, ask->filter.collection,
			   id, &p->number, err) ||
		    (err->code == ERR_NOT_FOUND &&
			error_field(err, field, "choice", "must be the id of an item in it"));
	}
	*p = (struct list_position) { .id = id,
		.number = in_trash(ask)      ? keys.trashed_at :
		    ask->sort == MEDIA_TAKEN ? keys.taken_at :
					       keys.created_at,
		.text = keys.title };
	return true;
}

/* Where the page starts, and in which direction it goes: a cursor knows its own. */
static bool
start_of(const struct call *call, const struct media_ask *ask, const enum list_kind kinds[2],
    bool *back, struct list_position *p, struct error *err)
{
	const char *cursor = ask->list.cursor;

	if ((cursor != NULL) + (ask->after != NULL) + (ask->before != NULL) > 1)
		return error_field(err, cursor != NULL ? "cursor" : "before", "choice",
		    "must come alone: cursor, after and before each name a place in the list");
	*back =
	    ask->before != NULL || (cursor != NULL && list_is_of(call->arena, kinds[true], cursor));
	if (ask->after != NULL)
		return position_of_item(call, ask, "after", ask->after, p, err);
	if (ask->before != NULL)
		return position_of_item(call, ask, "before", ask->before, p, err);
	return list_after(call->arena, kinds[*back], cursor, p, err);
}

_Static_assert(MEDIA_CURSOR_MAX >= (LIST_CURSOR_MAX + 4 * MEDIA_TITLE_MAX) * 4 / 3 + 4,
    "the longest title has no cursor");

static bool
sort_fits(const struct media_ask *ask, struct error *err)
{
	const struct media_filter *f = &ask->filter;

	if ((f->place != 0 || f->country != NULL || f->bounds != NULL) &&
	    (in_trash(ask) || f->collection != NULL))
		return error_field(err,
		    f->place != 0          ? "place" :
			f->country != NULL ? "country" :
					     "bounds",
		    "choice", "must not be given for the trash or for a collection");
	if (in_trash(ask) && ask->filter.collection != NULL)
		return error_field(err, "collection", "choice", "must not be given for the trash");
	if (in_trash(ask) && ask->sort != MEDIA_NEWEST)
		return error_field(err, "sort", "choice", "must be newest for the trash");
	if (ask->sort == MEDIA_MANUAL && ask->filter.collection == NULL)
		return error_field(err, "sort", "choice",
		    "must not be manual without a collection");
	return true;
}

bool
media_list(const struct call *call, const struct media_ask *ask, struct media **items,
    struct page *page, struct error *err)
{
	const enum list_kind *kinds = in_trash(ask) ? trash_lists : sort_lists[ask->sort];
	struct media_position from;
	struct media_list list;
	struct list_position after;
	struct media_reader reader;
	bool back = false;

	if (!sort_fits(ask, err) || !places_may(call, &ask->filter, err))
		return false;
	if (!start_of(call, ask, kinds, &back, &after, err))
		return false;
	from = (struct media_position) { after.number, after.text, after.id };
	media_reader_in(call->by.who, ask->scope, &reader);
	if (!store_media_list(call->svc->db, call->arena,
		&(const struct media_list_ask) {
		    .reader = &reader,
		    .filter = &ask->filter,
		    .sort = ask->sort,
		    .after = &from,
		    .back = back,
		    .limit = ask->list.limit + 1,
		},
		&list, err))
		return false;
	*items = list.items;
	if (list_cut(page, list.n, ask->list.limit)) {
		const struct media_position *last = &list.positions[page->n - 1];

		after = (struct list_position) { last->id, last->us, last->title };
		page->next = list_cursor(call->arena, kinds[back], &after);
	}
	return true;
}

bool
media_ids(const struct call *call, const struct media_ask *ask, struct media_brief **items,
    struct page *page, struct error *err)
{
	struct media_position from;
	struct list_position after;
	struct media_reader reader;
	size_t n;

	if (!sort_fits(ask, err) || !places_may(call, &ask->filter, err) ||
	    !list_after(call->arena, LIST_MEDIA_IDS, ask->list.cursor, &after, err))
		return false;
	from = (struct media_position) { .us = after.number, .id = after.id };
	media_reader_in(call->by.who, ask->scope, &reader);
	if (!store_media_ids(call->svc->db, call->arena,
		&(const struct media_list_ask) {
		    .reader = &reader,
		    .filter = &ask->filter,
		    .sort = MEDIA_TAKEN,
		    .after = &from,
		    .limit = ask->list.limit + 1,
		},
		items, &n, err))
		return false;
	if (list_cut(page, n, ask->list.limit)) {
		const struct media_brief *last = &(*items)[page->n - 1];

		after = (struct list_position) { .id = last->id, .number = last->taken };
		page->next = list_cursor(call->arena, LIST_MEDIA_IDS, &after);
	}
	return true;
}

bool
media_months(const struct call *call, const struct media_ask *ask, bool by_day,
    struct media_months *months, struct error *err)
{
	struct media_reader reader;

	if (!sort_fits(ask, err) || !places_may(call, &ask->filter, err))
		return false;
	media_reader_in(call->by.who, ask->scope, &reader);
	return store_media_months(call->svc->db, call->arena,
	    &(const struct media_months_ask) { &reader, &ask->filter, by_day }, months, err);
}

bool
media_get(const struct call *call, const char *id, struct media *media, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_get(call->svc->db, call->arena, &reader, id, media, err);
}

bool
media_open(const struct call *call, const char *id, struct media *media, struct error *err)
{
	return media_get(call, id, media, err) && pictures_wanted(call, media, 1, err);
}

bool
media_children(const struct call *call, const char *id, const struct list_ask *ask,
    struct media **items, struct page *page, struct error *err)
{
	struct media_children_ask children = { .id = id, .limit = ask->limit + 1 };
	struct list_position after;
	struct media_children found;
	struct media_reader reader;
	struct media parent;

	media_reader_of(call->by.who, &reader);
	if (!list_after(call->arena, LIST_MEDIA_CHILDREN, ask->cursor, &after, err))
		return false;
	children.reader = &reader;
	children.after = after.number;
	children.after_id = after.id;
	if (!store_media_children(call->svc->db, call->arena, &children, &found, err) ||
	    (found.n == 0 &&
		!store_media_get(call->svc->db, call->arena, &reader, id, &parent, err)))
		return false;
	*items = found.items;
	if (list_cut(page, found.n, ask->limit)) {
		after = (struct list_position) { .id = found.items[page->n - 1].id,
			.number = found.numbers[page->n - 1] };
		page->next = list_cursor(call->arena, LIST_MEDIA_CHILDREN, &after);
	}
	return pictures_wanted(call, found.items, page->n, err);
}

bool
media_tags(const struct call *call, enum media_scope scope, struct media_tag **tags, size_t *n,
    struct error *err)
{
	struct media_reader reader;

	media_reader_in(call->by.who, scope, &reader);
	return store_media_tags(call->svc->db, call->arena, &reader, tags, n, err);
}

bool
media_timeline(const struct call *call, const char *id, struct media_timeline *timeline,
    struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_timeline(call->svc->db, call->arena, &reader, id, timeline, err);
}

bool
media_has_asset(const struct media *m, const char *asset)
{
	for (size_t i = 0; i < m->nassets; i++)
		if (strcmp(m->assets[i], asset) == 0)
			return m->asset_prefix != NULL;
	return false;
}

static const char *
object_url(const struct call *call, const char *prefix, const char *asset, int64_t now)
{
	struct buf key;

	buf_init(&key, call->arena, 0);
	buf_adds(&key, prefix);
	buf_addc(&key, '/');
	buf_adds(&key, asset);
	return s3_presign_get(call->svc->s3, call->arena, key.data, now, NULL, NULL);
}

const char *
media_asset_url(const struct call *call, const struct media *m, const char *asset, int64_t now)
{
	if (media_has_asset(m, asset))
		return object_url(call, m->asset_prefix, asset, now);
	for (size_t i = 0; i < m->nparent_assets; i++)
		if (strcmp(m->parent_assets[i], asset) == 0)
			return object_url(call, m->parent_prefix, asset, now);
	return NULL;
}

bool
media_has_motion(const struct media *m)
{
	return m->clip_key != NULL || media_has_asset(m, MOTION_ASSET);
}

const char *
media_motion_url(const struct call *call, const struct media *m, int64_t now)
{
	if (m->clip_key != NULL)
		return s3_presign_get(call->svc->s3, call->arena, m->clip_key, now, NULL, NULL);
	return media_has_asset(m, MOTION_ASSET) ?
	    object_url(call, m->asset_prefix, MOTION_ASSET, now) :
	    NULL;
}

const char *
media_thumbnail_url(const struct call *call, const struct media *m, int width, int64_t now)
{
	static const struct {
		int width;
		const char *asset;
	} sizes[] = { { 1280, "1280.webp" }, { 640, "640.webp" }, { 320, "320.webp" } };
	const char *url = NULL;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && url == NULL; i++)
		if (sizes[i].width <= width)
			url = media_asset_url(call, m, sizes[i].asset, now);
	return url;
}

/*
 * Types that browsers show without running anything. content_type is safe to compare: the worker
 * sniffed it.
 */
static bool
shown_inline(const char *type)
{
	static const char *const types[] = { "image/jpeg", "image/png", "image/gif", "image/webp",
		"image/avif", "image/heic", "video/mp4", "video/webm", "audio/mpeg", "audio/ogg",
		"audio/flac", "audio/wav", "audio/mp4", "audio/aac", "audio/webm" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(types[i], type))
			return true;
	return false;
}

/* RFC 6266: a plain form for old clients, and the exact name in the encoding of RFC 8187. */
const char *
media_disposition(struct arena *arena, bool attachment, const char *filename)
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_adds(&buf, attachment ? "attachment; filename=\"" : "inline; filename=\"");
	for (const char *p = filename; *p != '\0'; p++)
		buf_addc(&buf, *p < 0x20 || *p > 0x7e || strchr("\"\\%/", *p) != NULL ? '_' : *p);
	buf_adds(&buf, "\"; filename*=UTF-8''");
	url_encode(&buf, filename, strlen(filename), false);
	return buf.data;
}

static const char *
file_url(const struct call *call, const struct media *m, const char *type, bool download,
    int64_t now)
{
	const char *name = m->filename != NULL ? m->filename : m->title;

	return s3_presign_get(call->svc->s3, call->arena, m->object_key, now, type,
	    media_disposition(call->arena, download, name));
}

const char *
media_file_url(const struct call *call, const struct media *m, bool download, int64_t now)
{
	const char *type =
	    m->playable == PLAYABLE_YES ? playable_type(m->content_type) : m->content_type;
	bool safe = shown_inline(type);

	if (m->object_key == NULL)
		return NULL;
	return file_url(call, m, safe ? type : "application/octet-stream", download || !safe, now);
}

const char *
media_play_url(const struct call *call, const struct media *m, int64_t now)
{
	return file_url(call, m, playable_type(m->content_type), false, now);
}

const char *
media_head_url(const struct call *call, const char *get_url, int64_t now)
{
	return s3_presign_head(call->svc->s3, call->arena, get_url, now);
}

#define BUCKET_US (S3_URL_BUCKET_SECONDS * US_PER_SEC)

const char *
media_etag(struct arena *arena, const struct media *m, int64_t now)
{
	return arena_printf(arena, "%lld-%llx%s%s%s", (long long)m->version,
	    (long long)(now / BUCKET_US), m->favorite ? "-f" : "", m->archived ? "-a" : "",
	    m->playback_key != NULL ? "-p" : "");
}

int
media_url_max_age(int64_t now)
{
	return (int)((BUCKET_US - now % BUCKET_US) / US_PER_SEC);
}

int64_t
media_url_expires(int64_t now)
{
	return now - now % BUCKET_US + S3_URL_LIFE_SECONDS * US_PER_SEC;
}
