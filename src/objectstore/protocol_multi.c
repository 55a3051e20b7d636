/* Uploads in parts, and the two XML bodies that clients send. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/xml.h"
#include "objectstore/protocol.h"

#include "core/banned.h"

#define DELETE_KEYS_MAX 1000

static bool
malformed(struct error *err)
{
	return error_slug(err, ERR_MALFORMED, "MalformedXML",
	    "The XML is not well-formed or does not fit this request.");
}

bool
protocol_parse_delete(struct arena *arena, const char *text, size_t len,
    struct protocol_delete_list *out, struct error *err)
{
	const struct xml_node *root = xml_parse(arena, text, len, err);

	*out = (struct protocol_delete_list) { .keys = arena_array(arena, DELETE_KEYS_MAX + 1,
						   sizeof(*out->keys)) };
	if (root == NULL || strcmp(root->name, "Delete") != 0)
		return malformed(err);
	out->quiet = str_eq(xml_text(root, "Quiet", "false"), "true");
	for (const struct xml_node *object = xml_child(root, "Object"); object != NULL;
	    object = xml_next(object, "Object")) {
		const char *key = xml_text(object, "Key", "");

		if (*key == '\0' || out->n == DELETE_KEYS_MAX)
			return malformed(err);
		out->keys[out->n++] = key;
	}
	return out->n > 0 || malformed(err);
}

/* ETags come with quotes or without. */
static const char *
unquoted(struct arena *arena, const char *text)
{
	char *etag = str_trim(arena, text);
	size_t len = strlen(etag);

	return len >= 2 && etag[0] == '"' && etag[len - 1] == '"' ?
	    arena_strndup(arena, etag + 1, len - 2) :
	    etag;
}

bool
protocol_parse_complete(struct arena *arena, const char *text, size_t len,
    struct object_part_claim **out, size_t *n, struct error *err)
{
	const struct xml_node *root = xml_parse(arena, text, len, err);

	*out = arena_array(arena, OBJECT_PARTS_MAX + 1, sizeof(**out));
	*n = 0;
	if (root == NULL || strcmp(root->name, "CompleteMultipartUpload") != 0)
		return malformed(err);
	for (const struct xml_node *part = xml_child(root, "Part"); part != NULL;
	    part = xml_next(part, "Part")) {
		int64_t number;

		if (*n == OBJECT_PARTS_MAX ||
		    !str_to_int(str_trim(arena, xml_text(part, "PartNumber", "")), 1,
			OBJECT_PARTS_MAX, &number))
			return malformed(err);
		(*out)[(*n)++] = (struct object_part_claim) { (int)number,
			unquoted(arena, xml_text(part, "ETag", "")) };
	}
	return *n > 0 || malformed(err);
}

bool
protocol_upload_create(const struct protocol_request *req, struct response *res, struct error *err)
{
	struct object_put put = {
		.bucket = req->bucket,
		.key = req->key,
		.content_type = protocol_content_type(req),
	};
	const char *id;
	struct buf xml;

	if (!protocol_kept_headers(req, &put.headers, err) ||
	    !objects_upload_create(&req->call, &put, &id, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<InitiateMultipartUploadResult " PROTOCOL_XMLNS ">");
	xml_element(&xml, "Bucket", req->bucket);
	xml_element(&xml, "Key", req->key);
	xml_element(&xml, "UploadId", id);
	buf_adds(&xml, "</InitiateMultipartUploadResult>");
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_upload_complete(const struct protocol_request *req, struct response *res,
    struct error *err)
{
	const struct object_upload_name upload = protocol_upload_name(req);
	struct object_part_claims claims;
	struct object_part_claim *items;
	struct object_row row;
	const char *body;
	struct buf xml;
	size_t len;

	if (!protocol_body_read(req, &body, &len, err) ||
	    !protocol_parse_complete(req->call.arena, body, len, &items, &claims.n, err) ||
	    !protocol_checksum(req, &claims.checksum, err))
		return false;
	claims.items = items;
	if (!objects_upload_complete(&req->call, &upload, &claims, &row, err))
		return false;
	buf_init(&xml, req->call.arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<CompleteMultipartUploadResult " PROTOCOL_XMLNS ">");
	xml_element(&xml, "Location", req->path);
	xml_element(&xml, "Bucket", req->bucket);
	xml_element(&xml, "Key", req->key);
	buf_addf(&xml, "<ETag>&quot;%s&quot;</ETag></CompleteMultipartUploadResult>", row.etag);
	return protocol_xml(req, res, 200, &xml, err);
}

bool
protocol_upload_abort(const struct protocol_request *req, struct response *res, struct error *err)
{
	const struct object_upload_name upload = protocol_upload_name(req);

	return objects_upload_abort(&req->call, &upload, err) && response_empty(res, 204);
}
