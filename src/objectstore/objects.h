/*
 * The embedded object store: buckets and objects, with an index in PostgreSQL and blobs in files
 * with random names.
 *
 * Names chosen by clients never become paths. A blob is written, synced and linked before its row
 * appears, so that a crash never leaves half an object; a blob without a row is garbage and is
 * removed after an hour (objects_collect). PUT and DELETE are visible at once.
 *
 * Refusals carry S3's error code as slug (NoSuchKey, BadDigest, ...). Results belong to the arena.
 */
#ifndef MN_OBJECTSTORE_OBJECTS_H
#define MN_OBJECTSTORE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/sigv4.h" /* for handlers, which verify the signatures of requests */
#include "store/store_objects.h"

struct call;
struct arena;
struct crc_kind;
struct error;
struct services;

#define OBJECT_KEY_MAX 1024              /* bytes */
#define OBJECT_CLIENT_PREFIX "incoming/" /* and the id of an upload */
#define OBJECT_PUT_MAX (5LL << 30)       /* bytes of one PUT or part */
#define OBJECT_SIZE_MAX (5LL << 40)      /* bytes of an object */
#define OBJECT_LIST_MAX 1000
#define OBJECT_PARTS_MAX 10000
#define OBJECT_SPOOL_SECONDS 86400       /* age at which an unused spooled body is removed */
#define OBJECT_FREE_RESERVE (64LL << 20) /* bytes left free on the disk */

bool object_bucket_valid(const char *);
bool object_key_valid(const char *); /* 1..1024 bytes of UTF-8 */

/*
 * The absolute path of the objects directory, and a check for free space there: ERR_STORAGE_FULL
 * (InsufficientStorage) if `size` would not fit.
 */
const char *objects_dir(const struct services *, struct arena *);
/* Where nginx spools bodies: below the objects directory, so that a link makes a blob of them. */
const char *objects_spool(const struct services *, struct arena *);
bool objects_room(const struct services *, struct arena *, int64_t size, struct error *);
/* The blob's name below the objects directory: "ab/cd/abcd...". */
const char *object_blob_path(struct arena *, const char *blob);

#define OBJECT_CHECKSUM_MAX 64 /* bytes */

/* An announced x-amz-checksum-*; header NULL: none. */
struct object_checksum {
	const char *header;
	const char *digest;         /* name for digest_new(), or NULL */
	const struct crc_kind *crc; /* or NULL */
	size_t bytes;
	/* 0: of the bytes; else of the checksums of so many parts, a suffix "-N" in S3 */
	int64_t parts;
	unsigned char value[OBJECT_CHECKSUM_MAX];
};

/*
 * A body spooled by nginx, with the size and digests that the client announced. Digests that it did
 * not announce are NULL and are not computed.
 */
struct object_body {
	const char *spool;           /* path, or NULL for an empty body */
	int64_t size;                /* announced */
	const unsigned char *md5;    /* 16 bytes */
	const unsigned char *sha256; /* 32 bytes; x-amz-content-sha256 */
	struct object_checksum checksum;
	/*
	 * id of the upload (sql: uploads) whose presigned URL brought the body: it is refused once
	 * that upload has ended; NULL: no upload's
	 */
	const char *upload;
};

/* Does a header of this name (lower case) hold a checksum? */
bool object_checksum_named(const char *name);
/*
 * Stores the checksum of such a header; ignores other headers. InvalidDigest when it is malformed,
 * InvalidRequest when its algorithm is unknown or there is a checksum already.
 */
bool object_checksum_add(struct arena *, struct object_checksum *, const char *name,
    const char *value, struct error *);

/* Verifies the chunks of a body; functions are NULL if the chunks are not signed. */
struct chunk_judge {
	void *context;
	bool (*chunk)(void *context, const char *signature, const unsigned char sum[32]);
	bool (*trailer)(void *context, const char *signature, const char *text, size_t len);
};
/*
 * Decodes a body in chunks (aws-chunked) of `size` decoded bytes; the result replaces the spooled
 * file in `body` and is removed with the arena.
 */
bool objects_unchunk(const struct call *, const struct chunk_judge *, int64_t size,
    struct object_body *, struct error *);

struct object_put {
	const char *bucket, *key, *content_type, *headers;
	struct object_body body;
	bool only_new;        /* If-None-Match: * */
	const char *if_match; /* ETag, or NULL */
};

/*
 * Refuses a client whose upload (sql: uploads) has ended, or takes the file otherwise: part_of is
 * the store's id of an upload in parts, NULL for a whole file.
 */
bool objects_client_check(const struct call *, const char *client, const char *part_of,
    struct error *);

/* A small body as text, checked against its digests; more than max bytes = EntityTooLarge. */
bool objects_body_text(const struct call *, const struct object_body *, size_t max,
    const char **text, struct error *);

bool objects_bucket_create(const struct call *, const char *bucket, struct error *);
bool objects_bucket_require(const struct call *, const char *bucket, struct error *);
bool objects_bucket_delete(const struct call *, const char *bucket, struct error *);
bool objects_buckets(const struct call *, struct bucket_row **, size_t *n, struct error *);

bool objects_put(const struct call *, const struct object_put *, struct object_row *out,
    struct error *);
bool objects_find(const struct call *, struct object_name, struct object_row *, struct error *);
/* InvalidPartNumber if the object does not have it; one that has no parts is its own first. */
bool objects_find_part(const struct call *, struct object_name, int number, struct object_row *,
    struct object_part_place *, struct error *);
bool objects_delete(const struct call *, const char *bucket, struct strings keys, struct error *);
/*
 * The new row shares the bytes (a hard link). The caller has checked the conditions on the source.
 */
bool objects_copy(const struct call *, const struct object_row *source,
    const struct object_put *target, struct object_row *out, struct error *);

/* Maps a part of a blob into memory, for the few responses that nginx cannot send. */
bool objects_map(const struct call *, const char *blob, int64_t first, int64_t size,
    const char **bytes, struct error *);

struct object_list_query {
	const char *bucket, *prefix, *delimiter; /* "" = none */
	/* key or rolled-up prefix after which to continue; "" = from the start */
	const char *after;
	int max; /* 0..OBJECT_LIST_MAX */
};
/* prefix not NULL: rolled up */
struct object_list_item {
	const char *prefix;
	struct object_row row;
};
struct object_list {
	struct object_list_item *items;
	size_t n;
	bool truncated;
	const char *next; /* for `after` */
};
bool objects_list(const struct call *, const struct object_list_query *, struct object_list *,
    struct error *);

/* Ignores the body and the conditions of `put`. */
bool objects_upload_create(const struct call *, const struct object_put *, const char **id,
    struct error *);
bool objects_upload_find(const struct call *, const struct object_upload_name *,
    struct upload_row *, struct error *);
bool objects_upload_abort(const struct call *, const struct object_upload_name *, struct error *);

struct object_uploads_query {
	const char *bucket, *prefix;        /* "" = none */
	const char *key_marker, *id_marker; /* "" = from the start */
	int max;
};
struct object_uploads {
	struct upload_row *items;
	size_t n;
	bool truncated;
};
bool objects_uploads_list(const struct call *, const struct object_uploads_query *,
    struct object_uploads *, struct error *);

bool objects_part_put(const struct call *, const struct object_upload_name *, int number,
    const struct object_body *, struct part_row *out, struct error *);
/* Bytes [first, first + size) of an object. */
struct object_slice {
	const struct object_row *source;
	int64_t first, size;
};
bool objects_part_copy(const struct call *, const struct object_upload_name *, int number,
    const struct object_slice *, struct part_row *out, struct error *);
struct object_parts {
	struct part_row *items;
	size_t n;
	bool truncated;
};
bool objects_parts_list(const struct call *, const struct part_range *, struct object_parts *,
    struct error *);

struct object_part_claim {
	int number;
	const char *etag;
};
struct object_part_claims {
	const struct object_part_claim *items;
	size_t n;
	struct object_checksum checksum; /* of the object */
};
bool objects_upload_complete(const struct call *, const struct object_upload_name *,
    const struct object_part_claims *, struct object_row *out, struct error *);

/*
 * Removes old garbage, abandoned uploads and unused spool files; does a limited amount of work and
 * can be repeated.
 */
bool objects_collect(const struct call *, size_t *removed, struct error *);

#endif
