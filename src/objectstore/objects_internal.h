/* Blob files, shared by src/service/objects*.c only. */
#ifndef MN_OBJECTSTORE_OBJECTS_INTERNAL_H
#define MN_OBJECTSTORE_OBJECTS_INTERNAL_H

#include "objectstore/objects.h"

struct call;

#define BLOB_NAME 33 /* 32 hexadecimal digits with NUL */

/* Bytes of a file that go into a joined blob. */
struct blob_piece {
	const char *blob;
	int64_t first, size;
};

/* is it a file that nginx, or we, put into the spool? */
bool blob_spool_valid(const struct call *, const char *path);
void blob_name(char out[BLOB_NAME]);
/* Checks the spooled body against what was announced. */
bool blob_check(const struct call *, const struct object_body *, struct error *);
/*
 * Puts a checked body, or a second name of a blob, or joined pieces, durably under a new name; a
 * row may follow.
 */
bool blob_take(const struct call *, const struct object_body *, const char *blob, struct error *);
bool blob_link(const struct call *, const char *from, const char *blob, struct error *);
bool blob_join(const struct call *, const struct blob_piece *, size_t n, const char *blob,
    struct error *);
void blob_unlink(const struct call *, const char *blob);
/* forgotten files; answers how many went */
size_t blob_sweep_spool(const struct call *);

/* ETag of a body: its announced MD5, or an opaque one that says by "-1" that it is none. */
const char *object_etag(struct arena *, const struct object_body *);

/* The least string greater than every string that begins with `prefix`; never NULL. */
const char *object_key_successor(struct arena *, const char *prefix);

#endif
