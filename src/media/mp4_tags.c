/* Tags of MP4 and QuickTime files as iTunes writes them: moov/udta/meta/ilst. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/tags.h"

#include "core/banned.h"

#define BOX_HEADER 8
#define DATA_HEADER 8 /* of a 'data' box: type and locale */
#define DATA_UTF16 2
#define ITEM_MAX (256UL << 10) /* bytes of an item that is text */

struct box {
	char type[5];
	off_t at, end; /* of what is in it */
};

/* The box at *at, which goes on to the next one; false at `end` or where no box is. */
static bool
next_box(int fd, off_t *at, off_t end, struct box *box)
{
	unsigned char b[BOX_HEADER + 8];
	uint64_t size;
	off_t header = BOX_HEADER;

	if (end - *at < BOX_HEADER || pread(fd, b, BOX_HEADER, *at) != BOX_HEADER)
		return false;
	size = bytes_big(b, 4);
	if (size == 1) {
		if (pread(fd, b, sizeof(b), *at) != (ssize_t)sizeof(b))
			return false;
		size = bytes_big(b + BOX_HEADER, 8);
		header += 8;
	}
	if (size == 0)
		size = (uint64_t)(end - *at);
	if (size < (uint64_t)header || size > (uint64_t)(end - *at))
		return false;
	memcpy(box->type, b + 4, 4);
	box->type[4] = '\0';
	box->at = *at + header;
	box->end = *at + (off_t)size;
	*at = box->end;
	return true;
}

/* The first box of the type in another one. */
static bool
find(int fd, struct box in, const char *type, struct box *found)
{
	off_t at = in.at;

	for (int i = 0; i < TAGS_BOXES_MAX && next_box(fd, &at, in.end, found); i++)
		if (str_eq(found->type, type))
			return true;
	return false;
}

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
named(struct tags *t, int fd, const struct box *item)
{
	struct box name;
	const unsigned char *b;
	size_t n;

	if (!find(fd, *item, "name", &name) || name.end - name.at <= 4)
		return TAG_COUNT;
	n = (size_t)(name.end - name.at);
	b = tags_load(t, fd, name.at, n);
	return b != NULL ? tags_named((const char *)b + 4, n - 4) : TAG_COUNT;
}

static void
take_item(struct tags *t, int fd, const struct box *item)
{
	enum tag tag = TAG_COUNT;
	const unsigned char *b;
	struct box data;
	off_t at = item->at;

	if (item->end - item->at > (off_t)ITEM_MAX)
		return;
	if (str_eq(item->type, "----"))
		tag = named(t, fd, item);
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (str_eq(item->type, items[i].type))
			tag = items[i].tag;
	for (int i = 0; i < TAGS_VALUES_MAX && next_box(fd, &at, item->end, &data); i++) {
		if (!str_eq(data.type, "data") || data.end - data.at <= DATA_HEADER)
			continue;
		b = tags_load(t, fd, data.at, (uint64_t)(data.end - data.at));
		if (b != NULL)
			take_value(t, item->type, tag, b, (size_t)(data.end - data.at));
	}
}

/* In MP4 'meta' has a version of four bytes in front of its boxes, in QuickTime it has not. */
static bool
find_list(int fd, struct box in, struct box *list)
{
	struct box meta, full;

	if (!find(fd, in, "meta", &meta))
		return false;
	full = meta;
	full.at += 4;
	return find(fd, full, "ilst", list) || find(fd, meta, "ilst", list);
}

void
mp4_read(struct tags *t, int fd)
{
	struct stat st;
	struct box file = { .at = 0 }, movie, data, list, item;
	off_t at;

	if (fstat(fd, &st) != 0)
		return;
	file.end = st.st_size;
	if (!find(fd, file, "moov", &movie) ||
	    !((find(fd, movie, "udta", &data) && find_list(fd, data, &list)) ||
		find_list(fd, movie, &list)))
		return;
	at = list.at;
	for (int i = 0; i < TAGS_BOXES_MAX && next_box(fd, &at, list.end, &item); i++)
		take_item(t, fd, &item);
}
