/* Lists and small XML responses of the embedded object store. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/error.h"
#include "core/xml.h"
#include "objectstore/protocol.h"

#include "core/banned.h"

#define OWNER "<ID>medianest</ID><DisplayName>medianest</DisplayName>"

static void
add_time(struct buf *xml, const char *name, int64_t us)
{
	char text[RFC3339_MAX];

	time_rfc3339(us, text);
	xml_element(xml, name, text);
}

/* Adds a key, percent-encoded if the client asked for it (encoding-type=url). */
static void
add_name(struct buf *xml, const char *element, const char *value, bool encoded)
{
	struct buf out;

	if (encoded) {
		buf_init(&out, xml->arena, 0);
		url_encode(&out, value, strlen(value), true);
		value = out.data;
	}
	xml_element(xml, element, value);
}

bool
protocol_list_buckets(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct bucket_row *rows;
	struct buf xml;
	size_t n;

	if (!objects_buckets(&req->call, &rows, &n, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml,
	    PROTOCOL_XML_HEAD "<ListAllMyBucketsResult " PROTOCOL_XMLNS "><Owner>" OWNER
			      "</Owner><Buckets>");
	for (size_t i = 0; i < n; i++) {
		buf_adds(&xml, "<Bucket>");
		xml_element(&xml, "Name", rows[i].name);
		add_time(&xml, "CreationDate", rows[i].created_at);
		buf_adds(&xml, "</Bucket>");
	}
	buf_adds(&xml, "</Buckets></ListAllMyBucketsResult>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_get_location(const struct protocol_request *req, struct response *res, struct error *err)
{
	const char *region = config_str(req->call.svc->config, CFG_STORAGE_REGION);
	struct buf xml;

	if (!objects_bucket_require(&req->call, req->bucket, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<LocationConstraint " PROTOCOL_XMLNS ">");
	if (!str_eq(region, "us-east-1")) /* which has no name here, as in S3 */
		xml_escape(&xml, region);
	buf_adds(&xml, "</LocationConstraint>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_get_versioning(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct buf xml;

	if (!objects_bucket_require(&req->call, req->bucket, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<VersioningConfiguration " PROTOCOL_XMLNS "/>");
	return protocol_xml(req, res, 200, &xml, err);
}

/* The only access rule: holders of the key may do everything, others nothing. */
bool
protocol_get_acl(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_row row;
	struct buf xml;

	if (!(*req->key != '\0' ? objects_find(&req->call, protocol_object_name(req), &row, err) :
				  objects_bucket_require(&req->call, req->bucket, err)))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml,
	    PROTOCOL_XML_HEAD "<AccessControlPolicy " PROTOCOL_XMLNS "><Owner>" OWNER
			      "</Owner><AccessControlList><Grant>"
			      "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
			      " xsi:type=\"CanonicalUser\">" OWNER "</Grantee>"
			      "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList></"
			      "AccessControlPolicy>");
	return protocol_xml(req, res, 200, &xml, err);
}

/* Objects have no tags here; clients request them before they copy a large one. */
bool
protocol_get_tagging(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_row row;
	struct buf xml;

	if (!objects_find(&req->call, protocol_object_name(req), &row, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<Tagging " PROTOCOL_XMLNS "><TagSet/></Tagging>");
	return protocol_xml(req, res, 200, &xml, err);
}

/* The common part of both forms of the list. */
struct list_form {
	struct object_list_query query;
	bool v2, encoded, owner;
	const char *marker, *token, *start_after;
};

static bool
decode_token(const struct protocol_request *req, const char *token, const char **after,
    struct error *err)
{
	size_t len;
	unsigned char *text = base64url_decode(req->call.arena, token, strlen(token), &len);

	if (text == NULL || !utf8_valid((char *)text, len) || memchr(text, '\0', len) != NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "The continuation token is invalid.");
	*after = arena_strndup(req->call.arena, (char *)text, len);
	return true;
}

static const char *
query_or_empty(const struct protocol_request *req, const char *name)
{
	const char *value = protocol_query(req, name);

	return value != NULL ? value : "";
}

static bool
parse_list(const struct protocol_request *req, struct list_form *form, struct error *err)
{
	const char *encoding = protocol_query(req, "encoding-type"),
		   *type = protocol_query(req, "list-type");
	int64_t max;

	if (!protocol_query_int(req, "max-keys", 0, OBJECT_LIST_MAX, OBJECT_LIST_MAX, &max, err))
		return false;
	if (encoding != NULL && *encoding != '\0' && !str_eq(encoding, "url"))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "encoding-type must be url.");
	*form = (struct list_form) { .v2 = str_eq(type, "2"),
		.encoded = str_eq(encoding, "url"),
		.token = protocol_query(req, "continuation-token"),
		.owner = str_eq(protocol_query(req, "fetch-owner"), "true"),
		.marker = query_or_empty(req, "marker"),
		.start_after = query_or_empty(req, "start-after") };
	form->query = (struct object_list_query) { req->bucket, query_or_empty(req, "prefix"),
		query_or_empty(req, "delimiter"), form->v2 ? form->start_after : form->marker,
		(int)max };
	for (size_t i = 0; i < req->nquery; i++)
		if (!utf8_valid(req->query[i].value, strlen(req->query[i].value)))
			return error_slug(err, ERR_MALFORMED, "InvalidArgument",
			    "%s is not valid UTF-8.", req->query[i].name);
	return !form->v2 || form->token == NULL || *form->token == '\0' ||
	    decode_token(req, form->token, &form->query.after, err);
}

static void
add_list_head(struct buf *xml, const struct list_form *form, const struct object_list *list)
{
	const struct object_list_query *query = &form->query;

	xml_element(xml, "Name", query->bucket);
	add_name(xml, "Prefix", query->prefix, form->encoded);
	xml_element_int(xml, "MaxKeys", query->max);
	if (*query->delimiter != '\0')
		add_name(xml, "Delimiter", query->delimiter, form->encoded);
	if (form->encoded)
		xml_element(xml, "EncodingType", "url");
	xml_element(xml, "IsTruncated", list->truncated ? "true" : "false");
	if (!form->v2) {
		add_name(xml, "Marker", form->marker, form->encoded);
		if (list->truncated)
			add_name(xml, "NextMarker", list->next, form->encoded);
		return;
	}
	xml_element_int(xml, "KeyCount", (int64_t)list->n);
	if (*form->start_after != '\0')
		add_name(xml, "StartAfter", form->start_after, form->encoded);
	if (form->token != NULL)
		xml_element(xml, "ContinuationToken", form->token);
	if (list->truncated)
		xml_element(xml, "NextContinuationToken",
		    base64url_encode(xml->arena, list->next, strlen(list->next)));
}

static void
add_object(struct buf *xml, const struct list_form *form, const struct object_row *row)
{
	buf_adds(xml, "<Contents>");
	add_name(xml, "Key", row->key, form->encoded);
	add_time(xml, "LastModified", row->created_at);
	buf_addf(xml, "<ETag>&quot;%s&quot;</ETag>", row->etag);
	xml_element_int(xml, "Size", row->size);
	if (!form->v2 || form->owner)
		buf_adds(xml, "<Owner>" OWNER "</Owner>");
	buf_adds(xml, "<StorageClass>STANDARD</StorageClass></Contents>");
}

bool
protocol_list_objects(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_list list;
	struct list_form form;
	struct buf xml;

	if (!parse_list(req, &form, err) || !objects_list(&req->call, &form.query, &list, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<ListBucketResult " PROTOCOL_XMLNS ">");
	add_list_head(&xml, &form, &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.items[i].prefix == NULL)
			add_object(&xml, &form, &list.items[i].row);
	for (size_t i = 0; i < list.n; i++) {
		if (list.items[i].prefix == NULL)
			continue;
		buf_adds(&xml, "<CommonPrefixes>");
		add_name(&xml, "Prefix", list.items[i].prefix, form.encoded);
		buf_adds(&xml, "</CommonPrefixes>");
	}
	buf_adds(&xml, "</ListBucketResult>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_list_uploads(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_uploads_query query = {
		.bucket = req->bucket,
		.prefix = query_or_empty(req, "prefix"),
		.key_marker = query_or_empty(req, "key-marker"),
		.id_marker = query_or_empty(req, "upload-id-marker"),
	};
	bool encoded = str_eq(protocol_query(req, "encoding-type"), "url");
	struct object_uploads uploads;
	struct buf xml;
	int64_t max;

	if (!protocol_query_int(req, "max-uploads", 1, OBJECT_LIST_MAX, OBJECT_LIST_MAX, &max, err))
		return false;
	query.max = (int)max;
	if (!objects_uploads_list(&req->call, &query, &uploads, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<ListMultipartUploadsResult " PROTOCOL_XMLNS ">");
	xml_element(&xml, "Bucket", req->bucket);
	add_name(&xml, "Prefix", query.prefix, encoded);
	add_name(&xml, "KeyMarker", query.key_marker, encoded);
	xml_element(&xml, "UploadIdMarker", query.id_marker);
	xml_element_int(&xml, "MaxUploads", max);
	xml_element(&xml, "IsTruncated", uploads.truncated ? "true" : "false");
	if (uploads.truncated) {
		add_name(&xml, "NextKeyMarker", uploads.items[uploads.n - 1].key, encoded);
		xml_element(&xml, "NextUploadIdMarker", uploads.items[uploads.n - 1].id);
	}
	for (size_t i = 0; i < uploads.n; i++) {
		buf_adds(&xml, "<Upload>");
		add_name(&xml, "Key", uploads.items[i].key, encoded);
		xml_element(&xml, "UploadId", uploads.items[i].id);
		buf_adds(&xml,
		    "<Initiator>" OWNER "</Initiator><Owner>" OWNER
		    "</Owner><StorageClass>STANDARD</StorageClass>");
		add_time(&xml, "Initiated", uploads.items[i].created_at);
		buf_adds(&xml, "</Upload>");
	}
	buf_adds(&xml, "</ListMultipartUploadsResult>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_list_parts(const struct protocol_request *req, struct response *res, struct error *err)
{
	const struct object_upload_name name = protocol_upload_name(req);
	struct part_range range = { .upload_id = name.id };
	struct object_parts parts;
	struct upload_row upload;
	int64_t max, marker;
	struct buf xml;

	if (!protocol_query_int(req, "max-parts", 1, OBJECT_LIST_MAX, OBJECT_LIST_MAX, &max, err) ||
	    !protocol_query_int(req, "part-number-marker", 0, OBJECT_PARTS_MAX, 0, &marker, err) ||
	    !objects_upload_find(&req->call, &name, &upload, err))
		return false;
	range.after = (int)marker;
	range.limit = (int)max;
	if (!objects_parts_list(&req->call, &range, &parts, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<ListPartsResult " PROTOCOL_XMLNS ">");
	xml_element(&xml, "Bucket", req->bucket);
	xml_element(&xml, "Key", req->key);
	xml_element(&xml, "UploadId", name.id);
	buf_adds(&xml,
	    "<Initiator>" OWNER "</Initiator><Owner>" OWNER
	    "</Owner><StorageClass>STANDARD</StorageClass>");
	xml_element_int(&xml, "PartNumberMarker", marker);
	xml_element_int(&xml, "NextPartNumberMarker",
	    parts.n > 0 ? parts.items[parts.n - 1].number : marker);
	xml_element_int(&xml, "MaxParts", max);
	xml_element(&xml, "IsTruncated", parts.truncated ? "true" : "false");
	for (size_t i = 0; i < parts.n; i++) {
		const struct part_row *part = &parts.items[i];

		buf_adds(&xml, "<Part>");
		xml_element_int(&xml, "PartNumber", part->number);
		add_time(&xml, "LastModified", part->created_at);
		buf_addf(&xml, "<ETag>&quot;%s&quot;</ETag>", part->etag);
		xml_element_int(&xml, "Size", part->size);
		buf_adds(&xml, "</Part>");
	}
	buf_adds(&xml, "</ListPartsResult>");
	return protocol_xml(req, res, 200, &xml, err);
}
