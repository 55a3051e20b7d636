/*
 * The checksums that S3 clients announce for a body or an object: x-amz-checksum-sha1, -sha256 and
 * the CRCs of objects_crc.h. For src/objectstore/objects*.c only.
 */
#ifndef MN_OBJECTSTORE_OBJECTS_CHECKSUM_H
#define MN_OBJECTSTORE_OBJECTS_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "objectstore/objects.h"

struct digest;

/* A checksum that is being computed. */
struct checksum_run {
	const struct object_checksum *claim;
	struct digest *digest;
	uint64_t crc;
};

void checksum_start(struct checksum_run *, const struct object_checksum *);
void checksum_update(struct checksum_run *, const void *, size_t);
/* Frees what checksum_start() took; writes claim->bytes bytes. */
void checksum_finish(struct checksum_run *, unsigned char out[OBJECT_CHECKSUM_MAX]);

/* Compares an open file with all digests that the body announces. fd -1: an empty body. */
bool checksum_body(int fd, const struct object_body *, struct error *);
/*
 * Compares the object made of these pieces, one after the other, with the checksum that the client
 * announces: that of all bytes, or that of the pieces' checksums.
 */
struct blob_piece;
bool checksum_object(int fd, const struct object_checksum *, const struct blob_piece *, size_t n,
    struct error *);

#endif
