#include "service/catalogue/media.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"
#include "model/list.h"
#include "service/call.h"
#include "service/services.h"
#include "store/s3.h"

#include "store/store_media.h"
#include "core/banned.h"

static const char *const sort_names[MEDIA_SORTS] = { "newest", "oldest", "taken", "title" };
static const char sort_letters[MEDIA_SORTS] = { 'n', 'o', 't', 'a' };
#define TRASH_LETTER 'x'

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

void
media_reader_of(const struct principal *who, struct media_reader *reader)
{
	reader->user_id = who->user_id;
	reader->all = principal_may(who, PERM_MEDIA_MANAGE_ALL);
}

static bool
in_trash(const struct media_ask *ask)
{
	return str_eq(ask->filter.status, "trashed");
}

_Static_assert(MEDIA_CURSOR_MAX >= (UUID_TEXT + 4 * MEDIA_TITLE_MAX) * 4 / 3 + 4,
    "the longest title has no cursor");

/* A cursor is opaque: order, id and key of the last item, so that it fits no other order. */
static const char *
cursor_make(struct arena *arena, const struct media_ask *ask, const struct media_position *p)
{
	char letter = in_trash(ask) ? TRASH_LETTER : sort_letters[ask->sort];
	const char *text = ask->sort == MEDIA_TITLE ?
	    arena_printf(arena, "%c%s%s", letter, p->id, p->title) :
	    arena_printf(arena, "%c%s%lld", letter, p->id, (long long)p->us);

	return base64url_encode(arena, text, strlen(text));
}

static bool
cursor_parse(struct arena *arena, const struct media_ask *ask, struct media_position *p)
{
	char letter = in_trash(ask) ? TRASH_LETTER : sort_letters[ask->sort];
	const char *text;
	size_t len;

	text = (const char *)base64url_decode(arena, ask->cursor, strlen(ask->cursor), &len);
	if (text == NULL || len < UUID_TEXT || strlen(text) != len || !utf8_valid(text, len) ||
	    text[0] != letter)
		return false;
	p->id = arena_strndup(arena, text + 1, UUID_TEXT - 1);
	text += UUID_TEXT;
	if (!uuid_valid(p->id))
		return false;
	p->title = text;
	return ask->sort == MEDIA_TITLE || str_to_int(text, INT64_MIN / 2, INT64_MAX / 2, &p->us);
}

bool
media_list(const struct call *call, const struct media_ask *ask, struct media_page *page,
    struct error *err)
{
	struct media_position after = { .id = NULL };
	struct media_reader reader;
	struct media_list list;

	if (in_trash(ask) && ask->sort != MEDIA_NEWEST)
		return error_field(err, "sort", "choice", "The trash has one order only: newest.");
	if (ask->cursor != NULL && !cursor_parse(call->arena, ask, &after))
		return error_field(err, "cursor", "format", "This is no cursor of this list.");
	media_reader_of(call->by.who, &reader);
	/* One more than asked for tells whether there is a next page. */
	if (!store_media_list(call->svc->db, call->arena,
		&(struct media_list_ask) {
		    &reader, &ask->filter, ask->sort, &after, ask->limit + 1 },
		&list, err))
		return false;
	*page = (struct media_page) { .items = list.items, .n = list.n };
	if (page->n > (size_t)ask->limit) {
		page->n = (size_t)ask->limit;
		page->next_cursor = cursor_make(call->arena, ask, &list.positions[page->n - 1]);
	}
	return true;
}

bool
media_get(const struct call *call, const char *id, struct media *media, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_get(call->svc->db, call->arena, &reader, id, false, media, err);
}

bool
media_tags(const struct call *call, struct media_tag **tags, size_t *n, struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_tags(call->svc->db, call->arena, &reader, MEDIA_TAG_LIST_MAX, tags, n,
	    err);
}

bool
media_timeline(const struct call *call, const char *id, struct media_event **events, size_t *n,
    struct error *err)
{
	struct media_reader reader;

	media_reader_of(call->by.who, &reader);
	return store_media_timeline(call->svc->db, call->arena, &reader, id, events, n, err);
}

bool
media_has_asset(const struct media *m, const char *asset)
{
	for (size_t i = 0; i < m->nassets; i++)
		if (strcmp(m->assets[i], asset) == 0)
			return m->asset_prefix != NULL;
	return false;
}

const char *
media_asset_url(const struct call *call, const struct media *m, const char *asset, int64_t now)
{
	struct buf key;

	if (!media_has_asset(m, asset))
		return NULL;
	buf_init(&key, call->arena, 0);
	buf_adds(&key, m->asset_prefix);
	buf_addc(&key, '/');
	buf_adds(&key, asset);
	return s3_presign_get(call->svc->s3, call->arena, key.data, now, NULL, NULL, NULL);
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
 * What browsers show without running anything: sniffed types only, since content_type is what the
 * worker found.
 */
static bool
shown_inline(const char *type)
{
	static const char *const types[] = { "image/jpeg", "image/png", "image/gif", "image/webp",
		"image/avif", "image/heic", "video/mp4", "video/webm", "audio/mpeg", "audio/ogg",
		"audio/flac", "audio/wav" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_eq(types[i], type))
			return true;
	return false;
}

/* RFC 6266: a plain form for old readers, the exact one in RFC 8187's encoding. */
static const char *
disposition(struct arena *arena, bool attachment, const char *filename)
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

const char *
media_file_url(const struct call *call, const struct media *m, bool download, int64_t now)
{
	bool safe = shown_inline(m->content_type);
	const char *name = m->filename != NULL ? m->filename : m->title;

	if (m->object_key == NULL)
		return NULL;
	return s3_presign_get(call->svc->s3, call->arena, m->object_key, now,
	    safe ? m->content_type : "application/octet-stream",
	    disposition(call->arena, download || !safe, name), NULL);
}

#define BUCKET_US (S3_URL_BUCKET_SECONDS * US_PER_SEC)

const char *
media_etag(struct arena *arena, const struct media *m, int64_t now)
{
	return arena_printf(arena, "%lld-%llx", (long long)m->version,
	    (long long)(now / BUCKET_US));
}

int
media_url_max_age(int64_t now)
{
	return (int)((BUCKET_US - now % BUCKET_US) / US_PER_SEC);
}
