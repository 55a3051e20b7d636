#include "media/tags.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/charset.h"
#include "media/media.h"
#include "media/sniff.h"

#include "core/banned.h"

static const struct {
	const char *name;
	enum tag tag;
} names[] = {
	{ "TITLE", TAG_TITLE },
	{ "ARTIST", TAG_ARTIST },
	{ "ARTISTS", TAG_ARTISTS },
	{ "ALBUM", TAG_ALBUM },
	{ "ALBUMARTIST", TAG_ALBUM_ARTIST },
	{ "ALBUM ARTIST", TAG_ALBUM_ARTIST },
	{ "ALBUM_ARTIST", TAG_ALBUM_ARTIST },
	{ "COMPOSER", TAG_COMPOSER },
	{ "GENRE", TAG_GENRE },
	{ "DATE", TAG_DATE },
	{ "YEAR", TAG_DATE },
	{ "TRACKNUMBER", TAG_TRACK },
	{ "TRACKTOTAL", TAG_TRACK_TOTAL },
	{ "TOTALTRACKS", TAG_TRACK_TOTAL },
	{ "DISCNUMBER", TAG_DISC },
	{ "DISCTOTAL", TAG_DISC_TOTAL },
	{ "TOTALDISCS", TAG_DISC_TOTAL },
	{ "LYRICS", TAG_LYRICS },
	{ "UNSYNCEDLYRICS", TAG_LYRICS },
	{ "REPLAYGAIN_TRACK_GAIN", TAG_TRACK_GAIN },
	{ "REPLAYGAIN_TRACK_PEAK", TAG_TRACK_PEAK },
	{ "REPLAYGAIN_ALBUM_GAIN", TAG_ALBUM_GAIN },
	{ "REPLAYGAIN_ALBUM_PEAK", TAG_ALBUM_PEAK },
	{ "R128_TRACK_GAIN", TAG_R128_TRACK },
	{ "R128_ALBUM_GAIN", TAG_R128_ALBUM },
};

enum tag
tags_named(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == len && strncasecmp(names[i].name, name, len) == 0)
			return names[i].tag;
	return TAG_COUNT;
}

void
tags_block(struct tags *t)
{
	t->current++;
}

unsigned char *
tags_load(struct tags *t, int fd, off_t at, uint64_t size)
{
	unsigned char *b;

	if (size == 0 || size > TAGS_BYTES_MAX || size > TAGS_ALL_MAX - t->loaded)
		return NULL;
	t->loaded += size;
	b = arena_alloc_raw(t->arena, size);
	return pread(fd, b, size, at) == (ssize_t)size ? b : NULL;
}

/* One code point in UTF-8; a surrogate without its other half becomes U+FFFD. */
static size_t
put_point(char *to, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c >= 0xd800 && c <= 0xdfff)
		c = 0xfffd;
	to[0] = (char)(n == 1 ? c : (0xf00U >> n & 0xff) | c >> 6 * (n - 1));
	for (size_t i = 1; i < n; i++)
		to[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	return n;
}

static char *
from_utf16(struct arena *arena, bool big, const unsigned char *b, size_t n, size_t *len)
{
	char *out = arena_alloc(arena, n * 2 + 4);
	uint32_t c, low;

	*len = 0;
	for (size_t i = 0; i + 1 < n; i += 2) {
		c = big ? (uint32_t)b[i] << 8 | b[i + 1] : (uint32_t)b[i + 1] << 8 | b[i];
		if (c == 0xfeff)
			continue;
		if (c == 0xfffe) {
			big = !big;
			continue;
		}
		if (c >= 0xd800 && c < 0xdc00 && i + 3 < n) {
			low = big ? (uint32_t)b[i + 2] << 8 | b[i + 3] :
				    (uint32_t)b[i + 3] << 8 | b[i + 2];
			if (low >= 0xdc00 && low <= 0xdfff) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		*len += put_point(out + *len, c);
	}
	return out;
}

static void
add_one(struct tags *t, enum tag tag, const char *text, size_t len)
{
	if (len > 0 && t->n[tag] < TAGS_VALUES_MAX)
		t->values[tag][t->n[tag]++] = (struct tag_value) { text, len, false };
}

/* "(17)(4)Refined", "17": numbers are genres of ID3v1. `text` ends with a NUL. */
static void
add_genres(struct tags *t, const char *text, size_t len)
{
	const char *end = text + len, *start, *name;
	char *past;
	unsigned long number;

	while (text < end) {
		start = text + (*text == '(');
		number = *start >= '0' && *start <= '9' ? strtoul(start, &past, 10) : ULONG_MAX;
		name = number <= UINT8_MAX ? tags_genre(number) : NULL;
		if (name == NULL || (start > text ? *past != ')' : past != end))
			break;
		add_one(t, TAG_GENRE, name, strlen(name));
		text = past + (start > text);
	}
	add_one(t, TAG_GENRE, text, (size_t)(end - text));
}

/* Adds each of the texts that NULs separate. */
static void
add_each(struct tags *t, enum tag tag, const char *text, size_t len)
{
	size_t n;

	for (const char *end = text + len; text < end; text += n + 1) {
		n = strnlen(text, (size_t)(end - text));
		if (tag == TAG_GENRE)
			add_genres(t, text, n);
		else
			add_one(t, tag, text, n);
	}
}

void
tags_add(struct tags *t, enum tag tag, enum tag_text how, const unsigned char *b, size_t n)
{
	char *text;

	if (tag == TAG_COUNT || n == 0 || (t->n[tag] > 0 && t->block[tag] != t->current))
		return;
	t->block[tag] = t->current;
	if (n > TAGS_TEXT_BYTES_MAX)
		n = TAGS_TEXT_BYTES_MAX;
	if (how == TAG_UTF16 || how == TAG_UTF16BE) {
		text = from_utf16(t->arena, how == TAG_UTF16BE, b, n, &n);
	} else {
		text = arena_alloc(t->arena, n + 1);
		memcpy(text, b, n);
	}
	add_each(t, tag, text, n);
}

/* All old text, and what claims to be UTF-8 but is not. */
static struct buf
gather(struct tags *t)
{
	struct tag_value *v;
	struct buf old;

	buf_init(&old, t->arena, CHARSET_SAMPLE);
	for (int tag = 0; tag < TAG_COUNT; tag++)
		for (size_t i = 0; i < t->n[tag]; i++) {
			v = &t->values[tag][i];
			v->old = !utf8_valid(v->text, v->len);
			if (!v->old || old.len + v->len + 1 > CHARSET_SAMPLE)
				continue;
			buf_add(&old, v->text, v->len);
			buf_addc(&old, '\n');
		}
	return old;
}

static void
decode(struct tags *t, const char *charsets)
{
	struct buf old = gather(t);
	struct tag_value *v;
	const char *charset;

	if (old.len == 0)
		return;
	charset = charset_guess(t->arena, charsets, (const unsigned char *)old.data, old.len);
	for (int tag = 0; tag < TAG_COUNT; tag++)
		for (size_t i = 0; i < t->n[tag]; i++) {
			v = &t->values[tag][i];
			if (!v->old)
				continue;
			v->text = charset_decode(t->arena, charset, (const unsigned char *)v->text,
			    v->len);
			v->len = strlen(v->text);
		}
}

void
tags_read(struct media_run *run, struct tags *t)
{
	static const struct {
		const char *reader;
		void (*read)(struct tags *, int fd);
	} readers[] = { { "flac", flac_read }, { "ogg", ogg_read }, { "mov", mp4_read },
		{ "wav", riff_read }, { "mp3", id3_read }, { "aac", id3_read },
		{ "flac", id3_read } };
	int fd = open(run->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	memset(t, 0, sizeof(*t));
	t->arena = run->arena;
	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (str_eq(readers[i].reader, run->type->reader)) {
			tags_block(t);
			readers[i].read(t, fd);
		}
	close(fd);
	decode(t, run->tag_charsets);
}

const char *
tags_text(const struct tags *t, enum tag tag)
{
	return t->n[tag] > 0 ? t->values[tag][0].text : NULL;
}
