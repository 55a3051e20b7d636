/*
 * Index of the embedded object store: buckets, objects, uploads in parts, and garbage blobs.
 *
 * A blob's life: its name is announced as garbage before its file exists; publishing takes it out
 * of the garbage and into a row in one statement; when the row is deleted or changed, a trigger
 * makes the blob garbage again. So a blob always has a row or is collected, whenever a process is
 * killed.
 *
 * A missing row is not an error: functions return true and report it in their results. Everything
 * allocated belongs to the arena.
 */
#ifndef MN_STORE_STORE_OBJECTS_H
#define MN_STORE_STORE_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "store/pg.h"

struct arena;
struct error;

#define OBJECT_GARBAGE_SECONDS 3600 /* a reader may still be sending the blob */
#define OBJECT_UPLOAD_DAYS 7        /* an upload in parts that nobody completes */

struct object_row {
	const char *key, *blob, *etag, *content_type;
	const char *headers; /* JSON object: further response headers */
	int64_t size, created_at;
};

struct object_name {
	const char *bucket, *key;
};
struct object_upload_name {
	struct object_name object;
	const char *id;
};

struct bucket_row {
	const char *name;
	int64_t created_at;
};
struct upload_row {
	const char *id, *key, *content_type, *headers;
	int64_t created_at;
};
struct part_row {
	int number;
	const char *blob, *etag;
	int64_t size, created_at;
};

extern const struct query store_objects_queries[];
extern const struct query store_object_uploads_queries[];

bool store_bucket_create(struct db *, struct arena *, const char *name, bool *created,
    struct error *);
bool store_bucket_find(struct db *, struct arena *, const char *name, bool *found, struct error *);
/* Deletes the bucket only if it is empty; *deleted is true then. */
bool store_bucket_delete(struct db *, struct arena *, const char *name, bool *deleted,
    struct error *);
bool store_buckets(struct db *, struct arena *, struct bucket_row **, size_t *n, struct error *);

/* key NULL: it is not there. */
bool store_object_find(struct db *, struct arena *, struct object_name, struct object_row *,
    struct error *);
/* Where a part lies in an object of so many parts; parts 0: it was not uploaded in parts. */
struct object_part_place {
	int64_t parts, first, size;
};
/* The same with the place of a part, which is valid if there are that many. */
bool store_object_find_part(struct db *, struct arena *, struct object_name, int number,
    struct object_row *, struct object_part_place *, struct error *);
/* In key order from `from` (inclusive or exclusive) up to `before` (exclusive). */
struct object_range {
	const char *bucket, *from, *before;
	bool inclusive;
	int limit;
};
bool store_objects_list(struct db *, struct arena *, const struct object_range *,
    struct object_row **, size_t *n, struct error *);
bool store_blobs_announce(struct db *, struct arena *, struct strings blobs, struct error *);
/* The row of an announced blob; replaces one of the same key. */
struct object_publication {
	const char *bucket;
	struct object_row row;  /* created_at is set by publishing */
	bool only_new;          /* only where there is no object of that key */
	const char *if_match;   /* or NULL: only in place of one with this ETag */
	const char *upload_id;  /* or NULL: the upload that the same statement deletes */
	const char *part_sizes; /* of the upload's parts: an array literal */
	const char *client;     /* or NULL: only while this row of `uploads` takes the whole file */
	bool replaced;          /* set by publishing: there was another */
};
/* Does this row of `uploads` take the file, or a part of `part_of`? */
bool store_object_client_open(struct db *, struct arena *, const char *client, const char *part_of,
    bool *open, struct error *);
/* *published false: a condition did not hold, and the blob is garbage again. */
bool store_object_publish(struct db *, struct arena *, struct object_publication *, bool *published,
    struct error *);
bool store_objects_delete(struct db *, struct arena *, const char *bucket, struct strings keys,
    struct error *);

bool store_object_upload_create(struct db *, struct arena *, const char *bucket,
    const struct upload_row *, struct error *);
/* id NULL: it is not there. */
bool store_object_upload_find(struct db *, struct arena *, const struct object_upload_name *,
    struct upload_row *, struct error *);
bool store_object_upload_delete(struct db *, struct arena *, const struct object_upload_name *,
    bool *deleted, struct error *);
/* Uploads of keys under [from, before), after (key_marker, id_marker). */
struct object_upload_range {
	const char *bucket, *from, *before, *key_marker, *id_marker;
	int limit;
};
bool store_object_uploads_list(struct db *, struct arena *, const struct object_upload_range *,
    struct upload_row **, size_t *n, struct error *);
struct part_publication {
	const char *upload_id;
	const struct part_row *row;
	const char *client; /* or NULL: only while this row of `uploads` takes parts of upload_id */
	bool replaced;      /* set by publishing */
};
bool store_object_part_publish(struct db *, struct arena *, struct part_publication *,
    bool *published, struct error *);
struct part_range {
	const char *upload_id;
	int after; /* a number */
	int limit;
};
bool store_object_parts_list(struct db *, struct arena *, const struct part_range *,
    struct part_row **, size_t *n, struct error *);

/*
 * Inside a transaction, take and lock rows of garbage: store_garbage_take() makes abandoned uploads
 * garbage first, and takes what is old; store_garbage_take_discarded() takes what nobody reads.
 */
typedef bool store_garbage_fn(struct db *, struct arena *, int limit, struct strings *blobs,
    struct error *);
store_garbage_fn store_garbage_take, store_garbage_take_discarded;

#endif
