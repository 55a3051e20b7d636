/* ID3v2.2 to 2.4 (id3.org) in front of the sound, ID3v1 behind it. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/tags.h"

#include "core/banned.h"

#define HEADER 10         /* bytes */
#define ID3V1 128         /* bytes */
#define NAME_MAX_BYTES 32 /* of a description that says what its text is */

/* A tag as it is read: unsynchronisation undone where it covers all of it. */
struct id3 {
	struct tags *tags;
	int version; /* 2, 3, 4 */
	const unsigned char *b;
	size_t n;
};

struct frame {
	char id[5];
	const unsigned char *b;
	size_t n;
	unsigned flags;
};

static bool
is_syncsafe(const unsigned char *b)
{
	return ((b[0] | b[1] | b[2] | b[3]) & 0x80) == 0;
}

static size_t
syncsafe(const unsigned char *b)
{
	return (size_t)b[0] << 21 | (size_t)b[1] << 14 | (size_t)b[2] << 7 | b[3];
}

/* ff 00 -> ff. Returns the new length. */
static size_t
resynchronise(unsigned char *b, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		b[to++] = b[i];
		if (b[i] == 0xff && i + 1 < n && b[i + 1] == 0)
			i++;
	}
	return to;
}

static bool
names_frame(const unsigned char *b, int letters)
{
	for (int i = 0; i < letters; i++)
		if (!((b[i] >= 'A' && b[i] <= 'Z') || (b[i] >= '0' && b[i] <= '9')))
			return false;
	return true;
}

/* Whether a frame, padding or the end follows at `at`. */
static bool
continues(const struct id3 *t, size_t at)
{
	return at == t->n || (at + HEADER <= t->n && (t->b[at] == 0 || names_frame(t->b + at, 4)));
}

/* In 2.4 sizes have seven bits to a byte; some programs went on with eight. */
static size_t
frame_size(const struct id3 *t, size_t at)
{
	const unsigned char *b = t->b + at + 4;

	if (t->version == 3 || !is_syncsafe(b))
		return bytes_big(b, 4);
	if (syncsafe(b) != bytes_big(b, 4) && !continues(t, at + HEADER + syncsafe(b)) &&
	    continues(t, at + HEADER + bytes_big(b, 4)))
		return bytes_big(b, 4);
	return syncsafe(b);
}

/* The next frame; false at the padding or the end. */
static bool
next_frame(const struct id3 *t, size_t *at, struct frame *f)
{
	size_t header = t->version == 2 ? 6 : HEADER;
	int letters = t->version == 2 ? 3 : 4;

	if (*at + header > t->n || !names_frame(t->b + *at, letters))
		return false;
	memset(f, 0, sizeof(*f));
	memcpy(f->id, t->b + *at, (size_t)letters);
	f->n = t->version == 2 ? bytes_big(t->b + *at + 3, 3) : frame_size(t, *at);
	f->flags = t->version == 2 ? 0 : (unsigned)bytes_big(t->b + *at + 8, 2);
	f->b = t->b + *at + header;
	if (f->n > t->n - *at - header)
		return false;
	*at += header + f->n;
	return true;
}

/* Undoes what the flags of a frame say; false: it is compressed or encrypted. */
static bool
open_frame(const struct id3 *t, struct frame *f)
{
	size_t skip = 0;
	unsigned char *copy;

	if (t->version == 3) {
		skip = (f->flags & 0x20) != 0;
		if ((f->flags & 0xc0) != 0)
			return false;
	} else if (t->version == 4) {
		skip = ((f->flags & 0x40) != 0) + ((f->flags & 0x01) != 0 ? 4U : 0U);
		if ((f->flags & 0x0c) != 0)
			return false;
	}
	if (skip > f->n)
		return false;
	f->b += skip;
	f->n -= skip;
	if (t->version == 4 && (f->flags & 0x02) != 0) {
		copy = arena_memdup(t->tags->arena, f->b, f->n);
		f->n = resynchronise(copy, f->n);
		f->b = copy;
	}
	return f->n > 1;
}

static const struct {
	char id[5], old[4];
	enum tag tag;
} texts[] = {
	{ "TIT2", "TT2", TAG_TITLE },
	{ "TPE1", "TP1", TAG_ARTIST },
	{ "TPE2", "TP2", TAG_ALBUM_ARTIST },
	{ "TALB", "TAL", TAG_ALBUM },
	{ "TCOM", "TCM", TAG_COMPOSER },
	{ "TCON", "TCO", TAG_GENRE },
	{ "TDRC", "TYE", TAG_DATE },
	{ "TYER", "TYE", TAG_DATE },
	{ "TRCK", "TRK", TAG_TRACK },
	{ "TPOS", "TPA", TAG_DISC },
};

static enum tag_text
encoding(unsigned char byte)
{
	return byte == 1 ? TAG_UTF16 : byte == 2 ? TAG_UTF16BE : byte == 3 ? TAG_UTF8 : TAG_OLD;
}

/* Bytes of a text with its NUL, which has two bytes in UTF-16; n: there is none. */
static size_t
past_nul(enum tag_text how, const unsigned char *b, size_t n)
{
	size_t step = how == TAG_UTF16 || how == TAG_UTF16BE ? 2 : 1;

	for (size_t i = 0; i + step <= n; i += step)
		if (b[i] == 0 && b[i + step - 1] == 0)
			return i + step;
	return n;
}

/* Several values are separated by NUL since 2.4; what follows it in earlier ones is nothing. */
static void
take_text(const struct id3 *t, enum tag tag, enum tag_text how, const unsigned char *b, size_t n)
{
	tags_add(t->tags, tag, how, b, t->version < 4 ? past_nul(how, b, n) : n);
}

/* The ASCII characters of a description, of one byte or two. */
static enum tag
described(const unsigned char *b, size_t n)
{
	char name[NAME_MAX_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < n && len < sizeof(name); i++)
		if (b[i] != 0 && b[i] < 0x80)
			name[len++] = (char)b[i];
	return tags_named(name, len);
}

static void
take_frame(const struct id3 *t, const struct frame *f)
{
	enum tag_text how = encoding(f->b[0]);
	const unsigned char *b = f->b + 1;
	size_t n = f->n - 1, name;

	if (str_eq(f->id, "USLT") || str_eq(f->id, "ULT")) {
		if (n < 3)
			return;
		b += 3; /* language */
		n -= 3;
		name = past_nul(how, b, n);
		tags_add(t->tags, TAG_LYRICS, how, b + name, n - name);
		return;
	}
	if (str_eq(f->id, "TXXX") || str_eq(f->id, "TXX")) {
		name = past_nul(how, b, n);
		take_text(t, described(b, name), how, b + name, n - name);
		return;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (str_eq(f->id, t->version == 2 ? texts[i].old : texts[i].id)) {
			take_text(t, texts[i].tag, how, b, n);
			return;
		}
}

void
id3_parse(struct tags *tags, const unsigned char *tag, size_t size)
{
	struct id3 t = { tags, tag[3], tag + HEADER, size - HEADER };
	unsigned char *copy;
	struct frame f;
	size_t at = 0;

	if (t.version < 2 || t.version > 4 || (t.version == 2 && tag[5] & 0x40))
		return;
	if (t.version < 4 && (tag[5] & 0x80) != 0) {
		copy = arena_memdup(tags->arena, t.b, t.n);
		t.n = resynchronise(copy, t.n);
		t.b = copy;
	}
	if (t.version > 2 && (tag[5] & 0x40) != 0 && t.n >= 4)
		at = t.version == 3 ? bytes_big(t.b, 4) + 4 : syncsafe(t.b);
	while (at < t.n && next_frame(&t, &at, &f))
		if (open_frame(&t, &f))
			take_frame(&t, &f);
}

/* Fields of a fixed width, filled up with spaces or NULs. */
static void
take_fixed(struct tags *t, enum tag tag, const unsigned char *b, size_t n)
{
	n = strnlen((const char *)b, n);
	while (n > 0 && b[n - 1] == ' ')
		n--;
	tags_add(t, tag, TAG_OLD, b, n);
}

static void
read_end(struct tags *t, int fd)
{
	struct stat st;
	const unsigned char *b;
	const char *text;

	if (fstat(fd, &st) != 0 || st.st_size < ID3V1)
		return;
	b = tags_load(t, fd, st.st_size - ID3V1, ID3V1);
	if (b == NULL || memcmp(b, "TAG", 3) != 0)
		return;
	tags_block(t);
	take_fixed(t, TAG_TITLE, b + 3, 30);
	take_fixed(t, TAG_ARTIST, b + 33, 30);
	take_fixed(t, TAG_ALBUM, b + 63, 30);
	take_fixed(t, TAG_DATE, b + 93, 4);
	if (b[125] == 0 && b[126] != 0) {
		text = arena_printf(t->arena, "%d", b[126]);
		tags_add(t, TAG_TRACK, TAG_UTF8, (const unsigned char *)text, strlen(text));
	}
	text = tags_genre(b[127]);
	if (text != NULL)
		tags_add(t, TAG_GENRE, TAG_UTF8, (const unsigned char *)text, strlen(text));
}

void
id3_read(struct tags *t, int fd)
{
	unsigned char header[HEADER];
	const unsigned char *b;
	size_t size;

	if (pread(fd, header, HEADER, 0) == HEADER && memcmp(header, "ID3", 3) == 0 &&
	    is_syncsafe(header + 6)) {
		size = HEADER + syncsafe(header + 6);
		if ((b = tags_load(t, fd, 0, size)) != NULL)
			id3_parse(t, b, size);
	}
	read_end(t, fd);
}
