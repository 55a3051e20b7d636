#include <stdint.h>
#include <string.h>

#include "media/bytes.h"
#include "media/webp.h"

#include "core/banned.h"

#define HEADER 12           /* "RIFF", size, "WEBP" */
#define CHUNK_HEADER 8      /* type, size */
#define FLAGS_METADATA 0x2c /* of VP8X: ICC profile, EXIF, XMP */

static bool
is_metadata(const unsigned char *chunk)
{
	return memcmp(chunk, "EXIF", 4) == 0 || memcmp(chunk, "XMP ", 4) == 0 ||
	    memcmp(chunk, "ICCP", 4) == 0;
}

size_t
webp_strip(unsigned char *b, size_t size)
{
	size_t from = HEADER, to = HEADER, n;

	if (size < HEADER || memcmp(b, "RIFF", 4) != 0 || memcmp(b + 8, "WEBP", 4) != 0)
		return 0;
	while (from + CHUNK_HEADER <= size) {
		n = CHUNK_HEADER + (size_t)bytes_little(b + from + 4, 4);
		n += n & 1;
		if (n > size - from)
			return 0;
		if (!is_metadata(b + from)) {
			memmove(b + to, b + from, n);
			if (memcmp(b + to, "VP8X", 4) == 0 && n > CHUNK_HEADER)
				b[to + CHUNK_HEADER] &= (unsigned char)~FLAGS_METADATA;
			to += n;
		}
		from += n;
	}
	n = to - CHUNK_HEADER;
	b[4] = (unsigned char)n;
	b[5] = (unsigned char)(n >> 8);
	b[6] = (unsigned char)(n >> 16);
	b[7] = (unsigned char)(n >> 24);
	return to;
}
