/* Blob files, for src/objectstore/objects*.c only. */
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

/* was the file put into the spool by nginx or by us? */
bool blob_spool_valid(const struct call *, const char *path);
/*
 * The name for a new blob, which is announced: should this process or the machine stop now, the
 * file will be collected. A process announces names in batches, which grow while it needs many, and
 * the names of a batch share a directory: a busy process neither waits for a commit nor makes a
 * directory for each blob. blob_unannounced() sets the error for a name that turns out not to be:
 * the database's clock has jumped, and it was collected with the rest of its batch.
 */
bool blob_name(const struct call *, char out[BLOB_NAME], struct error *);
bool blob_unannounced(const char *blob, struct error *);
/* Compares the spooled body with the announced size and digests. */
bool blob_check(const struct call *, const struct object_body *, struct error *);
/*
 * Makes a new durable blob from a checked body, a second link to a blob, or joined pieces; its row
 * may then be stored.
 */
bool blob_take(const struct call *, const struct object_body *, const char *blob, struct error *);
bool blob_link(const struct call *, const char *from, const char *blob, struct error *);
bool blob_join(const struct call *, const struct blob_piece *, size_t n, const char *blob,
    struct error *);
/* Compares a joined blob with the checksum that the client announces for the object, if any. */
bool blob_check_object(const struct call *, const char *blob, const struct object_checksum *,
    const struct blob_piece *, size_t n, struct error *);
void blob_unlink(const struct call *, const char *blob);
/* removes unused files; returns their number */
size_t blob_sweep_spool(const struct call *);

/*
 * What clients of the API write lies under OBJECT_CLIENT_PREFIX. Nobody reads it once it was
 * replaced or deleted (sql/0009), so its bytes leave the disk at once, up to a number of blobs.
 */
bool object_client_key(const char *key);
void object_collect_now(const struct call *, const char *key);

/*
 * The ETag of a body: its announced MD5, or a random one that ends in "-1" because it is not an
 * MD5.
 */
const char *object_etag(struct arena *, const struct object_body *);

/* The smallest string greater than every string that starts with `prefix`; never NULL. */
const char *object_key_successor(struct arena *, const char *prefix);

#endif
