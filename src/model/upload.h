/* An upload, from its announcement on. */
#ifndef MN_MODEL_UPLOAD_H
#define MN_MODEL_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct upload {
	const char *id, *media_id, *user_id;
	const char *status;     /* pending, completing, completed, aborted, expired */
	const char *object_key; /* incoming/<id> */
	const char *content_type;
	const char *sha256;       /* as announced, hexadecimal, or NULL */
	const char *multipart_id; /* the store's id, or NULL */
	const char *path;         /* the folders that the file was picked with, or NULL */
	int64_t size, part_size;  /* bytes; part_size 0: not in parts */
	int64_t expires_at;       /* us; of an upload that has ended: of the last of its URLs */
	int64_t url_seconds;      /* life of each of its URLs */
	bool expired;             /* by the database's clock */
};

/* A part that the store has. */
struct upload_part_sent {
	int number;
	int64_t size;
	const char *etag; /* as the PUT returned it */
};

#endif
