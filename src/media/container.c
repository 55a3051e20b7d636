#include <string.h>

#include "media/box.h"
#include "media/bytes.h"
#include "media/container.h"
#include "media/tiff.h"

#include "core/banned.h"

#define PNG_SIGNATURE 8
#define PNG_CHUNK 8 /* length, type; behind the data a checksum */
#define PNG_CHECKSUM 4
#define RIFF_HEADER 8
#define FULL_BOX 4 /* version and flags */
#define CICP_SIZE 4
#define NCLX_SIZE 10 /* "nclx", primaries, transfer, matrix; then the range */

const unsigned char *
png_chunk(const unsigned char *b, size_t size, const char *type, size_t *n)
{
	size_t at = PNG_SIGNATURE, len;

	while (at <= size && size - at >= PNG_CHUNK) {
		len = bytes_big(b + at, 4);
		if (len > size - at - PNG_CHUNK || memcmp(b + at + 4, "IEND", 4) == 0)
			return NULL;
		if (memcmp(b + at + 4, type, 4) == 0) {
			*n = len;
			return b + at + PNG_CHUNK;
		}
		at += PNG_CHUNK + len + PNG_CHECKSUM;
	}
	return NULL;
}

bool
png_tone(const unsigned char *b, size_t size, struct tone *t)
{
	size_t n = 0;
	const unsigned char *c = png_chunk(b, size, "cICP", &n);

	if (c == NULL || n < CICP_SIZE)
		return false;
	*t = (struct tone) { c[0], c[1] };
	return true;
}

/* Is the property (from 1) one of the item's, by an ipma box? */
static bool
associated(const struct box *ipma, unsigned item, unsigned property)
{
	const unsigned char *p = ipma->data, *end = p + ipma->size;
	bool wide = ipma->size > FULL_BOX && (p[3] & 1) != 0;
	size_t id = ipma->size > 0 && p[0] >= 1 ? 4 : 2;
	uint32_t entries;

	if (ipma->size < FULL_BOX + 4)
		return false;
	entries = bytes_big(p + FULL_BOX, 4);
	for (p += FULL_BOX + 4; entries > 0 && (size_t)(end - p) > id; entries--) {
		bool ours = (id == 4 ? bytes_big(p, 4) : bytes_big(p, 2)) == item;
		unsigned n = p[id];

		for (p += id + 1; n > 0 && end - p >= (wide ? 2 : 1); n--, p += wide ? 2 : 1)
			if (ours && (wide ? bytes_big(p, 2) & 0x7fff : *p & 0x7fu) == property)
				return true;
	}
	return false;
}

bool
heif_tone(const unsigned char *b, size_t size, struct tone *t)
{
	struct box meta, pitm, iprp, ipco, ipma, property;
	unsigned item, number = 1;

	if (!box_find(b, size, "meta", &meta) || meta.size < FULL_BOX)
		return false;
	meta.data += FULL_BOX;
	meta.size -= FULL_BOX;
	if (!box_find(meta.data, meta.size, "pitm", &pitm) || pitm.size < FULL_BOX + 2 ||
	    !box_find(meta.data, meta.size, "iprp", &iprp) ||
	    !box_find(iprp.data, iprp.size, "ipco", &ipco) ||
	    !box_find(iprp.data, iprp.size, "ipma", &ipma))
		return false;
	item = pitm.data[0] == 0      ? bytes_big(pitm.data + FULL_BOX, 2) :
	    pitm.size >= FULL_BOX + 4 ? bytes_big(pitm.data + FULL_BOX, 4) :
					0;
	for (size_t at = 0; box_read(ipco.data + at, ipco.size - at, &property);
	    at += property.whole, number++) {
		if (memcmp(property.type, "colr", 4) != 0 || property.size < NCLX_SIZE ||
		    memcmp(property.data, "nclx", 4) != 0 || !associated(&ipma, item, number))
			continue;
		*t = (struct tone) { (int)bytes_big(property.data + 4, 2),
			(int)bytes_big(property.data + 6, 2) };
		return true;
	}
	return false;
}

static bool
png_is_cut(const unsigned char *b, size_t size)
{
	size_t at = PNG_SIGNATURE, len;

	while (size - at >= PNG_CHUNK) {
		len = bytes_big(b + at, 4);
		if (memcmp(b + at + 4, "IEND", 4) == 0)
			return false;
		if (size - at - PNG_CHUNK < len + PNG_CHECKSUM)
			return true;
		at += PNG_CHUNK + len + PNG_CHECKSUM;
	}
	return true;
}

bool
container_is_cut(const unsigned char *b, size_t size)
{
	struct tiff t;
	size_t first;

	if (size > PNG_SIGNATURE && memcmp(b, "\x89PNG", 4) == 0)
		return png_is_cut(b, size);
	if (size > RIFF_HEADER && memcmp(b, "RIFF", 4) == 0)
		return ((size_t)b[4] | (size_t)b[5] << 8 | (size_t)b[6] << 16 |
			   (size_t)b[7] << 24) > size - RIFF_HEADER;
	return tiff_open(b, size, &t, &first) && first >= size;
}
