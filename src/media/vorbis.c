/* Vorbis comments: in FLAC, and in Ogg with Vorbis, Opus, Speex or FLAC in it. */
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/tags.h"

#include "core/banned.h"

#define PAGE_HEADER 27    /* bytes: RFC 3533 section 6 */
#define PAGE_SEGMENTS 255 /* at most */
#define BLOCK_COMMENTS 4  /* of FLAC: RFC 9639 section 8 */
#define ID3_HEADER 10

/* A field may be there several times: these are its values. */
static void
take_comments(struct tags *t, const unsigned char *b, size_t n)
{
	size_t at, count, length;
	const unsigned char *equals;

	if (n < 8 || bytes_little(b, 4) > n - 8)
		return;
	at = 4 + bytes_little(b, 4);
	count = bytes_little(b + at, 4);
	for (at += 4; count > 0 && at + 4 <= n; count--, at += length) {
		length = bytes_little(b + at, 4);
		at += 4;
		if (length > n - at)
			return;
		equals = memchr(b + at, '=', length);
		if (equals != NULL)
			tags_add(t, tags_named((const char *)b + at, (size_t)(equals - b) - at),
			    TAG_UTF8, equals + 1,
			    length - (size_t)(equals + 1 - b - (ptrdiff_t)at));
	}
}

void
flac_read(struct tags *t, int fd)
{
	unsigned char b[ID3_HEADER];
	const unsigned char *comments;
	off_t at = 0;
	size_t size;

	if (pread(fd, b, sizeof(b), at) == (ssize_t)sizeof(b) && memcmp(b, "ID3", 3) == 0)
		at = ID3_HEADER +
		    (off_t)((size_t)b[6] << 21 | (size_t)b[7] << 14 | (size_t)b[8] << 7 | b[9]);
	if (pread(fd, b, 4, at) != 4 || memcmp(b, "fLaC", 4) != 0)
		return;
	at += 4;
	for (int i = 0; i < TAGS_BOXES_MAX && pread(fd, b, 4, at) == 4; i++) {
		size = (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
		if ((b[0] & 0x7f) == BLOCK_COMMENTS &&
		    (comments = tags_load(t, fd, at + 4, size)) != NULL)
			take_comments(t, comments, size);
		if ((b[0] & 0x80) != 0)
			return;
		at += 4 + (off_t)size;
	}
}

/* The first two packets of the first stream of sound. */
struct packets {
	bool found;
	unsigned char serial[4];
	const char *codec;
	int ended; /* packets that are complete */
	struct buf comments;
};

static const struct {
	const char *codec; /* how the first packet begins */
	const char *second;
	size_t skip; /* bytes in front of the comments */
} codecs[] = {
	{ "\x01vorbis", "\x03vorbis", 7 },
	{ "OpusHead", "OpusTags", 8 },
	{ "Speex   ", "", 0 },
	{ "\x7f"
	  "FLAC",
	    "", 4 },
};

static bool
begins(const unsigned char *b, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(b, with, strlen(with)) == 0;
}

/* Body of a page of a new stream: is it ours? */
static void
take_head(struct packets *p, const unsigned char *serial, const unsigned char *body, size_t n)
{
	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (begins(body, n, codecs[i].codec)) {
			p->found = true;
			p->codec = codecs[i].codec;
			memcpy(p->serial, serial, sizeof(p->serial));
		}
}

/* Segments of less than 255 bytes end a packet. */
static void
take_segments(struct packets *p, const unsigned char *sizes, int n, const unsigned char *body)
{
	for (int i = 0; i < n && p->ended < 2; body += sizes[i], i++) {
		if (p->ended == 1)
			buf_add(&p->comments, body, sizes[i]);
		p->ended += sizes[i] < 255;
	}
}

static void
take_packet(struct tags *t, const struct packets *p)
{
	const unsigned char *b = (const unsigned char *)p->comments.data;

	for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++)
		if (str_eq(codecs[i].codec, p->codec) && p->comments.len > codecs[i].skip &&
		    begins(b, p->comments.len, codecs[i].second))
			take_comments(t, b + codecs[i].skip, p->comments.len - codecs[i].skip);
}

/* Reads the page at *at, which goes on to the next one. *size: of its body. */
static bool
next_page(int fd, off_t *at, unsigned char *head, unsigned char *body, size_t *size)
{
	ssize_t n = pread(fd, head, PAGE_HEADER + PAGE_SEGMENTS, *at);

	if (n < PAGE_HEADER || memcmp(head, "OggS", 4) != 0 || n < PAGE_HEADER + head[26])
		return false;
	*size = 0;
	for (int s = 0; s < head[26]; s++)
		*size += head[PAGE_HEADER + s];
	*at += PAGE_HEADER + head[26];
	if (pread(fd, body, *size, *at) != (ssize_t)*size)
		return false;
	*at += (off_t)*size;
	return true;
}

void
ogg_read(struct tags *t, int fd)
{
	unsigned char head[PAGE_HEADER + PAGE_SEGMENTS],
	    *body = arena_alloc(t->arena, PAGE_SEGMENTS * 255);
	struct packets p = { .found = false };
	off_t at = 0;
	size_t size;
	bool begin;

	buf_init(&p.comments, t->arena, TAGS_BYTES_MAX);
	for (int i = 0; i < TAGS_BOXES_MAX && p.ended < 2 && !p.comments.overflow; i++) {
		if (!next_page(fd, &at, head, body, &size))
			return;
		/* The first pages of all streams come before everything else. */
		begin = (head[5] & 0x02) != 0;
		if (!p.found && !begin)
			return;
		if (!p.found)
			take_head(&p, head + 14, body, size);
		if (p.found && memcmp(p.serial, head + 14, sizeof(p.serial)) == 0)
			take_segments(&p, head + PAGE_HEADER, head[26], body);
	}
	if (p.ended == 2 && !p.comments.overflow)
		take_packet(t, &p);
}
