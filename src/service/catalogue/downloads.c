#include "service/catalogue/downloads.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "service/call.h"
#include "service/catalogue/collections.h"
#include "service/catalogue/media.h"
#include "service/job.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/s3.h"
#include "store/store_downloads.h"
#include "store/store_people.h"

#include "core/banned.h"

#define DAY_TEXT 10 /* "2026-11-28" */

/* What is to be packed, and as what. */
struct wanted {
	struct download_new row;
	unsigned char request[SHA256_SIZE];
	char id[UUID_TEXT];
};

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The same for the same items in another order, or named twice. */
static void
request_of(const struct call *call, const struct download_wish *wish,
    unsigned char out[SHA256_SIZE])
{
	const char **ids = arena_array(call->arena, wish->ids.n + 1, sizeof(*ids));
	struct buf text;

	buf_init(&text, call->arena, 0);
	if (wish->collection_id != NULL) {
		buf_addf(&text, "collection %s", wish->collection_id);
	} else {
		memcpy(ids, wish->ids.items, wish->ids.n * sizeof(*ids));
		qsort(ids, wish->ids.n, sizeof(*ids), by_text);
		for (size_t i = 0; i < wish->ids.n; i++)
			if (i == 0 || !str_eq(ids[i], ids[i - 1]))
				buf_addf(&text, "%s ", ids[i]);
	}
	sha256(text.data, text.len, out);
}

static bool
too_many(struct error *err)
{
	return error_slug(err, ERR_UNPROCESSABLE, "too_many_items",
	    "A download holds up to %d items.", DOWNLOAD_ITEMS_MAX);
}

/* The same as an earlier archive of the caller, which may be gone by then. */
static bool
wish_again(const struct call *call, const char *id, struct download_wish *wish, struct error *err)
{
	struct strings ids;

	if (!store_download_wish(call->svc->db, call->arena, call->by.who->user_id, id,
		&wish->collection_id, &ids, err))
		return false;
	if (wish->collection_id == NULL)
		wish->ids = ids;
	return true;
}

/* The name of the archive, and which items are asked for. */
static bool
ids_of(const struct call *call, const struct download_wish *wish, const struct media_reader *reader,
    struct wanted *w, struct strings *ids, struct error *err)
{
	char day[RFC3339_MAX];
	struct collection c;

	*ids = wish->ids;
	if (wish->collection_id == NULL) {
		time_rfc3339(clock_now(), day);
		w->row.title = arena_printf(call->arena, "MediaNest %.*s", DAY_TEXT, day);
		return true;
	}
	if (!collection_get(call, wish->collection_id, &c, err) ||
	    !store_download_collected(call->svc->db, call->arena, reader, c.id,
		DOWNLOAD_ITEMS_MAX + 1, ids, err))
		return false;
	w->row.collection_id = c.id;
	w->row.title = c.title;
	w->row.folder = c.title;
	return ids->n <= DOWNLOAD_ITEMS_MAX || too_many(err);
}

static bool
prepare(const struct call *call, const struct download_wish *wish, struct wanted *w,
    struct error *err)
{
	struct media_reader reader;
	struct download_pick pick;
	struct strings ids;

	media_reader_of(call->by.who, &reader);
	uuid_v7(w->id);
	request_of(call, wish, w->request);
	w->row = (struct download_new) {
		.id = w->id, .user_id = reader.user_id, .request = w->request, .manages = reader.all
	};
	if (!ids_of(call, wish, &reader, w, &ids, err) ||
	    !store_download_pick(call->svc->db, call->arena, &reader, ids, &pick, err))
		return false;
	if (pick.stored == 0)
		return error_slug(err, ERR_UNPROCESSABLE, "nothing_to_download",
		    "None of these items can be downloaded.");
	/* Clips of live photos come on top. */
	if (pick.ids.n > 2 * (size_t)DOWNLOAD_ITEMS_MAX)
		return too_many(err);
	w->row.media_ids = pick.ids;
	w->row.bytes = pick.bytes;
	return true;
}

static bool
room(const struct call *call, const struct wanted *w, struct error *err)
{
	int64_t count = config_int(call->svc->config, CFG_DOWNLOADS_MAX_COUNT);
	int64_t size = config_int(call->svc->config, CFG_DOWNLOADS_MAX_SIZE);
	int64_t n, used;

	if (!store_download_used(call->svc->db, call->arena, w->row.user_id, &n, &used, err))
		return false;
	if (w->row.bytes > size)
		return error_slug(err, ERR_UNPROCESSABLE, "download_too_large",
		    "%s are more than a download may have (%s). Select fewer items.",
		    str_size(call->arena, w->row.bytes), str_size(call->arena, size));
	if (n >= count)
		return error_slug(err, ERR_CONFLICT, "too_many_downloads",
		    "You have %lld downloads. Remove one first.", (long long)n);
	return used + w->row.bytes <= size ||
	    error_slug(err, ERR_CONFLICT, "too_many_downloads",
		"Your downloads have %s, and may have %s. Remove one first.",
		str_size(call->arena, used), str_size(call->arena, size));
}

static const char *
payload(const struct call *call, const char *id)
{
	struct json *j = json_new(call->arena, 0);

	json_object(j, NULL);
	json_put_str(j, "downloadId", id);
	json_object_end(j);
	return j->buf.data;
}

static bool
create_in(const struct call *call, const struct wanted *w, struct download *out, struct error *err)
{
	struct db *db = call->svc->db;

	if (!store_person_keep(db, call->arena, w->row.user_id, err) ||
	    !store_download_lock(db, call->arena, w->row.user_id, err) ||
	    !store_download_same(db, call->arena, w->row.user_id, w->request, out, err))
		return false;
	return out->id != NULL ||
	    (room(call, w, err) && store_download_add(db, call->arena, &w->row, out, err) &&
		job_add(call, JOB_DOWNLOAD_BUILD, payload(call, w->id), NULL, 0, err));
}

bool
download_create(const struct call *call, const struct download_wish *wish, struct download *out,
    struct error *err)
{
	struct wanted *w = arena_alloc(call->arena, sizeof(*w));
	struct download_wish all = *wish;

	return (wish->again == NULL || wish_again(call, wish->again, &all, err)) &&
	    prepare(call, &all, w, err) && db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, create_in(call, w, out, err), err);
}

const struct download_failure download_outdated = { .code = "download_outdated",
	.message =
	    "You can no longer have all items of this download. Make it again to get the rest." };

/*
 * Those that hold what the caller may not have any more end. What the store has of them goes by the
 * job, or with other strays if that could not be added.
 */
static bool
settle(const struct call *call, const char *id, struct error *err)
{
	struct media_reader reader;
	struct strings ended;

	media_reader_of(call->by.who, &reader);
	if (!store_downloads_settle(call->svc->db, call->arena, &reader, id, &download_outdated,
		&ended, err))
		return false;
	for (size_t i = 0; i < ended.n; i++)
		download_tell(call, "download.failed", reader.user_id, ended.items[i]);
	return ended.n == 0 || job_add(call, JOB_DOWNLOAD_REMOVE, NULL, NULL, 0, err);
}

bool
download_get(const struct call *call, const char *id, struct download *out, struct error *err)
{
	if (!settle(call, id, err) ||
	    !store_download_get(call->svc->db, call->arena, call->by.who->user_id, id, out, err))
		return false;
	return out->failure_code == NULL || !str_eq(out->failure_code, download_outdated.code) ||
	    error_slug(err, ERR_GONE, "download_outdated", "%s", download_outdated.message);
}

bool
downloads_list(const struct call *call, const struct list_ask *ask, struct download **items,
    struct page *page, struct error *err)
{
	struct store_downloads_ask wanted = { .user_id = call->by.who->user_id,
		.limit = ask->limit + 1 };
	struct list_position before;
	size_t n;

	if (!list_after(call->arena, LIST_DOWNLOADS, ask->cursor, &before, err) ||
	    !settle(call, NULL, err))
		return false;
	wanted.before = before.number;
	wanted.before_id = before.id;
	if (!store_download_list(call->svc->db, call->arena, &wanted, items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		const struct download *last = &(*items)[page->n - 1];

		before = (struct list_position) { .id = last->id, .number = last->created_at };
		page->next = list_cursor(call->arena, LIST_DOWNLOADS, &before);
	}
	return true;
}

/* The job that makes it ends by itself; another one removes what the store has. */
bool
download_remove(const struct call *call, const char *id, struct error *err)
{
	struct db *db = call->svc->db;

	if (!db_begin(db, err) ||
	    !db_end(db,
		store_download_remove(db, call->arena, call->by.who->user_id, id, err) &&
		    job_add(call, JOB_DOWNLOAD_REMOVE, NULL, NULL, 0, err),
		err))
		return false;
	download_tell(call, "download.removed", call->by.who->user_id, id);
	return true;
}

bool
download_again(const struct call *call, const char *id, bool *ok, struct error *err)
{
	return store_download_again(call->svc->db, call->arena, id, ok, err);
}

const char *
download_url(const struct call *call, const struct download *d, int64_t now)
{
	if (d->object_key == NULL)
		return NULL;
	return s3_presign_get(call->svc->s3, call->arena, d->object_key, now, "application/zip",
	    media_disposition(call->arena, true, arena_printf(call->arena, "%s.zip", d->title)));
}

int
download_progress(const struct download *d)
{
	if (str_eq(d->status, "ready"))
		return 100;
	/* What is packed is not stored yet. */
	return d->bytes > 0 ? (int)(d->bytes_done * 99 / d->bytes) : 0;
}

void
download_tell(const struct call *call, const char *type, const char *user_id, const char *id)
{
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "downloadId", id);
	json_object_end(data);
	notify_event(call, &user_id, 1, type, data->buf.data);
}

void
download_tell_progress(const struct call *call, const char *user_id, const char *id, int64_t done,
    int64_t bytes)
{
	const struct download d = { .status = "running", .bytes = bytes, .bytes_done = done };
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "downloadId", id);
	json_put_int(data, "progress", download_progress(&d));
	json_put_int(data, "bytesDone", done);
	json_object_end(data);
	notify_event(call, &user_id, 1, "download.progress", data->buf.data);
}
