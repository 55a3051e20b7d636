/* PUT and DELETE of the embedded object store. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/xml.h"
#include "objectstore/protocol.h"

#include "core/banned.h"

bool
protocol_put_bucket(const struct protocol_request *req, struct response *res, struct error *err)
{
	if (!objects_bucket_create(&req->call, req->bucket, err))
		return false;
	response_headerf(res, "Location", "/%s", req->bucket);
	return response_empty(res, 200);
}

bool
protocol_delete_bucket(const struct protocol_request *req, struct response *res, struct error *err)
{
	return objects_bucket_delete(&req->call, req->bucket, err) && response_empty(res, 204);
}

/*
 * Reads the conditions on the target: If-None-Match: * (only a new object), If-Match with one ETag.
 */
static bool
put_conditions(const struct protocol_request *req, struct object_put *put, struct error *err)
{
	const char *if_none_match = protocol_header(req, "if-none-match"),
		   *if_match = protocol_header(req, "if-match");
	size_t len;

	put->only_new = str_eq(if_none_match, "*");
	if (if_none_match != NULL && !put->only_new)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "PUT supports only If-None-Match: *.");
	if (if_match == NULL)
		return true;
	len = strlen(if_match);
	put->if_match = len >= 2 && if_match[0] == '"' && if_match[len - 1] == '"' ?
	    arena_strndup(req->call.arena, if_match + 1, len - 2) :
	    if_match;
	return true;
}

bool
protocol_put_object(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_put put = {
		.bucket = req->bucket,
		.key = req->key,
		.content_type = protocol_content_type(req),
	};
	struct object_row row;

	if (!put_conditions(req, &put, err) || !protocol_body(req, &put.body, err) ||
	    !protocol_kept_headers(req, &put.headers, err) ||
	    !objects_put(&req->call, &put, &row, err))
		return false;
	response_headerf(res, "ETag", "\"%s\"", row.etag);
	return response_empty(res, 200);
}

static bool
answer_copy(const struct protocol_request *req, struct response *res, const char *element,
    const char *etag, int64_t when, struct error *err)
{
	char modified[RFC3339_MAX];
	struct buf xml;

	time_rfc3339(when, modified);
	buf_init(&xml, req->call.arena, 0);
	buf_addf(&xml,
	    PROTOCOL_XML_HEAD "<%s " PROTOCOL_XMLNS
			      "><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag></%s>",
	    element, modified, etag, element);
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_copy_object(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_put put = { .bucket = req->bucket, .key = req->key };
	bool replace = str_ieq(protocol_header(req, "x-amz-metadata-directive"), "REPLACE");
	struct object_row source, row;

	if (!put_conditions(req, &put, err) || !protocol_copy_source(req, &source, err))
		return false;
	if (source.size > OBJECT_PUT_MAX)
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "The source is larger than 5 GiB. Copy it in parts.");
	put.content_type = replace ? protocol_content_type(req) : source.content_type;
	put.headers = source.headers;
	if (replace && !protocol_kept_headers(req, &put.headers, err))
		return false;
	return objects_copy(&req->call, &source, &put, &row, err) &&
	    answer_copy(req, res, "CopyObjectResult", row.etag, row.created_at, err);
}

bool
protocol_delete_object(const struct protocol_request *req, struct response *res, struct error *err)
{
	return objects_delete(&req->call, req->bucket, (struct strings) { &req->key, 1 }, err) &&
	    response_empty(res, 204);
}

bool
protocol_delete_objects(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct protocol_delete_list list;
	const char *body;
	struct buf xml;
	size_t len;

	if (!protocol_body_read(req, &body, &len, err) ||
	    !protocol_parse_delete(req->call.arena, body, len, &list, err) ||
	    !objects_delete(&req->call, req->bucket, (struct strings) { list.keys, list.n }, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<DeleteResult " PROTOCOL_XMLNS ">");
	for (size_t i = 0; i < list.n && !list.quiet; i++) {
		buf_adds(&xml, "<Deleted>");
		xml_element(&xml, "Key", list.keys[i]);
		buf_adds(&xml, "</Deleted>");
	}
	buf_adds(&xml, "</DeleteResult>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_upload_part(const struct protocol_request *req, struct response *res, struct error *err)
{
	const struct object_upload_name name = protocol_upload_name(req);
	struct upload_row upload;
	struct object_body body;
	struct part_row part;
	int number;

	if (!protocol_part_number(req, &number, err) ||
	    !objects_upload_find(&req->call, &name, &upload, err) ||
	    !protocol_body(req, &body, err) ||
	    !objects_part_put(&req->call, &name, number, &body, &part, err))
		return false;
	response_headerf(res, "ETag", "\"%s\"", part.etag);
	return response_empty(res, 200);
}

/* bytes=first-last, both given; absent: everything. */
static bool
copy_range(const struct protocol_request *req, struct object_slice *slice, struct error *err)
{
	const char *range = protocol_header(req, "x-amz-copy-source-range"), *dash;
	int64_t last = slice->source->size - 1;

	slice->first = 0;
	if (range != NULL) {
		if (!str_starts(range, "bytes=") || (dash = strchr(range, '-')) == NULL ||
		    !str_to_int(arena_strndup(req->call.arena, range + 6,
				    (size_t)(dash - range - 6)),
			0, INT64_MAX - 1, &slice->first) ||
		    !str_to_int(dash + 1, slice->first, INT64_MAX - 1, &last))
			return error_slug(err, ERR_MALFORMED, "InvalidArgument",
			    "x-amz-copy-source-range must be bytes=first-last.");
		if (last >= slice->source->size)
			return error_slug(err, ERR_MALFORMED, "InvalidRange",
			    "The range is not within the source.");
	}
	slice->size = last - slice->first + 1;
	return slice->size <= OBJECT_PUT_MAX ||
	    error_slug(err, ERR_MALFORMED, "InvalidRequest", "A part may have at most 5 GiB.");
}

bool
protocol_upload_part_copy(const struct protocol_request *req, struct response *res,
    struct error *err)
{
	const struct object_upload_name name = protocol_upload_name(req);
	struct object_row source;
	struct object_slice slice = { .source = &source };
	struct upload_row upload;
	struct part_row part;
	int number;

	if (!protocol_part_number(req, &number, err) ||
	    !objects_upload_find(&req->call, &name, &upload, err) ||
	    !protocol_copy_source(req, &source, err) || !copy_range(req, &slice, err) ||
	    !objects_part_copy(&req->call, &name, number, &slice, &part, err))
		return false;
	return answer_copy(req, res, "CopyPartResult", part.etag, clock_now(), err);
}

static bool
write_put(const struct protocol_request *req, struct response *res, struct error *err)
{
	bool copy = protocol_header(req, "x-amz-copy-source") != NULL;

	if (*req->bucket == '\0')
		return error_slug(err, ERR_METHOD, "MethodNotAllowed",
		    "The method is not allowed here.");
	if (*req->key == '\0')
		return protocol_put_bucket(req, res, err);
	if (protocol_query(req, "uploadId") != NULL)
		return copy ? protocol_upload_part_copy(req, res, err) :
			      protocol_upload_part(req, res, err);
	return copy ? protocol_copy_object(req, res, err) : protocol_put_object(req, res, err);
}

static bool
write_post(const struct protocol_request *req, struct response *res, struct error *err)
{
	if (*req->bucket != '\0' && *req->key == '\0' && protocol_query(req, "delete") != NULL)
		return protocol_delete_objects(req, res, err);
	if (*req->key != '\0' && protocol_query(req, "uploads") != NULL)
		return protocol_upload_create(req, res, err);
	if (*req->key != '\0' && protocol_query(req, "uploadId") != NULL)
		return protocol_upload_complete(req, res, err);
	return error_slug(err, ERR_METHOD, "MethodNotAllowed", "The method is not allowed here.");
}

static bool
write_delete(const struct protocol_request *req, struct response *res, struct error *err)
{
	if (*req->bucket == '\0')
		return error_slug(err, ERR_METHOD, "MethodNotAllowed",
		    "The method is not allowed here.");
	if (*req->key == '\0')
		return protocol_delete_bucket(req, res, err);
	return protocol_query(req, "uploadId") != NULL ? protocol_upload_abort(req, res, err) :
							 protocol_delete_object(req, res, err);
}

bool
protocol_write(const struct protocol_request *req, struct response *res, struct error *err)
{
	const char *unsupported = protocol_unsupported(req);

	if (unsupported == NULL)
		unsupported = protocol_query(req, "acl") != NULL ? "acl" :
		    protocol_query(req, "versioning") != NULL    ? "versioning" :
								   NULL;
	if (unsupported != NULL)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "This store does not support setting '%s'.", unsupported);
	if (str_eq(req->method, "PUT"))
		return write_put(req, res, err);
	if (str_eq(req->method, "POST"))
		return write_post(req, res, err);
	if (str_eq(req->method, "DELETE"))
		return write_delete(req, res, err);
	return error_slug(err, ERR_METHOD, "MethodNotAllowed", "The method is not allowed here.");
}
