#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/problem_document.h"
#include "core/str.h"
#include "fcgi-handlers/media.h"
#include "fcgi-handlers/media_view.h"
#include "http/input.h"
#include "http/request.h"
#include "http/response.h"
#include "service/catalogue/upload.h"

#include "core/banned.h"

#define SHA256_TEXT 64
#define TYPE_MAX 127
#define ETAG_MAX 128
#define BATCH_ANSWER_MAX (1UL << 20) /* bytes: at most two URLs for each file */

#define FILE_FIELDS(required) \
	{ "filename", FIELD_STRING, .min = 1, .max = UPLOAD_FILENAME_MAX, .flags = required }, \
	    { "size", FIELD_INT, .min = 0, .max = JSON_INT_MAX, .flags = required }, \
	    { "type", FIELD_STRING, .max = TYPE_MAX }, \
	    { "sha256", FIELD_STRING, .min = SHA256_TEXT, .max = SHA256_TEXT, \
		    .flags = FIELD_HEX }, \
	    { "title", FIELD_STRING, .min = 1, .max = MEDIA_TITLE_MAX }, \
	    { "modifiedAt", FIELD_TIME }, \
	    { "path", FIELD_STRING, .min = 1, .max = UPLOAD_PATH_MAX }, \
	    { "partSize", FIELD_INT, .min = UPLOAD_PART_MIN, .max = UPLOAD_PART_MAX }, \
	    { "allowDuplicate", FIELD_BOOL }, \
	{ \
		"visibility", FIELD_ENUM, .choices = CHOICES(MEDIA_VISIBILITY_LIST) \
	}

static const struct field_rule file_fields[] = { FILE_FIELDS(FIELD_REQUIRED), { .name = NULL } };
static const struct field_rule initiate_input[] = {
	FILE_FIELDS(0),
	{ "files", FIELD_OBJECTS, .min = 1, .max = UPLOAD_BATCH_MAX, .flags = FIELD_ALONE,
	    .fields = file_fields },
	{ .name = NULL },
};

static const struct field_rule part_fields[] = {
	{ "number", FIELD_INT, .min = 1, .max = UPLOAD_PARTS_MAX, .flags = FIELD_REQUIRED },
	{ "etag", FIELD_STRING, .min = 1, .max = ETAG_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

#define COMPLETE_FIELDS(required) \
	{ "uploadId", FIELD_UUID, .flags = required }, \
	{ \
		"parts", FIELD_OBJECTS, .min = 1, .max = UPLOAD_PARTS_MAX, .fields = part_fields \
	}

static const struct field_rule complete_fields[] = { COMPLETE_FIELDS(FIELD_REQUIRED),
	{ .name = NULL } };
static const struct field_rule complete_input[] = {
	COMPLETE_FIELDS(0),
	{ "uploads", FIELD_OBJECTS, .min = 1, .max = UPLOAD_BATCH_MAX, .flags = FIELD_ALONE,
	    .fields = complete_fields },
	{ .name = NULL },
};

static const struct field_rule parts_input[] = {
	{ "numbers", FIELD_INTS, .min = 1, .max = UPLOAD_URLS_MAX, .item_min = 1,
	    .item_max = UPLOAD_PARTS_MAX, .flags = FIELD_REQUIRED },
	{ .name = NULL },
};

static void
part_urls(struct json *j, const struct upload_part_url *parts, size_t n)
{
	json_array(j, "parts");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_int(j, "number", parts[i].number);
		json_put_str(j, "url", parts[i].url);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
header_members(struct json *j, const char *key, const struct upload_offer *offer)
{
	json_object(j, key);
	json_put_str(j, "Content-Type", offer->upload.content_type);
	json_opt_str(j, "x-amz-checksum-sha256", offer->checksum);
	json_object_end(j);
}

static void
offer_members(struct json *j, const struct upload_offer *offer)
{
	if (offer->duplicate_of != NULL) {
		json_put_str(j, "duplicateOf", offer->duplicate_of);
		if (offer->in_trash)
			json_put_bool(j, "inTrash", true);
		return;
	}
	json_put_str(j, "uploadId", offer->upload.id);
	json_put_str(j, "mediaId", offer->upload.media_id);
	if (offer->joined)
		json_put_bool(j, "joined", true);
	json_opt_str(j, "path", offer->upload.path);
	json_put_str(j, "method", "PUT");
	json_opt_str(j, "uploadUrl", offer->upload_url);
	header_members(j, "fields", offer);
	header_members(j, "headers", offer);
	json_put_time(j, "expiresAt", offer->upload.expires_at);
	if (offer->urls_expire_at != 0)
		json_put_time(j, "urlsExpireAt", offer->urls_expire_at);
	if (offer->part_count > 0) {
		json_object(j, "multipart");
		json_put_int(j, "partSize", offer->upload.part_size);
		json_put_int(j, "partCount", offer->part_count);
		json_object_end(j);
	}
}

static bool
initiate_one(const struct request *req, const struct input *in, struct upload_offer *offer,
    struct error *err)
{
	struct upload_ask ask = { .filename = input_str(in, "filename"),
		.type = input_str(in, "type"),
		.size = input_int(in, "size", 0),
		.sha256 = input_str(in, "sha256"),
		.title = input_str(in, "title"),
		.visibility = input_str(in, "visibility"),
		.modified_at = input_time(in, "modifiedAt"),
		.path = input_str(in, "path"),
		.part_size = input_int(in, "partSize", 0),
		.allow_duplicate = input_bool(in, "allowDuplicate", false) };

	return upload_initiate(req->call, &ask, offer, err);
}

/* True for a fault of the server: it ends the whole batch, so that the client repeats it. */
static bool
ends_batch(const struct error *err)
{
	return err->code == ERR_UNAVAILABLE || err->code == ERR_INTERNAL || err->code == ERR_QUERY;
}

/*
 * A line for each file is kept for an Idempotency-Key: MEMO_UPLOAD and the id of an upload, whose
 * URLs are signed again, or the JSON of the response, which contains no line ends.
 */
#define MEMO_UPLOAD "upload "

static void
memo_item(struct buf *memo, const struct upload_offer *offer, const char *json)
{
	if (offer != NULL && offer->duplicate_of == NULL)
		buf_addf(memo, MEMO_UPLOAD "%s\n", offer->upload.id);
	else
		buf_addf(memo, "%s\n", json + (json[0] == ','));
}

/* Writes one item of a batch: the offer, or the problem. Returns where it starts in the text. */
static size_t
batch_item(struct arena *arena, struct json *j, size_t index, const struct upload_offer *offer,
    const struct error *err)
{
	size_t start = j->buf.len;

	json_object(j, NULL);
	json_put_int(j, "index", (int64_t)index);
	if (offer != NULL) {
		json_put_int(j, "status", offer->duplicate_of != NULL ? 200 : 201);
		offer_members(j, offer);
	} else {
		problem_members(j, err);
	}
	json_object_end(j);
	return start;
}

/*
 * A file whose bytes another one of the batch has: it needs no transfer of its own. `ids` are the
 * uploads of those before it.
 */
static void
note_twin(struct upload_offer *offer, const char **ids, size_t *n)
{
	if (offer->duplicate_of != NULL)
		return;
	for (size_t i = 0; i < *n && offer->joined; i++)
		if (str_eq(ids[i], offer->upload.id)) {
			offer->duplicate_of = offer->upload.media_id;
			return;
		}
	ids[(*n)++] = offer->upload.id;
}

static bool
initiate_batch(const struct request *req, struct response *res, struct buf *memo, struct error *err)
{
	struct json *j = json_new(req->arena, BATCH_ANSWER_MAX);
	const char *ids[UPLOAD_BATCH_MAX];
	struct upload_offer offer;
	size_t n = 0;

	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < input_count(req->input, "files"); i++) {
		bool ok = initiate_one(req, input_object_at(req->input, "files", i), &offer, err);
		size_t start;

		if (!ok && ends_batch(err))
			return false;
		if (ok)
			note_twin(&offer, ids, &n);
		start = batch_item(req->arena, j, i, ok ? &offer : NULL, err);
		if (!j->buf.overflow)
			memo_item(memo, ok ? &offer : NULL, j->buf.data + start);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/media/upload/initiate */
static bool
upload_initiate_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct upload_offer offer;
	struct buf memo;

	buf_init(&memo, req->arena, 0);
	if (input_has(req->input, "files")) {
		if (!initiate_batch(req, res, &memo, err))
			return false;
	} else {
		if (!initiate_one(req, req->input, &offer, err))
			return false;
		json_object(j, NULL);
		offer_members(j, &offer);
		json_object_end(j);
		memo_item(&memo, &offer, j->buf.data);
		if (!response_json(res, offer.duplicate_of != NULL ? 200 : 201, j, err))
			return false;
	}
	res->memo = memo.data;
	return true;
}

/* Writes a kept line of a batch as it stands now; false: a fault of the server. */
static bool
batch_item_again(const struct request *req, struct json *j, size_t index, const char *line,
    struct error *err)
{
	struct upload_offer offer;
	bool ok;

	if (!str_starts(line, MEMO_UPLOAD)) {
		json_put_raw(j, NULL, line);
		return true;
	}
	ok = upload_get(req->call, line + strlen(MEMO_UPLOAD), &offer, err);
	if (!ok && ends_batch(err))
		return false;
	batch_item(req->arena, j, index, ok ? &offer : NULL, err);
	return true;
}

static bool
initiate_one_again(const struct request *req, struct json *j, const char *line, struct error *err)
{
	struct upload_offer offer;

	if (!str_starts(line, MEMO_UPLOAD)) {
		json_put_raw(j, NULL, line);
		return true;
	}
	if (!upload_get(req->call, line + strlen(MEMO_UPLOAD), &offer, err))
		return false;
	json_object(j, NULL);
	offer_members(j, &offer);
	json_object_end(j);
	return true;
}

/* The same Idempotency-Key again: returns the same uploads with new URLs. */
static bool
upload_initiate_again(const struct request *req, const struct kept_answer *kept,
    struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, BATCH_ANSWER_MAX);
	const char *line = kept->text, *end;

	if (!input_has(req->input, "files"))
		return initiate_one_again(req, j,
			   arena_strndup(req->arena, line, strcspn(line, "\n")), err) &&
		    response_json(res, kept->status, j, err);
	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; (end = strchr(line, '\n')) != NULL; line = end + 1, i++) {
		if (!batch_item_again(req, j, i,
			arena_strndup(req->arena, line, (size_t)(end - line)), err))
			return false;
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, kept->status, j, err);
}

static bool
complete_one(const struct request *req, const struct input *in, struct media *media,
    struct error *err)
{
	size_t n = input_count(in, "parts");
	struct upload_etag *parts = arena_array(req->arena, n, sizeof(*parts));

	for (size_t i = 0; i < n; i++) {
		const struct input *part = input_object_at(in, "parts", i);

		parts[i] = (struct upload_etag) { (int)input_int(part, "number", 0),
			input_str(part, "etag") };
		if (i > 0 && parts[i].number <= parts[i - 1].number)
			return error_field(err, "parts", "range",
			    "must be in ascending order, each number once");
	}
	return upload_complete(req->call, input_str(in, "uploadId"),
	    &(const struct upload_etags) { parts, n }, media, err);
}

static bool
complete_batch(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	int64_t now = clock_now();
	struct media media;

	json_object(j, NULL);
	json_array(j, "items");
	for (size_t i = 0; i < input_count(req->input, "uploads"); i++) {
		const struct input *one = input_object_at(req->input, "uploads", i);
		bool ok = complete_one(req, one, &media, err);

		if (!ok && err->code != ERR_UNAVAILABLE && ends_batch(err))
			return false;
		json_object(j, NULL);
		json_put_int(j, "index", (int64_t)i);
		json_put_str(j, "uploadId", input_str(one, "uploadId"));
		if (ok) { /* nested, because the item has a status too */
			json_put_int(j, "status", 202);
			json_put_str(j, "mediaId", media.id);
			media_view(req, j, "media", &media, now);
		} else {
			problem_members(j, err);
		}
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* POST /api/media/upload/complete */
static bool
upload_complete_post(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct media media;

	if (input_has(req->input, "uploads"))
		return complete_batch(req, res, err);
	if (!complete_one(req, req->input, &media, err))
		return false;
	media_view(req, j, NULL, &media, clock_now());
	return response_json(res, 202, j, err);
}

static void
parts_sent(struct json *j, const struct upload_part_sent *parts, size_t n)
{
	json_array(j, "parts");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		json_put_int(j, "number", parts[i].number);
		json_put_str(j, "etag", parts[i].etag);
		json_put_int(j, "size", parts[i].size);
		json_object_end(j);
	}
	json_array_end(j);
}

/* GET /api/media/upload/{id}: where to send what has not arrived yet. */
static bool
upload_item_get(const struct request *req, struct response *res, struct error *err)
{
	struct json *j = json_new(req->arena, 0);
	struct upload_offer offer;
	struct upload_part_sent *parts;
	size_t n;

	if (!upload_get(req->call, request_param(req, "id"), &offer, err) ||
	    !upload_sent(req->call, &offer.upload, &parts, &n, err))
		return false;
	json_object(j, NULL);
	/* completing is internal: for the client the upload is still open. */
	json_put_str(j, "status",
	    str_eq(offer.upload.status, "completing") ? "pending" : offer.upload.status);
	offer_members(j, &offer);
	if (offer.part_count > 0)
		parts_sent(j, parts, n);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

/* DELETE /api/media/upload/{id} */
static bool
upload_item_delete(const struct request *req, struct response *res, struct error *err)
{
	return upload_abort(req->call, request_param(req, "id"), err) && response_empty(res, 204);
}

/* POST /api/media/upload/{id}/parts: signs the URLs of these parts. */
static bool
upload_parts_post(const struct request *req, struct response *res, struct error *err)
{
	size_t n = input_count(req->input, "numbers");
	struct upload_part_url *parts = arena_array(req->arena, n, sizeof(*parts));
	struct json *j = json_new(req->arena, 0);

	for (size_t i = 0; i < n; i++)
		parts[i].number = (int)input_int_at(req->input, "numbers", i);
	if (!upload_parts(req->call, request_param(req, "id"), parts, n, err))
		return false;
	json_object(j, NULL);
	part_urls(j, parts, n);
	json_object_end(j);
	return response_json(res, 200, j, err);
}

static const struct route upload_routes[] = {
	{ METHOD_POST, "/api/media/upload/initiate", upload_initiate_post, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_UPLOAD, BODY_JSON, initiate_input, NULL, ROUTE_IDEMPOTENT,
	    upload_initiate_again },
	{ METHOD_POST, "/api/media/upload/complete", upload_complete_post, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_MEDIA, BODY_JSON, complete_input },
	{ METHOD_GET, "/api/media/upload/{id}", upload_item_get, AUTH_BEARER, PERM_MEDIA_UPLOAD,
	    RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_DELETE, "/api/media/upload/{id}", upload_item_delete, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_MEDIA, BODY_NONE, NULL },
	{ METHOD_POST, "/api/media/upload/{id}/parts", upload_parts_post, AUTH_BEARER,
	    PERM_MEDIA_UPLOAD, RATE_MEDIA, BODY_JSON, parts_input },
	{ .path = NULL },
};

const struct route_module upload_module = { "upload", upload_routes };
