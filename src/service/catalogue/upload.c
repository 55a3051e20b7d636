#include "service/catalogue/upload.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/catalogue/upload_type.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_media.h"
#include "store/store_uploads.h"

#include "core/banned.h"

/* Of an announcement that meets others of the same bytes, which come and go. */
#define TWIN_TRIES 4

static const char *
kind_of(const char *type)
{
	return str_starts(type, "image/") ? "image" :
	    str_starts(type, "video/")    ? "video" :
	    str_starts(type, "audio/")    ? "audio" :
					    "other";
}

/* Returns the last component: some clients send the whole path of the file. */
static const char *
base_name(const char *filename)
{
	for (const char *p = filename; *p != '\0'; p++)
		if ((*p == '/' || *p == '\\') && p[1] != '\0')
			filename = p + 1;
	return filename;
}

static const char *
title_of(struct arena *arena, const char *filename)
{
	const char *dot = strrchr(filename, '.');
	size_t len = dot != NULL && dot != filename ? (size_t)(dot - filename) : strlen(filename);
	size_t chars = 0, bytes = 0;

	while (bytes < len && chars < MEDIA_TITLE_MAX) {
		for (bytes++; bytes < len && (filename[bytes] & 0xc0) == 0x80; bytes++)
			;
		chars++;
	}
	return arena_strndup(arena, filename, bytes);
}

/* 0: the file is sent as a whole. */
static int64_t
part_size_of(int64_t size, int64_t wish)
{
	int64_t part = wish != 0 ? wish : UPLOAD_PART_SIZE,
		least = (size + UPLOAD_PARTS_MAX - 1) / UPLOAD_PARTS_MAX;

	if (wish != 0 ? size <= wish : size < UPLOAD_MULTIPART_FROM)
		return 0;
	while (wish == 0 && part < UPLOAD_PART_PROXY && size / part >= UPLOAD_PARTS_GOOD)
		part *= 2;
	if (part >= least)
		return part;
	return (least + UPLOAD_PART_ROUND - 1) / UPLOAD_PART_ROUND * UPLOAD_PART_ROUND;
}

int
upload_part_count(const struct upload *u)
{
	return u->part_size == 0 ? 0 : (int)((u->size + u->part_size - 1) / u->part_size);
}

/* Of a URL that is signed now. */
static int
url_life(const struct upload *u, int64_t now)
{
	int64_t left = (u->expires_at - now) / US_PER_SEC;

	return (int)(left < u->url_seconds ? left : u->url_seconds);
}

static const char *
part_url(const struct call *call, const struct upload *u, int number, int64_t now)
{
	int64_t last = u->size - (int64_t)(upload_part_count(u) - 1) * u->part_size;

	return s3_presign_put(call->svc->s3, call->arena, u->object_key,
	    &(const struct s3_put_terms) {
		.now = now,
		.life_seconds = url_life(u, now),
		.size = number == upload_part_count(u) ? last : u->part_size,
		.upload_id = u->multipart_id,
		.number = number,
	    });
}

/* Signs the URLs of the requests that the client may make now. */
static void
offer_make(const struct call *call, struct upload_offer *offer)
{
	const struct upload *u = &offer->upload;
	unsigned char sha256[SHA256_SIZE];
	bool announced = u->sha256 != NULL && hex_decode(u->sha256, sha256, sizeof(sha256));
	int64_t now = clock_now();

	if (!str_eq(u->status, "pending") || u->expires_at <= now + US_PER_SEC)
		return;
	offer->urls_expire_at = now + url_life(u, now) * US_PER_SEC;
	if (announced)
		offer->checksum = base64_encode(call->arena, sha256, sizeof(sha256));
	if (u->size <= UPLOAD_SINGLE_MAX && u->multipart_id == NULL)
		offer->upload_url = s3_presign_put(call->svc->s3, call->arena, u->object_key,
		    &(const struct s3_put_terms) {
			.now = now,
			.life_seconds = url_life(u, now),
			.size = u->size,
			.content_type = u->content_type,
			.sha256 = announced ? sha256 : NULL,
		    });
	offer->part_count = upload_part_count(u);
}

static bool
check_ask(const struct call *call, const struct upload_ask *ask, const char *type,
    struct error *err)
{
	int64_t max = config_int(call->svc->config, CFG_UPLOAD_MAX_SIZE);

	if (!upload_type_accepted(call->arena, call->svc->config, type, base_name(ask->filename)))
		return error_set(err, ERR_MEDIA_TYPE, "Files of type %.100s cannot be uploaded.",
		    type);
	if (ask->size > max)
		return error_set(err, ERR_TOO_LARGE,
		    "The file is too large: it has %s, and the limit is %s.",
		    str_size(call->arena, ask->size), str_size(call->arena, max));
	return true;
}

/* *added false: another request has announced the same bytes meanwhile. */
static bool
record(const struct call *call, const struct media_new *media, const struct upload *u, bool alone,
    bool *added, struct error *err)
{
	struct upload_room room = { .quota = config_int(call->svc->config, CFG_QUOTA_DEFAULT),
		.alone = alone };

	if (!store_upload_add(call->svc->db, call->arena, u, media, &room, err))
		return false;
	*added = room.added;
	return room.added || !room.full ||
	    error_slug(err, ERR_TOO_LARGE, "quota_exceeded",
		"Not enough storage: %s needed, %s left. Delete some files first.",
		str_size(call->arena, u->size),
		str_size(call->arena, room.used < room.quota ? room.quota - room.used : 0));
}

/*
 * Looks for the bytes among what the person has: *found tells that the offer is made. An upload of
 * theirs that takes them is joined, by another device, another tab or after a crash: what it sends
 * counts, whoever sent the rest.
 */
static bool
find_twin(const struct call *call, const struct upload_ask *ask, struct upload_offer *offer,
    bool *found, struct error *err)
{
	const struct upload_bytes bytes = { call->by.who->user_id,
		ask->sha256 == NULL ? NULL : str_lower(call->arena, ask->sha256), ask->size };
	unsigned char sha256[SHA256_SIZE];
	struct upload_twin twin;

	*found = false;
	if (ask->sha256 == NULL)
		return true;
	if (!hex_decode(ask->sha256, sha256, sizeof(sha256)))
		return error_field(err, "sha256", "format", "must be 64 hexadecimal digits");
	if (ask->allow_duplicate)
		return true;
	if (!store_upload_twin(call->svc->db, call->arena, &bytes, &twin, err))
		return false;
	if (twin.media_id != NULL && !(twin.trashed && twin.open)) {
		offer->duplicate_of = twin.media_id;
		offer->in_trash = twin.trashed;
		*found = true;
	} else if (twin.open) {
		offer->upload = twin.upload;
		offer->joined = true;
		offer_make(call, offer);
		*found = true;
	}
	return true;
}

static void
new_upload(const struct call *call, const struct upload_ask *ask, const char *type,
    struct upload *u)
{
	char *media_id = arena_alloc(call->arena, UUID_TEXT),
	     *upload_id = arena_alloc(call->arena, UUID_TEXT);

	uuid_v7(media_id);
	uuid_v7(upload_id);
	*u = (struct upload) { .id = upload_id,
		.media_id = media_id,
		.user_id = call->by.who->user_id,
		.status = "pending",
		.content_type = type,
		.object_key = arena_printf(call->arena, "incoming/%s", upload_id),
		.size = ask->size,
		.part_size = part_size_of(ask->size, ask->part_size),
		.sha256 = ask->sha256 == NULL ? NULL : str_lower(call->arena, ask->sha256),
		.path = ask->path,
		.url_seconds = config_int(call->svc->config, CFG_UPLOAD_URL_TTL),
		.expires_at =
		    clock_now() + config_int(call->svc->config, CFG_UPLOAD_TTL) * US_PER_SEC };
}

bool
upload_initiate(const struct call *call, const struct upload_ask *ask, struct upload_offer *offer,
    struct error *err)
{
	const char *filename = base_name(ask->filename),
		   *type = upload_type(call->arena, ask->type, filename);
	struct media_new media = { .owner_id = call->by.who->user_id,
		.kind = kind_of(type),
		.title = ask->title != NULL ? ask->title : title_of(call->arena, filename),
		.visibility = ask->visibility != NULL ? ask->visibility : "private",
		.filename = filename,
		.content_type = type,
		.size = ask->size,
		.modified_at = ask->modified_at };
	bool done = false;

	memset(offer, 0, sizeof(*offer));
	if (!check_ask(call, ask, type, err))
		return false;
	for (int i = 0; i < TWIN_TRIES; i++) {
		if (!find_twin(call, ask, offer, &done, err) || done)
			return done;
		new_upload(call, ask, type, &offer->upload);
		media.id = offer->upload.media_id;
		if (!record(call, &media, &offer->upload, !ask->allow_duplicate, &done, err))
			return false;
		if (done) {
			offer_make(call, offer);
			return true;
		}
	}
	return error_set(err, ERR_UNAVAILABLE,
	    "Other requests are uploading the same file. Try again.");
}

static bool
upload_closed(struct error *err)
{
	return error_slug(err, ERR_CONFLICT, "upload_closed",
	    "This upload no longer accepts parts. Start a new upload.");
}

bool
upload_get(const struct call *call, const char *id, struct upload_offer *offer, struct error *err)
{
	memset(offer, 0, sizeof(*offer));
	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &offer->upload,
		err))
		return false;
	offer_make(call, offer);
	return true;
}

/*
 * From now on the file comes in parts: the embedded store refuses it as a whole, and what has
 * arrived that way is removed.
 */
static void
discard_whole(const struct call *call, const struct upload *u)
{
	struct error ignored;

	if (u->size <= UPLOAD_SINGLE_MAX && !s3_delete(call->svc->s3, u->object_key, &ignored))
		log_warn(call->svc->log, "a file was left behind when its parts began: %s",
		    ignored.detail);
}

/*
 * Starts the store's part of an upload when the first URL of a part is wanted, outside
 * transactions: nobody waits for the store but the client who needs it. Of two requests that start
 * it together, one wins.
 */
static bool
begin_multipart(const struct call *call, struct upload *u, struct error *err)
{
	const char *ours, *kept;
	struct error ignored;

	if (!s3_multipart_create(call->svc->s3, call->arena, u->object_key, u->content_type, &ours,
		err))
		return false;
	kept = ours;
	/* Without an answer, ours may be the kept one: the store gives up what nobody uses. */
	if (!store_upload_multipart(call->svc->db, call->arena, u->id, &kept, err))
		return false;
	if (str_eq(kept, ours))
		discard_whole(call, u);
	else if (!s3_multipart_abort(call->svc->s3, u->object_key, ours, &ignored))
		log_warn(call->svc->log, "an unused multipart upload was left behind: %s",
		    ignored.detail);
	u->multipart_id = kept;
	return kept != NULL || upload_closed(err);
}

static bool
sign_parts(const struct call *call, const struct upload *u, struct upload_part_url *parts, size_t n,
    struct error *err)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < n; i++) {
		if (parts[i].number > upload_part_count(u))
			return error_field(err, "numbers", "range",
			    "must not be above %d, the number of parts", upload_part_count(u));
		parts[i].url = part_url(call, u, parts[i].number, now);
	}
	return true;
}

bool
upload_parts(const struct call *call, const char *id, struct upload_part_url *parts, size_t n,
    struct error *err)
{
	struct upload u;

	if (!store_upload_get(call->svc->db, call->arena, id, call->by.who->user_id, &u, err))
		return false;
	if (!str_eq(u.status, "pending") || u.expires_at <= clock_now() + US_PER_SEC)
		return upload_closed(err);
	if (u.part_size == 0)
		return error_slug(err, ERR_CONFLICT, "not_multipart",
		    "This upload has no parts. Send the file in one request.");
	return (u.multipart_id != NULL || begin_multipart(call, &u, err)) &&
	    sign_parts(call, &u, parts, n, err);
}

bool
upload_sent(const struct call *call, const struct upload *u, struct upload_part_sent **parts,
    size_t *n, struct error *err)
{
	*n = 0;
	if (u->multipart_id == NULL || !str_eq(u->status, "pending"))
		return true;
	return s3_multipart_parts(call->svc->s3, call->arena, u->object_key, u->multipart_id, parts,
		   n, err) ||
	    err->code == ERR_NOT_FOUND; /* the store has given it up, or it is being completed */
}
