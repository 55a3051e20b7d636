#include <string.h>

#include "media/jpeg.h"

#include "core/banned.h"

#define SOF0 0xc0
#define SOF3 0xc3
#define DHT 0xc4
#define JPG 0xc8
#define DAC 0xcc
#define SOF15 0xcf
#define RST0 0xd0
#define RST7 0xd7
#define SOI 0xd8
#define EOI 0xd9
#define SOS 0xda
#define APP1 0xe1

static bool
is_frame(unsigned marker)
{
	return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* Behind the compressed data at `at`: the next marker that is no part of them. */
static size_t
skip_scan(const unsigned char *b, size_t size, size_t at)
{
	const unsigned char *p;

	while ((p = memchr(b + at, 0xff, size - at)) != NULL) {
		at = (size_t)(p - b);
		if (at + 1 >= size)
			return size;
		if (b[at + 1] == 0xff)
			at++;
		else if (b[at + 1] == 0 || (b[at + 1] >= RST0 && b[at + 1] <= RST7))
			at += 2;
		else
			return at;
	}
	return size;
}

static void
take_segment(const unsigned char *b, size_t at, size_t n, unsigned marker, struct jpeg *j)
{
	if (is_frame(marker) && n >= 8 && j->width == 0) {
		j->height = b[at + 3] << 8 | b[at + 4];
		j->width = b[at + 5] << 8 | b[at + 6];
		j->lossless = marker == SOF3 || b[at + 2] != 8;
	} else if (marker == APP1 && n >= 8 && j->exif == NULL &&
	    memcmp(b + at + 2, "Exif\0\0", 6) == 0) {
		j->exif = b + at + 2;
		j->exif_size = n - 2;
	}
}

bool
jpeg_read(const unsigned char *b, size_t size, struct jpeg *j)
{
	size_t at = 2, n;

	memset(j, 0, sizeof(*j));
	if (size < 4 || b[0] != 0xff || b[1] != SOI)
		return false;
	j->end = size;
	while (at + 4 <= size && b[at] == 0xff) {
		unsigned marker = b[at + 1];

		if (marker == 0xff) { /* filling */
			at++;
			continue;
		}
		if (marker < SOF0 || (marker >= RST0 && marker <= SOI))
			break;
		if (marker == EOI) {
			j->end = at + 2;
			j->whole = true;
			break;
		}
		n = (size_t)b[at + 2] << 8 | b[at + 3];
		if (n < 2 || n > size - at - 2)
			break;
		take_segment(b, at + 2, n, marker, j);
		at += 2 + n;
		if (marker == SOS)
			at = skip_scan(b, size, at);
	}
	if (at + 2 == size && b[at] == 0xff && b[at + 1] == EOI)
		j->whole = true;
	return j->width > 0 && j->height > 0;
}
