/*
 * Uploads: the client PUTs straight to the object store under incoming/<uploadId>, the only key
 * that it can ever write (a presigned URL stays valid after complete, so what is shown is the
 * worker's copy under another key); the item lives as `pending` meanwhile and is handed to the
 * worker by complete.
 *
 * States move by compare-and-set: pending -> completing -> completed, pending -> aborted, and
 * pending or completing -> expired (the worker). Completing may be repeated at any point: the
 * second call answers the same item.
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
#define UPLOAD_MULTIPART_FROM (64LL << 20) /* bytes: parts are offered from here on */
/* at least; a power of two times this for large files */
#define UPLOAD_PART_SIZE (16LL << 20)
#define UPLOAD_PARTS_MAX 512          /* of one upload */
#define UPLOAD_SINGLE_MAX (5LL << 30) /* bytes: what S3 takes in one PUT */

struct upload_ask {
	const char *filename, *type;
	int64_t size;
	const char *sha256;     /* hexadecimal, lower case, or NULL */
	const char *title;      /* NULL: from the file name */
	const char *visibility; /* NULL: private */
};

struct upload_part_url {
	int number;
	const char *url;
};

/* What a client needs to go on. */
struct upload_offer {
	/* id of the item that has these bytes already: nothing else is set then */
	const char *duplicate_of;
	struct upload upload;
	/*
	 * of a PUT in one piece; NULL above UPLOAD_SINGLE_MAX and once it is not pending any more
	 */
	const char *upload_url;
	const char *checksum; /* value of x-amz-checksum-sha256, or NULL */
	struct upload_part_url *parts;
	size_t nparts; /* 0: one piece */
};

struct upload_etag {
	int number;
	const char *etag;
};
struct upload_etags {
	const struct upload_etag *items;
	size_t n; /* 0: sent in one piece */
};

bool upload_initiate(const struct call *, const struct upload_ask *, struct upload_offer *,
    struct error *);
/* Signs anew while it is pending. */
bool upload_get(const struct call *, const char *id, struct upload_offer *, struct error *);
bool upload_parts(const struct call *, const char *id, const int *numbers, size_t n,
    struct upload_part_url **, struct error *);
/* ERR_CONFLICT: upload_missing, size_mismatch, parts_rejected, upload_aborted, upload_expired. */
bool upload_complete(const struct call *, const char *id, const struct upload_etags *,
    struct media *, struct error *);
/* Aborting what is aborted already is fine; ERR_CONFLICT once it is being completed. */
bool upload_abort(const struct call *, const char *id, struct error *);

#endif
