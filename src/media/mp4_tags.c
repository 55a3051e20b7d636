/* Tags of MP4 and QuickTime files as iTunes writes them: moov/udta/meta/ilst. */
#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/mp4_box.h"
#include "media/tags.h"

#include "core/banned.h"

#define DATA_HEADER 8 /* of a 'data' box: type and locale */
#define DATA_UTF16 2
#define ITEM_MAX (256UL << 10) /* bytes of an item that is text */

static const struct {
	char type[5];
	enum tag tag;
} items[] = {
	{ "\xa9nam", TAG_TITLE },
	{ "\xa9"
	  "ART",
	    TAG_ARTIST },
	{ "aART", TAG_ALBUM_ARTIST },
	{ "\xa9"
	  "alb",
	    TAG_ALBUM },
	{ "\xa9wrt", TAG_COMPOSER },
	{ "\xa9gen", TAG_GENRE },
	{ "\xa9"
	  "day",
	    TAG_DATE },
	{ "\xa9lyr", TAG_LYRICS },
};

static void
add_number(struct tags *t, enum tag tag, uint64_t v)
{
	const char *text = arena_printf(t->arena, "%llu", (unsigned long long)v);

	if (v > 0)
		tags_add(t, tag, TAG_UTF8, (const unsigned char *)text, strlen(text));
}

/* 'trkn' and 'disk' are numbers with their totals, 'gnre' is one of ID3v1, one more than there. */
static void
take_value(struct tags *t, const char *type, enum tag tag, const unsigned char *b, size_t n)
{
	bool disc = str_eq(type, "disk");

	if (disc || str_eq(type, "trkn")) {
		if (n < DATA_HEADER + 6)
			return;
		add_number(t, disc ? TAG_DISC : TAG_TRACK, bytes_big(b + DATA_HEADER + 2, 2));
		add_number(t, disc ? TAG_DISC_TOTAL : TAG_TRACK_TOTAL,
		    bytes_big(b + DATA_HEADER + 4, 2));
		return;
	}
	if (str_eq(type, "gnre")) {
		if (n >= DATA_HEADER + 2 && bytes_big(b + DATA_HEADER, 2) > 0)
			add_number(t, TAG_GENRE, bytes_big(b + DATA_HEADER, 2) - 1);
		return;
	}
	tags_add(t, tag, b[3] == DATA_UTF16 ? TAG_UTF16BE : TAG_UTF8, b + DATA_HEADER,
	    n - DATA_HEADER);
}

/* What '----' calls itself in its 'name'. */
static enum tag
named(struct tags *t, int fd, const struct mp4_box *item)
{
	struct mp4_box name;
	const unsigned char *b;
	size_t n;

	if (!mp4_find(fd, *item, "name", &name) || name.end - name.at <= 4)
		return TAG_COUNT;
	n = (size_t)(name.end - name.at);
	b = tags_load(t, fd, name.at, n);
	return b != NULL ? tags_named((const char *)b + 4, n - 4) : TAG_COUNT;
}

static void
take_item(struct tags *t, int fd, const struct mp4_box *item)
{
	enum tag tag = TAG_COUNT;
	const unsigned char *b;
	struct mp4_box data;
	off_t at = item->at;

	if (item->end - item->at > (off_t)ITEM_MAX)
		return;
	if (str_eq(item->type, "----"))
		tag = named(t, fd, item);
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (str_eq(item->type, items[i].type))
			tag = items[i].tag;
	for (int i = 0; i < TAGS_VALUES_MAX && mp4_next(fd, &at, item->end, &data); i++) {
		if (!str_eq(data.type, "data") || data.end - data.at <= DATA_HEADER)
			continue;
		b = tags_load(t, fd, data.at, (uint64_t)(data.end - data.at));
		if (b != NULL)
			take_value(t, item->type, tag, b, (size_t)(data.end - data.at));
	}
}

/* In MP4 'meta' has a version of four bytes in front of its boxes, in QuickTime it has not. */
static bool
find_list(int fd, struct mp4_box in, struct mp4_box *list)
{
	struct mp4_box meta, full;

	if (!mp4_find(fd, in, "meta", &meta))
		return false;
	full = meta;
	full.at += 4;
	return mp4_find(fd, full, "ilst", list) || mp4_find(fd, meta, "ilst", list);
}

void
mp4_read(struct tags *t, int fd)
{
	struct mp4_box file, movie, data, list, item;
	off_t at;

	if (!mp4_file(fd, &file) || !mp4_find(fd, file, "moov", &movie) ||
	    !((mp4_find(fd, movie, "udta", &data) && find_list(fd, data, &list)) ||
		find_list(fd, movie, &list)))
		return;
	at = list.at;
	for (int i = 0; i < TAGS_BOXES_MAX && mp4_next(fd, &at, list.end, &item); i++)
		take_item(t, fd, &item);
}
