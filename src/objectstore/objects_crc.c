#include "objectstore/objects_crc.h"

#include <stdbool.h>
#include <string.h>

#include "core/banned.h"

const struct crc_kind crc_kinds[] = {
	{ "x-amz-checksum-crc32", 4, 0xedb88320 },
	{ "x-amz-checksum-crc32c", 4, 0x82f63b78 },
	{ "x-amz-checksum-crc64nvme", 8, 0x9a6c9329ac4bc9b5 },
	{ .header = NULL },
};

static uint64_t tables[sizeof(crc_kinds) / sizeof(*crc_kinds) - 1][256];

static const uint64_t *
table_of(const struct crc_kind *kind)
{
	uint64_t *table = tables[kind - crc_kinds];

	if (table[1] != 0)
		return table;
	for (unsigned i = 0; i < 256; i++) {
		uint64_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? kind->polynomial : 0);
		table[i] = value;
	}
	return table;
}

const struct crc_kind *
crc_find(const char *header)
{
	for (const struct crc_kind *kind = crc_kinds; kind->header != NULL; kind++)
		if (strcmp(kind->header, header) == 0)
			return kind;
	return NULL;
}

uint64_t
crc_update(const struct crc_kind *kind, uint64_t state, const void *data, size_t len)
{
	const uint64_t *table = table_of(kind), ones = kind->bytes == 8 ? UINT64_MAX : UINT32_MAX;
	const unsigned char *p = data;

	state ^= ones;
	while (len-- > 0)
		state = state >> 8 ^ table[(state ^ *p++) & 0xff];
	return state ^ ones;
}
