/*
 * The CRCs that S3 clients send with a body: CRC-32, CRC-32C, CRC-64/NVME; reflected, with all ones
 * as initial value and final XOR.
 */
#ifndef MN_OBJECTSTORE_OBJECTS_CRC_H
#define MN_OBJECTSTORE_OBJECTS_CRC_H

#include <stddef.h>
#include <stdint.h>

struct crc_kind {
	const char *header;  /* "x-amz-checksum-crc32" */
	unsigned bytes;      /* of the value */
	uint64_t polynomial; /* reflected */
};

extern const struct crc_kind crc_kinds[]; /* ends with a NULL header */

const struct crc_kind *crc_find(const char *header); /* NULL: unknown header */
/* Start with state 0; the state after the last piece is the value. */
uint64_t crc_update(const struct crc_kind *, uint64_t state, const void *, size_t);

#endif
