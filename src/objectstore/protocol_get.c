/* GET and HEAD of the embedded object store. nginx sends the bytes; this file makes the headers. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/json.h"
#include "objectstore/protocol.h"

#include <cjson/cJSON.h>

#include "core/banned.h"

#define BUCKET_REGION "x-amz-bucket-region"
#define PRESIGNED_MAX (16L << 20) /* bytes that the worker sends to the bearer of a URL */

/* Is the ETag in the list? Weak tags match too, because a proxy may have weakened them. */
bool
protocol_etag_listed(const char *list, const char *etag)
{
	size_t len = strlen(etag);

	while (*list != '\0') {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (str_starts(list, "W/"))
			list += 2;
		if (*list == '"' && strncmp(list + 1, etag, len) == 0 && list[len + 1] == '"')
			return true;
		if (strncmp(list, etag, len) == 0 &&
		    (list[len] == '\0' || list[len] == ',' || list[len] == ' '))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

enum protocol_verdict
protocol_judge(const struct protocol_conditions *c, const struct object_row *row)
{
	int64_t when, modified = row->created_at - row->created_at % US_PER_SEC;

	if (c->if_match != NULL) {
		if (!protocol_etag_listed(c->if_match, row->etag))
			return PROTOCOL_FAILED;
	} else if (c->if_unmodified_since != NULL &&
	    time_parse_http(c->if_unmodified_since, &when) && modified > when) {
		return PROTOCOL_FAILED;
	}
	if (c->if_none_match != NULL)
		return protocol_etag_listed(c->if_none_match, row->etag) ? PROTOCOL_NOT_MODIFIED :
									   PROTOCOL_PASS;
	if (c->if_modified_since != NULL && time_parse_http(c->if_modified_since, &when) &&
	    modified <= when)
		return PROTOCOL_NOT_MODIFIED;
	return PROTOCOL_PASS;
}

/* May the value be sent in a header? */
bool
protocol_header_safe(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7f)
			return false;
	return true;
}

/*
 * The stored headers that nginx keeps when it sends a blob itself: X-Accel-Redirect passes some on,
 * and location /_objects/ of nginx/storage.conf.in names the others. It can name them only one by
 * one, so an object with other headers is sent by the worker.
 */
static bool
nginx_keeps(const char *name)
{
	static const char *const kept[] = { "cache-control", "content-disposition", "expires",
		"content-encoding", "content-language", "x-amz-meta-s3cmd-attrs",
		"x-amz-meta-mtime", "x-amz-meta-md5chksum" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
		if (str_ieq(kept[i], name))
			return true;
	return false;
}

/* Adds the stored headers, except those that the URL overrides. */
static bool
add_kept_headers(const struct protocol_request *req, struct response *res,
    const struct object_row *row, const char *const *overridden, struct error *err)
{
	const struct cJSON *headers =
			       json_parse(req->call.arena, row->headers, strlen(row->headers), err),
			   *item;

	if (headers == NULL)
		return error_slug(err, ERR_INTERNAL, "InternalError",
		    "The object's headers are damaged.");
	cJSON_ArrayForEach (item, headers) {
		bool skip = !cJSON_IsString(item) || !protocol_header_safe(item->valuestring);

		for (size_t i = 0; overridden[i] != NULL; i++)
			skip = skip || str_ieq(overridden[i], item->string);
		if (!skip)
			response_header(res, item->string, item->valuestring);
	}
	return true;
}

/* Adds the response-* parameters of the URL, which are signed. */
static bool
add_headers(const struct protocol_request *req, struct response *res, const struct object_row *row,
    struct error *err)
{
	static const struct {
		const char *parameter, *header;
	} overrides[] = {
		{ "response-content-disposition", "Content-Disposition" },
		{ "response-cache-control", "Cache-Control" },
		{ "response-content-encoding", "Content-Encoding" },
		{ "response-content-language", "Content-Language" },
		{ "response-expires", "Expires" },
	};
	const char *overridden[sizeof(overrides) / sizeof(*overrides) + 1] = { NULL };
	const char *type = protocol_query(req, "response-content-type");
	size_t n = 0;

	for (size_t i = 0; i < sizeof(overrides) / sizeof(*overrides); i++) {
		const char *value = protocol_query(req, overrides[i].parameter);

		if (value == NULL)
			continue;
		if (!protocol_header_safe(value))
			return error_slug(err, ERR_MALFORMED, "InvalidArgument",
			    "%s contains a control character.", overrides[i].parameter);
		response_header(res, overrides[i].header, value);
		overridden[n++] = overrides[i].header;
	}
	if (type != NULL && !protocol_header_safe(type))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "response-content-type contains a control character.");
	res->content_type = type != NULL && *type != '\0' ? type : row->content_type;
	return add_kept_headers(req, res, row, overridden, err);
}

/*
 * A browser may cache the object as long as the presigned URL is valid: the same URL always has the
 * same bytes.
 */
static void
add_caching(const struct protocol_request *req, struct response *res)
{
	int64_t left = (req->expires_at - clock_now()) / US_PER_SEC;

	if (req->presigned && left > 0 && response_find(res, "Cache-Control") == NULL)
		response_headerf(res, "Cache-Control", "private, max-age=%lld, immutable",
		    (long long)left);
}

static void
add_validators(struct response *res, const struct object_row *row)
{
	char modified[30];

	time_http(row->created_at, modified);
	response_headerf(res, "ETag", "\"%s\"", row->etag);
	response_header(res, "Last-Modified", modified);
}

/* bytes=first-last, first- or -last; false: not a valid range, so send everything. */
static bool
parse_range(const struct protocol_request *req, int64_t total, int64_t *first, int64_t *size)
{
	const char *range = protocol_header(req, "range"), *dash;
	int64_t last = total - 1, suffix;

	if (range == NULL || !str_starts(range, "bytes=") || (dash = strchr(range, '-')) == NULL)
		return false;
	range += strlen("bytes=");
	if (dash == range) {
		if (!str_to_int(dash + 1, 1, INT64_MAX, &suffix))
			return false;
		*first = suffix < total ? total - suffix : 0;
	} else if (!str_to_int(arena_strndup(req->call.arena, range, (size_t)(dash - range)), 0,
		       INT64_MAX - 1, first) ||
	    (dash[1] != '\0' && !str_to_int(dash + 1, *first, INT64_MAX - 1, &last))) {
		return false;
	}
	*size = (last < total ? last + 1 : total) - *first;
	return true;
}

/* What to send of an object. */
struct part {
	int64_t first, size;
	int64_t parts; /* of the object, when one of them is wanted and it has some */
	bool partial;
};

/* RFC 9110 section 13.1.5: an If-Range that does not match makes the range void. */
static bool
range_void(const struct protocol_request *req, const struct response *res)
{
	const char *if_range = protocol_header(req, "if-range");

	return if_range != NULL && !str_eq(if_range, response_find(res, "ETag")) &&
	    !str_eq(if_range, response_find(res, "Last-Modified"));
}

/*
 * The holder of a presigned URL may add an If-Match, which nobody signed, as often as they like:
 * they must not make the worker copy much.
 */
static bool
worker_sends(const struct protocol_request *req, struct response *res, const struct object_row *row,
    const struct part *part, struct error *err)
{
	if (part->size > OBJECT_PUT_MAX)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "At most 5 GiB of this object are sent at once. Request ranges.");
	if (req->presigned && part->size > PRESIGNED_MAX)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "With a presigned URL, at most 16 MiB of this object are sent at once in this"
		    " form. Request ranges.");
	res->body_len = (size_t)part->size;
	return objects_map(&req->call, row->blob, part->first, part->size, &res->body, err);
}

/*
 * nginx sends whole objects and their ranges. It cannot send a part by its number, keeps only the
 * headers that its configuration names, and compares If-Match (which clients send with the ranges
 * of a large object) with an ETag of its own, because its not_modified filter cannot be turned off.
 * The worker sends these bytes.
 */
static bool
needs_worker(const struct protocol_request *req, const struct response *res,
    const struct part *part)
{
	bool odd = part->partial || protocol_header(req, "if-match") != NULL;

	for (unsigned i = 0; i < res->nheaders && !odd; i++)
		odd = str_starts(res->headers[i].name, "x-amz-meta-") &&
		    !nginx_keeps(res->headers[i].name);
	return odd;
}

static bool
send_object(const struct protocol_request *req, struct response *res, const struct object_row *row,
    struct part *part, struct error *err)
{
	bool head = str_eq(req->method, "HEAD"), worker = !head && needs_worker(req, res, part);

	if (worker && !part->partial && !range_void(req, res)) {
		part->partial = parse_range(req, row->size, &part->first, &part->size);
		if (part->partial && part->size <= 0)
			return error_slug(err, ERR_MALFORMED, "InvalidRange",
			    "The range is not within the object.");
	}
	if (part->parts > 0)
		response_headerf(res, "x-amz-mp-parts-count", "%lld", (long long)part->parts);
	if (part->partial)
		response_headerf(res, "Content-Range", "bytes %lld-%lld/%lld",
		    (long long)part->first, (long long)(part->first + part->size - 1),
		    (long long)row->size);
	res->status = part->partial ? 206 : 200;
	/* nginx says so itself of what it sends. */
	if (worker || head)
		response_header(res, "Accept-Ranges", "bytes");
	if (worker)
		return worker_sends(req, res, row, part, err);
	if (head)
		response_headerf(res, "Content-Length", "%lld", (long long)part->size);
	else
		response_headerf(res, "X-Accel-Redirect", "/_objects/%s",
		    object_blob_path(req->call.arena, row->blob));
	return true;
}

/* The object, and what is wanted of it: everything, or the part that the query names. */
static bool
find_wanted(const struct protocol_request *req, struct object_row *row, struct part *part,
    struct error *err)
{
	const struct object_name name = protocol_object_name(req);
	struct object_part_place place;
	int number;

	if (protocol_query(req, "partNumber") == NULL) {
		if (!objects_find(&req->call, name, row, err))
			return false;
		*part = (struct part) { .size = row->size };
		return true;
	}
	if (protocol_header(req, "range") != NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "Send either Range or partNumber.");
	if (!protocol_part_number(req, &number, err) ||
	    !objects_find_part(&req->call, name, number, row, &place, err))
		return false;
	*part = (struct part) { place.first, place.size, place.parts, place.size > 0 };
	return true;
}

bool
protocol_get_object(const struct protocol_request *req, struct response *res, struct error *err)
{
	const struct protocol_conditions conditions = { protocol_header(req, "if-match"),
		protocol_header(req, "if-none-match"), protocol_header(req, "if-modified-since"),
		protocol_header(req, "if-unmodified-since") };
	struct object_row row;
	struct part part;

	if (!find_wanted(req, &row, &part, err))
		return false;
	switch (protocol_judge(&conditions, &row)) {
	case PROTOCOL_FAILED:
		return error_slug(err, ERR_PRECONDITION, "PreconditionFailed",
		    "A condition of the request is not met.");
	case PROTOCOL_NOT_MODIFIED:
		add_validators(res, &row);
		add_caching(req, res);
		return response_empty(res, 304);
	case PROTOCOL_PASS: break;
	}
	if (!add_headers(req, res, &row, err))
		return false;
	add_validators(res, &row);
	add_caching(req, res);
	return send_object(req, res, &row, &part, err);
}

bool
protocol_head_bucket(const struct protocol_request *req, struct response *res, struct error *err)
{
	if (!objects_bucket_require(&req->call, req->bucket, err))
		return false;
	response_header(res, BUCKET_REGION, config_str(req->call.svc->config, CFG_STORAGE_REGION));
	return response_empty(res, 200);
}

bool
protocol_read(const struct protocol_request *req, struct response *res, struct error *err)
{
	const char *unsupported = protocol_unsupported(req);
	bool head = str_eq(req->method, "HEAD"), of_object = *req->key != '\0';

	if (!head && !str_eq(req->method, "GET"))
		return error_slug(err, ERR_METHOD, "MethodNotAllowed",
		    "The method is not allowed here.");
	if (of_object && str_eq(unsupported, "tagging"))
		return protocol_get_tagging(req, res, err);
	if (unsupported != NULL)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "This store does not support '%s'.", unsupported);
	if (*req->bucket == '\0')
		return protocol_list_buckets(req, res, err);
	if (of_object)
		return protocol_query(req, "acl") != NULL   ? protocol_get_acl(req, res, err) :
		    protocol_query(req, "uploadId") != NULL ? protocol_list_parts(req, res, err) :
							      protocol_get_object(req, res, err);
	if (head)
		return protocol_head_bucket(req, res, err);
	return protocol_query(req, "location") != NULL ? protocol_get_location(req, res, err) :
	    protocol_query(req, "versioning") != NULL  ? protocol_get_versioning(req, res, err) :
	    protocol_query(req, "acl") != NULL         ? protocol_get_acl(req, res, err) :
	    protocol_query(req, "uploads") != NULL     ? protocol_list_uploads(req, res, err) :
							 protocol_list_objects(req, res, err);
}
