/*
 * Uploads: rows of `uploads`, whose state moves by compare-and-set: pending -> completing ->
 * completed, pending -> aborted | expired.
 */
#ifndef MN_STORE_STORE_UPLOADS_H
#define MN_STORE_STORE_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/media.h"
#include "model/upload.h"
#include "store/pg.h"

extern const struct query store_uploads_queries[];

/* What a person has of these bytes already. */
struct upload_bytes {
	const char *user_id, *sha256; /* hexadecimal */
	int64_t size;
};
struct upload_twin {
	const char *media_id; /* an item that has them, or NULL */
	bool trashed;         /* it lies in the trash */
	bool open;            /* an upload that takes them, in `upload` */
	struct upload upload;
};
bool store_upload_twin(struct db *, struct arena *, const struct upload_bytes *,
    struct upload_twin *, struct error *);
/*
 * Adds the upload, its item and the first entry of its timeline, if the person's quota has room: a
 * transaction of its own in one round trip. With `alone` only if no other upload of the person
 * takes the same announced bytes, or has taken them.
 */
struct upload_room {
	int64_t
	    quota;    /* in: of people who have none of their own; out: the person's. 0: no limit */
	int64_t used; /* bytes, before */
	bool alone;   /* in */
	bool added;
	bool full; /* there is no room */
};
bool store_upload_add(struct db *, struct arena *, const struct upload *, const struct media_new *,
    struct upload_room *, struct error *);
/* A person's own upload; ERR_NOT_FOUND. */
bool store_upload_get(struct db *, struct arena *, const char *id, const char *user_id,
    struct upload *, struct error *);
/*
 * Starts completing a person's own upload, in one round trip: returns the previous state in *upload
 * and, if it was pending and had not expired, sets it to `completing`. ERR_NOT_FOUND.
 */
bool store_upload_begin_completing(struct db *, struct arena *, const char *id, const char *user_id,
    struct upload *, struct error *);
/*
 * Compare and set: *moved tells whether it was in one of the states `from`. An upload that becomes
 * aborted is held.
 */
struct upload_move {
	const char *id;
	const char *from; /* text[] literal: "{pending,completing}" */
	const char *to;
};
bool store_upload_move(struct db *, struct arena *, const struct upload_move *, bool *moved,
    struct error *);

/* The result of completing an upload. */
struct upload_completed {
	/* false: another call was faster, or the upload has ended; nothing else is set */
	bool moved;
	struct strings scopes; /* as from store_media_scopes() */
	struct media media;    /* as the reader sees it now */
};
/*
 * In a transaction, in one round trip: pending or completing -> completed, the item from pending to
 * processing, with its timeline entry; notifies its scopes and reads the item. Roll back if `moved`
 * is false.
 */
bool store_upload_complete(struct db *, struct arena *, const struct upload *,
    const struct media_reader *, struct upload_completed *, struct error *);

/*
 * Keeps the store's id of an upload in parts, unless there is one already; *multipart_id is the one
 * that counts, or NULL if the upload is no longer pending.
 */
bool store_upload_multipart(struct db *, struct arena *, const char *id, const char **multipart_id,
    struct error *);

/*
 * A held upload has ended, but the store may have its bytes, so they count against the quota. It is
 * released after its object was removed, but not while a client can write it again: `refused` says
 * that the store refuses the URLs of uploads that have ended; otherwise they must have expired.
 */
/* In the transaction that deletes an item: holds its completed upload while the URL is good. */
bool store_upload_hold(struct db *, struct arena *, const char *media_id, struct error *);
/* Uploads that can be released, without the first `skip`; multipart "" = none. */
struct held_uploads {
	struct strings ids, keys, multipart;
};
bool store_uploads_held(struct db *, struct arena *, bool refused, size_t skip, int limit,
    struct held_uploads *, struct error *);
/* Ignores those whose URL is still good. */
bool store_uploads_release(struct db *, struct arena *, struct strings ids, bool refused,
    struct error *);

#endif
