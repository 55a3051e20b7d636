#include "service/processing/download.h"

#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "model/download.h"
#include "service/call.h"
#include "service/catalogue/downloads.h"
#include "service/notify/notify_share.h"
#include "service/processing/download_clean.h"
#include "service/processing/patience.h"
#include "service/processing/zip_names.h"
#include "service/processing/zip_out.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_downloads.h"
#include "store/store_jobs.h"

#include "core/banned.h"

#define LEFT_OUT_NAME "Left out.txt"

/* The archive's upload into the store. */
struct upload {
	const char *key, *id; /* id NULL: none is open */
	char *part;
	size_t part_size, filled;
	struct s3_part *parts;
	size_t n;
	int64_t size; /* of what has been written */
};

struct download_build {
	const struct call *call;
	const struct job_env *env;
	const struct job *job;
	const char *id;
	struct download_work work;
	struct upload up;
	struct zip_out *zip;
	struct zip_names *names;
	struct s3_piece piece;
	int64_t done, told_at, packed, left_out;
	const char **held; /* the ids of those that are packed */
	int64_t unseen;    /* of those left out: the person cannot have them any more */
	struct buf list;   /* of those left out, by name */
	bool unwanted;
};

static bool
unwanted(struct download_build *b, struct error *err)
{
	b->unwanted = true;
	return error_set(err, ERR_NOT_FOUND, "Nobody waits for this archive any more.");
}

static bool
read_piece(struct download_build *b, const char *key, int64_t from, struct error *err)
{
	for (int tries = 1; !s3_get_piece(b->call->svc->s3, key, from, &b->piece, err); tries++)
		if (!patience(b->env, tries, DOWNLOAD_TRIES, err))
			return false;
	return true;
}

static bool
write_part(struct download_build *b, const struct s3_part_put *put, const char **etag,
    struct error *err)
{
	struct s3 *s3 = b->call->svc->s3;

	for (int tries = 1; !s3_put_part(s3, b->call->arena, put, etag, err); tries++)
		if (!patience(b->env, tries, DOWNLOAD_TRIES, err))
			return false;
	return true;
}

/* Writes the progress down, and learns of a cancellation. */
static bool
tell_now(struct download_build *b, struct error *err)
{
	struct arena arena;
	struct call call = *b->call;
	bool wanted, ok;

	b->told_at = clock_monotonic();
	arena_init(&arena);
	call.arena = &arena;
	ok = store_download_progress(call.svc->db, &arena, b->id, b->job, b->done, &wanted, err);
	if (ok && wanted)
		download_tell_progress(&call, b->work.user_id, b->id, b->done, b->work.bytes);
	arena_clear(&arena);
	return ok && (wanted || unwanted(b, err));
}

/* The same, at most every DOWNLOAD_TELL_SECONDS. */
static bool
tell(struct download_build *b, struct error *err)
{
	if (patience_ended(b->env, err))
		return false;
	return clock_monotonic() - b->told_at < DOWNLOAD_TELL_SECONDS * US_PER_SEC ||
	    tell_now(b, err);
}

static bool
send_part(struct download_build *b, struct error *err)
{
	struct upload *up = &b->up;
	const struct s3_part_put put = { .key = up->key,
		.upload_id = up->id,
		.number = (int)up->n + 1,
		.data = up->part,
		.size = up->filled };

	if (up->n == S3_PARTS_MAX)
		return error_set(err, ERR_TOO_LARGE, "The archive is too large for the store.");
	if (patience_ended(b->env, err) || !tell_now(b, err) ||
	    !write_part(b, &put, &up->parts[up->n].etag, err))
		return false;
	up->parts[up->n].number = put.number;
	up->n++;
	up->filled = 0;
	return true;
}

static bool
take(void *context, const void *data, size_t size, struct error *err)
{
	struct download_build *b = context;
	struct upload *up = &b->up;
	const char *from = data;

	up->size += (int64_t)size;
	while (size > 0) {
		size_t n = up->part_size - up->filled;

		n = n < size ? n : size;
		memcpy(up->part + up->filled, from, n);
		up->filled += n;
		from += n;
		size -= n;
		if (up->filled == up->part_size && !send_part(b, err))
			return false;
	}
	return true;
}

/* All of the item's bytes; the first piece is there already. */
static bool
copy(struct download_build *b, const struct download_item *item, struct error *err)
{
	int64_t at = 0;

	while (at < item->size) {
		if (at > 0 && !read_piece(b, item->object_key, at, err))
			return false;
		if (b->piece.size == 0 || b->piece.whole != item->size)
			return error_set(err, ERR_UPSTREAM,
			    "A file has changed in the store while it was read.");
		if (!zip_out_data(b->zip, b->piece.data, b->piece.size, err))
			return false;
		at += (int64_t)b->piece.size;
		b->done += (int64_t)b->piece.size;
		if (!tell(b, err))
			return false;
	}
	return true;
}

static void
leave_out(struct download_build *b, const char *name, const char *why)
{
	b->left_out++;
	buf_addf(&b->list, "%s: %s\r\n", name, why);
}

static const char *
path_in(const struct download_build *b, struct arena *arena, const char *name)
{
	return b->work.folder == NULL ? name : arena_printf(arena, "%s/%s", b->work.folder, name);
}

static bool
pack(struct download_build *b, struct arena *arena, const struct download_item *item,
    const char *name, struct error *err)
{
	const struct zip_entry entry = { .path = path_in(b, arena, name),
		.size = item->size,
		.at = item->at,
		.local = item->local };

	b->held[b->packed++] = arena_strdup(b->call->arena, item->id);
	return zip_out_entry(b->zip, &entry, err) && copy(b, item, err);
}

/* Its first piece says whether it can be read: only then the archive names it. */
static bool
pack_or_leave(struct download_build *b, struct arena *arena, const struct download_item *item,
    struct error *err)
{
	if (item->object_key == NULL) {
		leave_out(b, zip_name_clean(arena, item->name), "its file is not on this server");
		return true;
	}
	if (item->size > 0 && !read_piece(b, item->object_key, 0, err)) {
		if (err->code != ERR_NOT_FOUND)
			return false;
		error_clear(err);
		leave_out(b, zip_name_clean(arena, item->name), "its file is missing");
		return true;
	}
	if (item->size > 0 && b->piece.whole != item->size) {
		leave_out(b, zip_name_clean(arena, item->name), "its file is damaged");
		return true;
	}
	return pack(b, arena, item, zip_names_add(b->names, item->name, item->folded), err);
}

static bool
pack_page(struct download_build *b, struct arena *arena, int64_t from, struct error *err)
{
	int64_t left = b->work.items - from + 1;
	int64_t n = left < DOWNLOAD_PAGE ? left : DOWNLOAD_PAGE;
	struct download_item *items;
	size_t found;

	if (!store_download_items(b->call->svc->db, arena, &b->work.reader, b->id, from, n, &items,
		&found, err))
		return false;
	b->left_out += n - (int64_t)found;
	b->unseen += n - (int64_t)found;
	for (size_t i = 0; i < found; i++)
		if (!tell(b, err) || !pack_or_leave(b, arena, &items[i], err))
			return false;
	return true;
}

static bool
pack_all(struct download_build *b, struct error *err)
{
	struct arena arena;
	bool ok = true;

	arena_init(&arena);
	for (int64_t from = 1; ok && from <= b->work.items; from += DOWNLOAD_PAGE) {
		ok = pack_page(b, &arena, from, err);
		arena_reset(&arena);
	}
	arena_clear(&arena);
	return ok;
}

static bool
add_list(struct download_build *b, struct error *err)
{
	struct arena *arena = b->call->arena;
	const char *name = zip_names_add(b->names, LEFT_OUT_NAME, "left out.txt");
	int64_t now = clock_now();
	const char *text;

	if (b->left_out == 0)
		return true;
	text = arena_printf(arena, "These items are not in this archive:\r\n\r\n%s%s%s",
	    b->list.len > 0 ? b->list.data : "", b->list.overflow ? "\r\nand more\r\n" : "",
	    b->unseen == 0     ? "" :
		b->unseen == 1 ? "1 item that you can no longer see\r\n" :
				 arena_printf(arena, "%lld items that you can no longer see\r\n",
				     (long long)b->unseen));
	const struct zip_entry entry = { .path = path_in(b, arena, name),
		.size = (int64_t)strlen(text),
		.at = now,
		.local = now };

	return zip_out_entry(b->zip, &entry, err) && zip_out_data(b->zip, text, strlen(text), err);
}

static bool
nothing_left(struct error *err)
{
	return error_slug(err, ERR_UNPROCESSABLE, "nothing_to_download",
	    "None of these items can be downloaded any more.");
}

static bool
begin_upload(struct download_build *b, struct error *err)
{
	struct arena *arena = b->call->arena;
	struct upload *up = &b->up;

	up->part_size = (size_t)(b->work.bytes / DOWNLOAD_PARTS);
	if (up->part_size < DOWNLOAD_PART_MIN)
		up->part_size = DOWNLOAD_PART_MIN;
	up->part = arena_alloc_raw(arena, up->part_size);
	up->parts = arena_array(arena, S3_PARTS_MAX, sizeof(*up->parts));
	up->key = arena_printf(arena, DOWNLOAD_PREFIX "%s/%s", b->id, b->job->lease);
	b->piece = (struct s3_piece) { .data = arena_alloc_raw(arena, DOWNLOAD_PIECE),
		.max = DOWNLOAD_PIECE };
	return s3_multipart_create(b->call->svc->s3, arena, up->key, "application/zip", &up->id,
	    err);
}

static bool
build(struct download_build *b, struct error *err)
{
	struct upload *up = &b->up;

	b->zip = zip_out_new(&(const struct zip_sink) { take, b }, b->call->arena, err);
	if (b->zip == NULL || !pack_all(b, err))
		return false;
	if (b->packed == 0)
		return nothing_left(err);
	if (!add_list(b, err) || !zip_out_close(b->zip, err) ||
	    (up->filled > 0 && !send_part(b, err)) ||
	    !s3_multipart_complete(b->call->svc->s3, up->key, up->id, up->parts, up->n, err))
		return false;
	up->id = NULL;
	return true;
}

static int64_t
keep_seconds(const struct call *call)
{
	return config_int(call->svc->config, CFG_DOWNLOADS_HOURS) * 3600;
}

/* What was packed is still the person's to have, or another run makes the archive without it. */
static bool
still(const struct download_build *b, struct strings held, struct error *err)
{
	bool all;

	return store_download_still(b->call->svc->db, b->call->arena, &b->work.reader, held, &all,
		   err) &&
	    (all ||
		error_set(err, ERR_UNAVAILABLE,
		    "Items of the archive went away while it was made."));
}

static bool
ready_in(struct download_build *b, bool *wanted, struct error *err)
{
	const struct download_made made = { .object_key = b->up.key,
		.size = b->up.size,
		.left_out = b->left_out,
		.keep_seconds = keep_seconds(b->call),
		.held = { b->held, (size_t)b->packed } };

	return store_job_done(b->call->svc->db, b->call->arena, b->job, err) &&
	    still(b, made.held, err) &&
	    store_download_ready(b->call->svc->db, b->call->arena, b->id, &made, wanted, err) &&
	    (!*wanted || notify_archive_ready(b->call, b->work.user_id, b->id, err));
}

static bool
publish(struct download_build *b, struct error *err)
{
	struct error ignored = { 0 };
	bool wanted = false;

	if (!db_begin(b->call->svc->db, err) ||
	    !db_end(b->call->svc->db, ready_in(b, &wanted, err), err))
		return false;
	if (wanted) {
		download_tell(b->call, "download.ready", b->work.user_id, b->id);
		log_info(b->call->svc->log, "download %s: %lld items, %lld bytes, %lld left out",
		    b->id, (long long)b->packed, (long long)b->up.size, (long long)b->left_out);
	} else if (!s3_delete(b->call->svc->s3, b->up.key, &ignored)) {
		log_notice(b->call->svc->log, "a cancelled archive is removed later: %s",
		    ignored.message);
	}
	return true;
}

/* The archive of somebody who may have nothing any more goes too. */
static bool
finish_unwanted(const struct call *call, const struct job *job, const char *id, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db,
		store_job_done(call->svc->db, call->arena, job, err) &&
		    store_download_drop(call->svc->db, call->arena, id, err),
		err);
}

static bool
fail_in(const struct call *call, const char *id, const char *code, const char *message,
    const char **user_id, struct error *err)
{
	const struct download_failure failure = { code, message, keep_seconds(call) };

	return store_download_fail(call->svc->db, call->arena, id, &failure, user_id, err);
}

static bool
finish_failed(struct download_build *b, const struct error *why, struct error *err)
{
	const struct call *call = b->call;
	const char *user_id = NULL;

	if (!db_begin(call->svc->db, err) ||
	    !db_end(call->svc->db,
		store_job_done(call->svc->db, call->arena, b->job, err) &&
		    fail_in(call, b->id, error_slug_of(why), why->message, &user_id, err),
		err))
		return false;
	if (user_id != NULL)
		download_tell(call, "download.failed", user_id, b->id);
	return true;
}

static void
abort_upload(struct download_build *b)
{
	struct error ignored = { 0 };

	if (b->up.id != NULL &&
	    !s3_multipart_abort(b->call->svc->s3, b->up.key, b->up.id, &ignored))
		log_notice(b->call->svc->log, "the parts of an archive are removed later: %s",
		    ignored.message);
}

static const char *
id_of(const struct call *call, const struct job *job, struct error *err)
{
	const struct cJSON *payload = job_payload(call, job, err);
	const char *id = payload != NULL ? json_str(payload, "downloadId", "") : NULL;

	if (id == NULL || uuid_valid(id))
		return id;
	error_set(err, ERR_INTERNAL, "The job does not name an archive.");
	return NULL;
}

bool
download_run(const struct call *call, const struct job_env *env, const struct job *job,
    struct error *err)
{
	struct download_build *b = arena_alloc(call->arena, sizeof(*b));
	struct error why = { 0 };

	*b = (struct download_build) { .call = call, .env = env, .job = job };
	b->id = id_of(call, job, err);
	if (b->id == NULL ||
	    !store_download_begin(call->svc->db, call->arena, b->id, &b->work, err))
		return false;
	if (!b->work.wanted)
		return finish_unwanted(call, job, b->id, err);
	/* What a run that nobody heard of again left behind. */
	if (!download_clean(call, arena_printf(call->arena, DOWNLOAD_PREFIX "%s/", b->id), err))
		return false;
	if (b->work.folder != NULL)
		b->work.folder = zip_name_clean(call->arena, b->work.folder);
	b->held = arena_array(call->arena, (size_t)b->work.items + 1, sizeof(*b->held));
	b->names = zip_names_new(call->arena, (size_t)b->work.items + 1);
	buf_init(&b->list, call->arena, DOWNLOAD_LIST_MAX);
	if (begin_upload(b, &why) && build(b, &why))
		return publish(b, err);
	abort_upload(b);
	if (b->unwanted)
		return finish_unwanted(call, job, b->id, err);
	if (why.code == ERR_UNPROCESSABLE)
		return finish_failed(b, &why, err);
	*err = why;
	return false;
}

bool
download_give_up(const struct call *call, const struct job *job, struct job_after *after,
    struct error *err)
{
	static const char message[] =
	    "The server had a problem and could not make the archive. Try again later.";
	struct error ignored;
	const char *id = id_of(call, job, &ignored), *user_id;

	if (id == NULL)
		return true;
	if (!fail_in(call, id, "processing_error", message, &user_id, err))
		return false;
	if (user_id != NULL)
		download_tell(call, "download.failed", user_id, id);
	return true;
}
