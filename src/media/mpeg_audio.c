#include "media/mpeg_audio.h"

#include <string.h>

#include "core/banned.h"

#define HEADER 7 /* bytes of the longer one of both headers, ADTS */

static size_t
layer_length(const unsigned char *b)
{
	/* kbit/s: version 1 layers I, II, III; versions 2 and 2.5 layers I, II and III */
	static const short rates[5][15] = {
		{ 0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448 },
		{ 0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384 },
		{ 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320 },
		{ 0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256 },
		{ 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160 },
	};
	static const int samples[] = { 44100, 48000, 32000 };
	int version = b[1] >> 3 & 3, layer = 4 - (b[1] >> 1 & 3), padding = b[2] >> 1 & 1;
	int row = version == 3 ? layer - 1 : layer == 1 ? 3 : 4;
	int rate = rates[row][b[2] >> 4] * 1000;
	int hz = samples[b[2] >> 2 & 3] >> (version == 3 ? 0 : version == 2 ? 1 : 2);

	if (layer == 1)
		return (size_t)((12 * rate / hz + padding) * 4);
	return (size_t)((layer == 3 && version != 3 ? 72 : 144) * rate / hz + padding);
}

enum mpeg_audio
mpeg_audio_frame(const unsigned char *b, size_t size, size_t *length)
{
	if (length != NULL)
		*length = 0;
	if (size < HEADER || b[0] != 0xff || (b[1] & 0xe0) != 0xe0)
		return MPEG_AUDIO_NONE;
	if ((b[1] & 0xf6) == 0xf0) {
		if (length != NULL)
			*length = (size_t)(b[3] & 3) << 11 | (size_t)b[4] << 3 | b[5] >> 5;
		return MPEG_AUDIO_ADTS;
	}
	/* no such version, layer, bit rate, sampling frequency */
	if ((b[1] & 0x18) == 0x08 || (b[1] & 0x06) == 0 || (b[2] & 0xf0) == 0xf0 ||
	    (b[2] & 0x0c) == 0x0c)
		return MPEG_AUDIO_NONE;
	if (length != NULL && (b[2] & 0xf0) != 0)
		*length = layer_length(b);
	return MPEG_AUDIO_LAYER;
}

/* What the frames of a stream have in common: version, layer, sampling frequency. */
static unsigned
common(const unsigned char *b)
{
	return (unsigned)(b[1] & 0xfe) << 8 | (b[2] & 0x0c);
}

static enum mpeg_audio
chain(const unsigned char *b, size_t size)
{
	enum mpeg_audio kind = mpeg_audio_frame(b, size, NULL);
	unsigned same = kind != MPEG_AUDIO_NONE ? common(b) : 0;
	size_t at = 0, length;

	for (int i = 0; i < MPEG_AUDIO_CHAIN; i++, at += length)
		if (at > size || mpeg_audio_frame(b + at, size - at, &length) != kind ||
		    length < HEADER || (kind == MPEG_AUDIO_LAYER && common(b + at) != same))
			return MPEG_AUDIO_NONE;
	return kind;
}

enum mpeg_audio
mpeg_audio_find(const unsigned char *b, size_t size)
{
	const unsigned char *p = b, *end = b + size;
	enum mpeg_audio kind;

	while (p < end && (p = memchr(p, 0xff, (size_t)(end - p))) != NULL) {
		if ((kind = chain(p, (size_t)(end - p))) != MPEG_AUDIO_NONE)
			return kind;
		p++;
	}
	return MPEG_AUDIO_NONE;
}
