/*
 * S3 client: signs requests (SigV4, sigv4.h) to the endpoint for the server, and presigns URLs for
 * the endpoint for clients.
 *
 * Requests go through libcurl with a deadline each; objects are read from and written to files.
 * Failures: unreachable or 5xx = ERR_UNAVAILABLE (slug storage_unavailable), 404 = ERR_NOT_FOUND,
 * 412 = ERR_PRECONDITION, 507 = ERR_STORAGE_FULL, else ERR_UPSTREAM. Keys have no leading slash.
 */
#ifndef MN_STORE_S3_H
#define MN_STORE_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/str.h"

struct arena;
struct config;
struct error;
struct s3;
struct upload_part_sent;

#define S3_CONNECT_MS 2000
#define S3_REQUEST_MS 10000 /* requests without an object */
#define S3_STALL_SECONDS 30 /* a transfer slower than S3_STALL_BYTES/s for this long fails */
#define S3_STALL_BYTES 1024
/* GET URLs are signed at multiples of this, so that they stay the same and browsers can cache */
#define S3_URL_BUCKET_SECONDS 300
#define S3_URL_LIFE_SECONDS 900
#define S3_OBJECT_MAX (5LL << 40) /* bytes */
#define S3_PARTS_MAX 10000
#define S3_PART_MIN (5LL << 20) /* bytes */
#define S3_UPLOADS_PAGE 1000

/*
 * Reads endpoint, region, bucket and style from the settings, and the credentials from the settings
 * or from the keys directory.
 */
struct s3 *s3_new(const struct config *, struct error *);
void s3_free(struct s3 *);
void s3_set_timeout(struct s3 *, int request_ms); /* for API pools: shorter */

struct s3_object {
	int64_t size;
	char etag[128];
	char content_type[128];
	int64_t modified; /* us */
};

/*
 * Local computation only. response-content-type and -disposition may be NULL. `now` is rounded down
 * to the bucket.
 */
const char *s3_presign_get(struct s3 *, struct arena *, const char *key, int64_t now,
    const char *content_type, const char *disposition);

/*
 * The same for HEAD, which the signature of a GET does not cover, of a URL that s3_presign_get()
 * has made for `now`.
 */
const char *s3_presign_head(struct s3 *, struct arena *, const char *get_url, int64_t now);
/* What a presigned PUT may write: an object, or one part of an upload. */
struct s3_put_terms {
	int64_t now; /* us */
	int life_seconds;
	int64_t size;                /* signed as Content-Length */
	const char *content_type;    /* signed, or NULL */
	const unsigned char *sha256; /* signed as x-amz-checksum-sha256 (base64), or NULL */
	const char *upload_id;       /* of a part; NULL: an object */
	int number;                  /* of the part */
};
const char *s3_presign_put(struct s3 *, struct arena *, const char *key,
    const struct s3_put_terms *);

struct s3_range {
	const char *prefix, *after;
	int max;
};

bool s3_head(struct s3 *, const char *key, struct s3_object *, struct error *);
/*
 * Writes the object to fd from its start; more than max bytes = ERR_TOO_LARGE. `out` may be NULL.
 */
bool s3_get_fd(struct s3 *, const char *key, int fd, int64_t max, struct s3_object *out,
    struct error *);
bool s3_put_fd(struct s3 *, const char *key, int fd, int64_t size, const char *content_type,
    struct error *);
/* Server-side copy; if_match = ETag of the source or NULL. Copies objects above 5 GiB in parts. */
bool s3_copy(struct s3 *, const char *from, const char *to, const char *if_match,
    const char *content_type, struct error *);
bool s3_delete(struct s3 *, const char *key, struct error *); /* succeeds if the object is absent */
bool s3_delete_many(struct s3 *, const char *const *keys, size_t n, struct error *);

bool s3_multipart_create(struct s3 *, struct arena *, const char *key, const char *content_type,
    const char **upload_id, struct error *);
struct s3_part {
	int number;
	const char *etag;
};
bool s3_multipart_complete(struct s3 *, const char *key, const char *upload_id,
    const struct s3_part *, size_t n, struct error *);
/* The parts that have arrived, in order; S3_PARTS_MAX at most. */
bool s3_multipart_parts(struct s3 *, struct arena *, const char *key, const char *upload_id,
    struct upload_part_sent **, size_t *n, struct error *);
bool s3_multipart_abort(struct s3 *, const char *key, const char *upload_id, struct error *);

/* Piece by piece through memory (s3_stream.c). */
struct s3_piece {
	char *data;
	size_t max;    /* how much to read */
	size_t size;   /* out: how much came; less only at the end of the object */
	int64_t whole; /* out: size of the object */
};
bool s3_get_piece(struct s3 *, const char *key, int64_t from, struct s3_piece *, struct error *);
struct s3_part_put {
	const char *key, *upload_id;
	int number; /* 1..S3_PARTS_MAX; all parts but the last have at least S3_PART_MIN bytes */
	const char *data; /* or NULL: from this file, which is not read into memory */
	int fd;
	int64_t from; /* where the part begins in it */
	size_t size;
};
bool s3_put_part(struct s3 *, struct arena *, const struct s3_part_put *, const char **etag,
    struct error *);
/*
 * Uploads in parts under a prefix that were neither completed nor aborted: those behind the last of
 * *list, S3_UPLOADS_PAGE at most. None: that was all.
 */
struct s3_uploads {
	struct strings keys, ids;
};
bool s3_multipart_list(struct s3 *, struct arena *, const char *prefix, struct s3_uploads *list,
    struct error *);
/* Aborts all of them. Some stores (MinIO) list them only by the whole key. */
bool s3_multipart_abort_all(struct s3 *, struct arena *, const char *prefix, struct error *);

/* For health and doctor: a signed HEAD of the bucket; creates nothing. */
bool s3_probe(struct s3 *, struct error *);
/* The same for the operator: refused means that key, signature or clock are wrong. */
enum s3_state { S3_WORKS, S3_NO_BUCKET, S3_REFUSES, S3_SILENT };
enum s3_state s3_look(struct s3 *, struct error *);
bool s3_bucket_create(struct s3 *, struct error *); /* succeeds if the bucket is already ours */
/* Lists keys under a prefix, for garbage collection: at most `max` after `after` (or NULL). */
bool s3_list(struct s3 *, struct arena *, const struct s3_range *, struct strings *keys,
    struct error *);

#endif
