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

static int64_t
part_size_of(int64_t size)
{
	int64_t part = UPLOAD_PART_SIZE;

	while ((size + part - 1) / part > UPLOAD_PARTS_MAX)
		part *= 2;
	return part;
}

static int
parts_of(const struct upload *u)
{
	return u->part_size == 0 ? 0 : (int)((u->size + u->part_size - 1) / u->part_size);
}

static const char *
part_url(const struct call *call, const struct upload *u, int number, int64_t now)
{
	int64_t last = u->size - (int64_t)(parts_of(u) - 1) * u->part_size;

	return s3_presign_put(call->svc->s3, call->arena, u->object_key,
	    &(const struct s3_put_terms) {
		.now = now,
		.life_seconds = (int)((u->expires_at - now) / US_PER_SEC),
		.size = number == parts_of(u) ? last : u->part_size,
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
	if (announced)
		offer->checksum = base64_encode(call->arena, sha256, sizeof(sha256));
	if (u->size <= UPLOAD_SINGLE_MAX && u->multipart_id == NULL)
		offer->upload_url = s3_presign_put(call->svc->s3, call->arena, u->object_key,
		    &(const struct s3_put_terms) {
			.now = now,
			.life_seconds = (int)((u->expires_at - now) / US_PER_SEC),
			.size = u->size,
			.content_type = u->content_type,
			.sha256 = announced ? sha256 : NULL,
		    });
	offer->part_count = parts_of(u);
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

static bool
record(const struct call *call, const struct media_new *media, const struct upload *u,
    struct error *err)
{
	struct upload_room room = { .quota = config_int(call->svc->config, CFG_QUOTA_DEFAULT) };

	if (!store_upload_add(call->svc->db, call->arena, u, media, &room, err))
		return false;
	return room.added ||
	    error_slug(err, ERR_TOO_LARGE, "quota_exceeded",
		"Not enough storage: %s needed, %s left. Delete some files first.",
		str_size(call->arena, u->size),
		str_size(call->arena, room.used < room.quota ? room.quota - room.used : 0));
}

bool
upload_initiate(const struct call *call, const struct upload_ask *ask, struct upload_offer *offer,
    struct error *err)
{
	const char *filename = base_name(ask->filename),
		   *type = upload_type(call->arena, ask->type, filename);
	char *media_id = arena_alloc(call->arena, UUID_TEXT),
	     *upload_id = arena_alloc(call->arena, UUID_TEXT);
	unsigned char sha256[SHA256_SIZE];
	struct media_new media;
	struct upload *u = &offer->upload;

	memset(offer, 0, sizeof(*offer));
	if (!check_ask(call, ask, type, err))
		return false;
	if (ask->sha256 != NULL) {
		if (!hex_decode(ask->sha256, sha256, sizeof(sha256)))
			return error_field(err, "sha256", "format",
			    "must be 64 hexadecimal digits");
		if (!store_media_duplicate(call->svc->db, call->arena, call->by.who->user_id,
			sha256, &offer->duplicate_of, err))
			return false;
		if (offer->duplicate_of != NULL)
			return true;
	}
	uuid_v7(media_id);
	uuid_v7(upload_id);
	media = (struct media_new) { .id = media_id,
		.owner_id = call->by.who->user_id,
		.kind = kind_of(type),
		.title = ask->title != NULL ? ask->title : title_of(call->arena, filename),
		.visibility = ask->visibility != NULL ? ask->visibility : "private",
		.filename = filename,
		.content_type = type,
		.size = ask->size,
		.modified_at = ask->modified_at };
	*u = (struct upload) { .id = upload_id,
		.media_id = media_id,
		.user_id = call->by.who->user_id,
		.status = "pending",
		.content_type = type,
		.object_key = arena_printf(call->arena, "incoming/%s", upload_id),
		.size = ask->size,
		.part_size = ask->size < UPLOAD_MULTIPART_FROM ? 0 : part_size_of(ask->size),
		.sha256 = ask->sha256 == NULL ? NULL : str_lower(call->arena, ask->sha256),
		.expires_at =
		    clock_now() + config_int(call->svc->config, CFG_UPLOAD_TTL) * US_PER_SEC };
	if (!record(call, &media, u, err))
		return false;
	offer_make(call, offer);
	return true;
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
		if (parts[i].number > parts_of(u))
			return error_field(err, "numbers", "range",
			    "must not be above %d, the number of parts", parts_of(u));
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
