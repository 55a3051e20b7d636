/* WAV, and its kinds over 4 GB: the INFO list and an ID3v2 tag in a chunk of its own. */
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/bytes.h"
#include "media/tags.h"

#include "core/banned.h"

#define CHUNK_HEADER 8
#define RIFF_HEADER 12
#define SIZE_ELSEWHERE 0xffffffffU /* it stands in 'ds64': EBU Tech 3306 */
#define ID3_HEADER 10

static const struct {
	char id[5];
	enum tag tag;
} texts[] = {
	{ "INAM", TAG_TITLE },
	{ "IART", TAG_ARTIST },
	{ "IPRD", TAG_ALBUM },
	{ "IGNR", TAG_GENRE },
	{ "ICRD", TAG_DATE },
	{ "IPRT", TAG_TRACK },
	{ "ITRK", TAG_TRACK },
	{ "IMUS", TAG_COMPOSER },
};

static void
take_info(struct tags *t, const unsigned char *b, size_t n)
{
	size_t at, size;

	if (n < 4 || memcmp(b, "INFO", 4) != 0)
		return;
	for (at = 4; n - at > CHUNK_HEADER; at += CHUNK_HEADER + size) {
		size = (size_t)bytes_little(b + at + 4, 4);
		if (size > n - at - CHUNK_HEADER)
			return;
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			if (memcmp(b + at, texts[i].id, 4) == 0)
				tags_add(t, texts[i].tag, TAG_OLD, b + at + CHUNK_HEADER,
				    strnlen((const char *)b + at + CHUNK_HEADER, size));
		size += size & 1;
		if (size > n - at - CHUNK_HEADER)
			return;
	}
}

static void
take_chunk(struct tags *t, int fd, const char *id, off_t at, uint64_t size)
{
	const unsigned char *b;
	bool info = memcmp(id, "LIST", 4) == 0;

	if (!info && strncasecmp(id, "id3 ", 4) != 0)
		return;
	b = tags_load(t, fd, at, size);
	if (b == NULL)
		return;
	tags_block(t);
	if (info)
		take_info(t, b, size);
	else if (size > ID3_HEADER && memcmp(b, "ID3", 3) == 0)
		id3_parse(t, b, size);
}

void
riff_read(struct tags *t, int fd)
{
	unsigned char b[CHUNK_HEADER + 16];
	off_t at = RIFF_HEADER;
	uint64_t size, samples = 0;
	ssize_t n;

	for (int i = 0; i < TAGS_BOXES_MAX; i++) {
		n = pread(fd, b, sizeof(b), at);
		if (n < CHUNK_HEADER)
			return;
		size = bytes_little(b + 4, 4);
		if (memcmp(b, "ds64", 4) == 0 && n == (ssize_t)sizeof(b))
			samples = bytes_little(b + CHUNK_HEADER + 8, 8);
		if (memcmp(b, "data", 4) == 0 && size == SIZE_ELSEWHERE)
			size = samples;
		if (size > INT64_MAX - (uint64_t)at - CHUNK_HEADER - 1)
			return;
		take_chunk(t, fd, (const char *)b, at + CHUNK_HEADER, size);
		at += CHUNK_HEADER + (off_t)(size + (size & 1));
	}
}
