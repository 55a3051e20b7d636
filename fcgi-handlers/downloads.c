/* /api/media/downloads: archives of many items, each its person's own. */
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "fcgi-handlers/list_view.h"
#include "fcgi-handlers/media.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/downloads.h"
#include "service/catalogue/media.h"

#include "core/banned.h"

static const struct field_rule create_input[] = {
	{ "ids", FIELD_UUIDS, .min = 1, .max = DOWNLOAD_ITEMS_MAX },
	{ "collectionId", FIELD_UUID },
	{ "downloadId", FIELD_UUID },
	{ .name = NULL },
};

static void
failure_view(struct json *j, const struct download *d)
{
	if (d->failure_code == NULL)
		return;
	json_object(j, "failure");
	json_put_str(j, "code", d->failure_code);
	json_put_str(j, "message", d->failure_message);
	json_object_end(j);
}

static void
download_view(const struct request *req, struct json *j, const struct download *d, int64_t now)
{
	const char *url = download_url(req->call, d, now);

	json_object(j, NULL);
	json_put_str(j, "id", d->id);
	json_put_str(j, "status", d->status);
	json_put_str(j, "title", d->title);
	json_opt_str(j, "collectionId", d->collection_id);
	json_put_int(j, "progress", download_progress(d));
	json_put_int(j, "items", d->items);
	json_put_int(j, "leftOut", d->left_out);
	json_put_int(j, "bytes", d->bytes);
	json_put_int(j, "bytesDone", d->bytes_done);
	if (d->size >= 0)
		json_put_int(j, "size", d->size);
	if (url != NULL) {
		json_put_str(j, "url", url);
		json_put_time(j, "urlExpiresAt", media_url_expires(now));
	}
	failure_view(j, d);
	json_put_time(j, "createdAt", d->created_at);
	if (d->finished_at != 0)
		json_put_time(j, "finishedAt", d->finished_at);
	if (d->expires_at != 0)
		json_put_time(j, "expiresAt", d->expires_at);
	json_object_end(j);
}

static bool
answer(const struct request *req, struct response *res, int status, const struct download *d,
    struct error *err)
{
	struct json *j = json_new(req->arena, 0);

	download_view(req, j, d, clock_now());
	return response_json(res, status, j, err);
}

/* POST /api/media/downloads */
static bool
downloads_post(const struct request *req, struct response *res, struct error *err)
{
	size_t n = input_count(req->input, "ids");
	const char **ids = arena_array(req->arena, n + 1, sizeof(*ids));
	const struct download_wish wish = { .ids = { ids, n },
		.collection_id = input_str(req->input, "collectionId"),
		.again = input_str(req->input, "downloadId") };
	struct download d;

	for (size_t i = 0; i < n; i++)
		ids[i] = input_str_at(req->input, "ids", i);
	if ((n > 0) + (wish.collection_id != NULL) + (wish.again != NULL) != 1)
		return error_field(err, "ids", "choice",
		    "must be given, or collectionId, or downloadId, but only one of them");
	return download_create(req->call, &wish, &d, err) && answer(req, res, 202, &d, err);
}

/* GET /api/media/downloads: the caller's own, newest first. */
static bool
downloads_get(const struct request *req, struct response *res, struct error *err)
{
	const struct list_ask ask = list_ask_of(req->input);
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct download *items;
	struct page page;

	if (!downloads_list(req->call, &ask, &items, &page, err))
		return false;
	list_open(j);
	for (size_t i = 0; i < page.n; i++)
		download_view(req, j, &items[i], now);
	list_close(j, &ask, &page);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* GET /api/media/downloads/{id} */
static bool
download_id_get(const struct request *req, struct response *res, struct error *err)
{
	struct download d;

	return download_get(req->call, request_param(req, "id"), &d, err) &&
	    answer(req, res, 200, &d, err);
}

/* DELETE /api/media/downloads/{id}: cancels it, or removes it. */
static bool
download_id_delete(const struct request *req, struct response *res, struct error *err)
{
	return download_remove(req->call, request_param(req, "id"), err) &&
	    response_empty(res, 204);
}

static const struct route download_routes[] = {
	{ METHOD_GET, "/api/media/downloads", downloads_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, list_page_input },
	{ METHOD_POST, "/api/media/downloads", downloads_post, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_JSON, create_input },
	{ METHOD_GET, "/api/media/downloads/{id}", download_id_get, AUTH_BEARER, PERM_MEDIA_READ,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/media/downloads/{id}", download_id_delete, AUTH_BEARER,
	    PERM_MEDIA_READ, RATE_MEDIA, BODY_NONE, NULL },
	{ .path = NULL },
};

const struct route_module downloads_module = { "downloads", download_routes, NULL };
