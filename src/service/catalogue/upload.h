/*
 * Uploads: the client sends the file straight to the object store under incoming/<uploadId>, the
 * only key that it can ever write. (A presigned URL stays valid after complete, so people see the
 * worker's copy under another key.) The item is `pending` meanwhile; complete hands it to the
 * worker.
 *
 * States move by compare-and-set: pending -> completing -> completed, pending -> aborted, and
 * pending or completing -> expired (the worker). Complete may be repeated at any point: the second
 * call returns the same item.
 */
#ifndef MN_SERVICE_CATALOGUE_UPLOAD_H
#define MN_SERVICE_CATALOGUE_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "service/catalogue/media.h"
#include "model/upload.h"

struct call;

#define UPLOAD_BATCH_MAX 100
#define UPLOAD_FILENAME_MAX 255            /* code points */
#define UPLOAD_PATH_MAX 1024               /* code points */
#define UPLOAD_MULTIPART_FROM (64LL << 20) /* bytes: larger files may be sent in parts */
/*
 * Bytes of a part: what a client may wish for, as S3 has it; from ..._SIZE on what is chosen
 * otherwise, doubled while there would be more than UPLOAD_PARTS_GOOD, but proxies cap bodies, so
 * above ..._PROXY only where S3 would count too many parts.
 */
#define UPLOAD_PART_MIN (5LL << 20)
#define UPLOAD_PART_SIZE (16LL << 20)
#define UPLOAD_PART_PROXY (64LL << 20)
#define UPLOAD_PART_MAX (5LL << 30)
#define UPLOAD_PART_ROUND (1LL << 20)
#define UPLOAD_PARTS_GOOD 512
#define UPLOAD_PARTS_MAX 10000        /* of one upload */
#define UPLOAD_URLS_MAX 512           /* of parts, signed by one request */
#define UPLOAD_SINGLE_MAX (5LL << 30) /* bytes: the limit of S3 for one PUT */

struct upload_ask {
	const char *filename, *type;
	int64_t size;
	const char *sha256;     /* hexadecimal, lower case, or NULL */
	const char *title;      /* NULL: from the file name */
	const char *visibility; /* NULL: private */
	int64_t modified_at;    /* of the file, us; 0: unknown */
	const char *path;       /* the folders that the file was picked with, or NULL */
	int64_t part_size;      /* bytes, as the client wishes; 0: as the server sees fit */
	bool allow_duplicate;   /* a second copy of the same bytes is wanted */
};

struct upload_part_url {
	int number;
	const char *url;
};

/* Everything that a client needs to send the file. */
struct upload_offer {
	/* id of the item that already has these bytes; then only in_trash is set as well */
	const char *duplicate_of;
	bool in_trash; /* it lies in the trash, and can be restored */
	bool joined;   /* the upload is an earlier one that takes the same bytes */
	struct upload upload;
	int64_t urls_expire_at; /* us; 0: none were signed */
	/*
	 * of a PUT of the whole file; NULL above UPLOAD_SINGLE_MAX, once the upload is sent in
	 * parts, and once it is no longer pending
	 */
	const char *upload_url;
	const char *checksum; /* value of x-amz-checksum-sha256, or NULL */
	int part_count;       /* how many parts the file may be sent in; 0: only as a whole */
};

struct upload_etag {
	int number;
	const char *etag;
};
struct upload_etags {
	const struct upload_etag *items;
	size_t n; /* 0: sent as a whole */
};

bool upload_initiate(const struct call *, const struct upload_ask *, struct upload_offer *,
    struct error *);
/* Signs the URLs again while the upload is pending. */
bool upload_get(const struct call *, const char *id, struct upload_offer *, struct error *);
/*
 * Signs the URLs of the parts with these numbers. From the first call on the file comes in parts:
 * its URL as a whole is void.
 */
bool upload_parts(const struct call *, const char *id, struct upload_part_url *, size_t n,
    struct error *);
/* How many parts the file may be sent in; 0: only as a whole. */
int upload_part_count(const struct upload *);
/* The parts that have arrived, in order; none once the upload is no longer pending. */
bool upload_sent(const struct call *, const struct upload *, struct upload_part_sent **, size_t *n,
    struct error *);
/*
 * Without etags, of a file that came in parts: joins what the store has. ERR_CONFLICT:
 * upload_missing, size_mismatch, parts_rejected, upload_aborted, upload_expired.
 */
bool upload_complete(const struct call *, const char *id, const struct upload_etags *,
    struct media *, struct error *);
/* Aborting an aborted upload is a success; ERR_CONFLICT once it is being completed. */
bool upload_abort(const struct call *, const char *id, struct error *);

#endif
