#include <string.h>

#include "media/tiff.h"

#include "core/banned.h"

#define HEADER 8
#define ENTRY_SIZE 12

bool
tiff_open(const unsigned char *data, size_t size, struct tiff *t, size_t *first)
{
	static const char signatures[][5] = { "II*\0", "MM\0*", "IIRO", "IIRS", "MMOR", "IIU\0" };

	*t = (struct tiff) { data, size, false };
	for (size_t i = 0; size >= HEADER && i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		if (memcmp(data, signatures[i], 4) != 0)
			continue;
		t->big_endian = data[0] == 'M';
		*first = tiff_u32(t, 4);
		return true;
	}
	return false;
}

unsigned
tiff_u16(const struct tiff *t, size_t at)
{
	if (at > t->size || t->size - at < 2)
		return 0;
	return t->big_endian ? (unsigned)t->data[at] << 8 | t->data[at + 1] :
			       (unsigned)t->data[at + 1] << 8 | t->data[at];
}

uint32_t
tiff_u32(const struct tiff *t, size_t at)
{
	if (at > t->size || t->size - at < 4)
		return 0;
	return t->big_endian ? (uint32_t)tiff_u16(t, at) << 16 | tiff_u16(t, at + 2) :
			       (uint32_t)tiff_u16(t, at + 2) << 16 | tiff_u16(t, at);
}

/* 0 for a directory that is damaged. */
static size_t
entries(const struct tiff *t, size_t at)
{
	size_t n = tiff_u16(t, at);

	if (at == 0 || at > t->size || n > TIFF_ENTRIES_MAX || t->size - at < 2 + n * ENTRY_SIZE)
		return 0;
	return n;
}

bool
tiff_entry(const struct tiff *t, size_t directory, size_t i, struct tiff_entry *e)
{
	static const unsigned sizes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4 };
	size_t at = directory + 2 + i * ENTRY_SIZE;
	uint64_t bytes;

	if (directory > t->size || at + ENTRY_SIZE > t->size)
		return false;
	e->tag = tiff_u16(t, at);
	e->type = tiff_u16(t, at + 2);
	e->count = tiff_u32(t, at + 4);
	if (e->type == 0 || e->type >= sizeof(sizes) / sizeof(sizes[0]) || e->count == 0)
		return false;
	bytes = (uint64_t)sizes[e->type] * e->count;
	e->at = bytes <= 4 ? at + 8 : tiff_u32(t, at + 8);
	e->size = (size_t)bytes;
	return e->at <= t->size && bytes <= t->size - e->at;
}

bool
tiff_find(const struct tiff *t, size_t at, unsigned tag, struct tiff_entry *e)
{
	size_t n = entries(t, at);

	for (size_t i = 0; i < n; i++)
		if (tiff_u16(t, at + 2 + i * ENTRY_SIZE) == tag)
			return tiff_entry(t, at, i, e);
	return false;
}

uint32_t
tiff_number(const struct tiff *t, const struct tiff_entry *e, uint32_t i)
{
	if (i >= e->count)
		return 0;
	switch (e->type) {
	case TIFF_BYTE:
	case TIFF_UNDEFINED: return t->data[e->at + i];
	case TIFF_SHORT: return tiff_u16(t, e->at + 2 * (size_t)i);
	case TIFF_LONG:
	case TIFF_IFD: return tiff_u32(t, e->at + 4 * (size_t)i);
	default: return 0;
	}
}

uint32_t
tiff_get(const struct tiff *t, size_t at, unsigned tag, uint32_t fallback)
{
	struct tiff_entry e;

	return tiff_find(t, at, tag, &e) ? tiff_number(t, &e, 0) : fallback;
}

size_t
tiff_next(const struct tiff *t, size_t at)
{
	size_t n = entries(t, at);

	return n > 0 ? tiff_u32(t, at + 2 + n * ENTRY_SIZE) : 0;
}
