#include "objectstore/objectstore.h"

#include <string.h>
#include <time.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/xml.h"
#include "objectstore/protocol.h"

#include "service/call.h"
#include "core/banned.h"

/* S3's codes and their statuses; the codes of our lower layers are translated. */
static const struct {
	const char *slug;
	int status;
} statuses[] = {
	{ "AccessDenied", 403 },
	{ "SignatureDoesNotMatch", 403 },
	{ "InvalidAccessKeyId", 403 },
	{ "RequestTimeTooSkewed", 403 },
	{ "NoSuchKey", 404 },
	{ "NoSuchBucket", 404 },
	{ "NoSuchUpload", 404 },
	{ "MethodNotAllowed", 405 },
	{ "BucketNotEmpty", 409 },
	{ "MissingContentLength", 411 },
	{ "PreconditionFailed", 412 },
	{ "InvalidRange", 416 },
	{ "InvalidPartNumber", 416 },
	{ "InternalError", 500 },
	{ "NotImplemented", 501 },
	{ "ServiceUnavailable", 503 },
	{ "SlowDown", 503 },
	{ "InsufficientStorage", 507 },
};

/* Sub-resources of S3 that are not supported. Unknown ones are ignored, as in S3. */
static const char *const unsupported[] = {
	"policy",
	"policyStatus",
	"cors",
	"lifecycle",
	"website",
	"logging",
	"notification",
	"tagging",
	"replication",
	"encryption",
	"accelerate",
	"requestPayment",
	"analytics",
	"inventory",
	"metrics",
	"ownershipControls",
	"publicAccessBlock",
	"object-lock",
	"legal-hold",
	"retention",
	"restore",
	"select",
	"torrent",
	"versions",
	"versionId",
	"intelligent-tiering",
	"attributes",
};

const char *
protocol_slug(const struct error *err)
{
	/* Ours are snake_case, S3's are CamelCase. */
	if (err->slug != NULL && err->slug[0] >= 'A' && err->slug[0] <= 'Z')
		return err->slug;
	switch (err->code) {
	case ERR_NOT_FOUND: return "NoSuchKey";
	case ERR_VALIDATION: return "InvalidArgument"; /* the database refused the text */
	case ERR_MALFORMED:
		return str_eq(err->slug, "malformed_xml") ? "MalformedXML" : "InvalidRequest";
	case ERR_PRECONDITION: return "PreconditionFailed";
	case ERR_STORAGE_FULL: return "InsufficientStorage";
	case ERR_UNAVAILABLE: return "ServiceUnavailable";
	default: return "InternalError";
	}
}

int
protocol_status(const struct error *err)
{
	const char *slug = protocol_slug(err);

	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (strcmp(statuses[i].slug, slug) == 0)
			return statuses[i].status;
	return 400;
}

static void
refuse_with_xml(const struct request *req, struct response *res, const struct error *err)
{
	int status = protocol_status(err);
	struct buf xml;

	buf_init(&xml, req->arena, 0);
	buf_adds(&xml, PROTOCOL_XML_HEAD "<Error>");
	xml_element(&xml, "Code", protocol_slug(err));
	xml_element(&xml, "Message", status == 500 ? "The object store failed." : err->message);
	xml_element(&xml, "RequestId", req->request_id);
	buf_adds(&xml, "</Error>");
	res->status = status;
	res->content_type = "application/xml";
	res->body = xml.data;
	res->body_len = xml.len;
	if (status == 503)
		response_header(res, "Retry-After", "2");
}

bool
protocol_xml(const struct protocol_request *req, struct response *res, int status,
    const struct buf *xml, struct error *err)
{
	if (xml->overflow)
		return error_slug(err, ERR_INTERNAL, "InternalError", "The response is too long.");
	res->status = status;
	res->content_type = "application/xml";
	res->body = xml->data;
	res->body_len = xml->len;
	return true;
}

const char *
protocol_unsupported(const struct protocol_request *req)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++)
		if (protocol_query(req, unsupported[i]) != NULL)
			return unsupported[i];
	return NULL;
}

/*
 * The verdict for auth_request, which turns every status but 2xx, 401 and 403 into 500: the real
 * status is in headers, from which nginx makes S3's refusal.
 */
static void
refuse_write(const struct request *req, struct response *res, const struct error *err)
{
	struct buf message;

	response_empty(res, 403);
	buf_init(&message, req->arena, 0);
	xml_escape(&message, err->message);
	response_headerf(res, "X-S3-Status", "%d", protocol_status(err));
	response_header(res, "X-S3-Code", protocol_slug(err));
	response_header(res, "X-S3-Message", message.data);
}

/*
 * The disk space that the write needs; false: its size is not announced. A body in chunks is stored
 * twice for a short time.
 */
static bool
announced_size(const struct protocol_request *req, int64_t *size, struct error *err)
{
	const char *payload = protocol_header(req, "x-amz-content-sha256");
	bool streaming = payload != NULL && protocol_streaming(payload);

	*size = streaming ? 2 * protocol_decoded_length(req) : req->length;
	if (payload != NULL && str_starts(payload, "STREAMING-") && !streaming)
		return error_slug(err, ERR_MALFORMED, "NotImplemented",
		    "This form of signed chunks is not supported.");
	if (streaming && *size < 0)
		return error_slug(err, ERR_MALFORMED, "MissingContentLength",
		    "x-amz-decoded-content-length is required.");
	if (*size < 0 &&
	    (str_eq(req->method, "PUT") || protocol_header(req, "transfer-encoding") != NULL))
		return error_slug(err, ERR_MALFORMED, "MissingContentLength",
		    "Content-Length is required.");
	return true;
}

/* Checks a write before its body is read, so that refused bodies are not spooled. */
static bool
judge_write(struct protocol_request *req, struct error *err)
{
	bool put = str_eq(req->method, "PUT");
	const char *client;
	int64_t size;

	if (!put && !str_eq(req->method, "POST") && !str_eq(req->method, "DELETE"))
		return error_slug(err, ERR_METHOD, "MethodNotAllowed",
		    "The method is not allowed here.");
	if (!announced_size(req, &size, err) || !protocol_authorize(req, err))
		return false;
	if (!put && size > (int64_t)PROTOCOL_BODY_MAX)
		return error_slug(err, ERR_MALFORMED, "EntityTooLarge",
		    "The body of this request may have at most %lu bytes.", PROTOCOL_BODY_MAX);
	client = protocol_client(req);
	if (put && client != NULL &&
	    !objects_client_check(&req->call, client, protocol_query(req, "uploadId"), err))
		return false;
	return size <= 0 || objects_room(req->call.svc, req->call.arena, size, err);
}

static bool
is_verdict(const struct request *req)
{
	return str_eq(request_env(req, "STORAGE_ACTION"), "verify");
}

static bool
verify(struct protocol_request *sreq, struct response *res, struct error *err)
{
	if (!is_verdict(sreq->http))
		return protocol_authorize(sreq, err) && protocol_read(sreq, res, err);
	if (!judge_write(sreq, err))
		return false;
	response_header(res, "X-S3-Signed", sreq->presigned ? "query" : "header");
	return response_empty(res, 204);
}

/*
 * nginx sets this from the verdict. If it is missing, the verifier was not asked, whatever the
 * configuration says.
 */
static bool
write_judged(struct protocol_request *sreq, struct response *res, struct error *err)
{
	const char *signed_by = request_env(sreq->http, "STORAGE_SIGNED");

	if (!str_eq(signed_by, "header") && !str_eq(signed_by, "query"))
		return error_slug(err, ERR_FORBIDDEN, "AccessDenied",
		    "The request was not verified.");
	return protocol_claim(sreq, err) && protocol_write(sreq, res, err);
}

/* Parses a request, for both pools; errors get the names that S3 uses. */
static bool
serve(const struct request *req, struct response *res,
    bool (*operation)(struct protocol_request *, struct response *, struct error *),
    struct error *err)
{
	struct protocol_request sreq;

	if (protocol_request_parse(&sreq, req->svc, req, err) && operation(&sreq, res, err))
		return true;
	err->slug = protocol_slug(err);
	return false;
}

static bool
serve_verify(const struct request *req, struct response *res, struct error *err)
{
	return serve(req, res, verify, err);
}

static bool
serve_write(const struct request *req, struct response *res, struct error *err)
{
	return serve(req, res, write_judged, err);
}

static void
refuse(const struct request *req, struct response *res, const struct error *err)
{
	if (is_verdict(req))
		refuse_write(req, res, err);
	else
		refuse_with_xml(req, res, err);
}

static const char *
name_verify(const struct request *req)
{
	return is_verdict(req) ? "storage verify" : "storage read";
}

static const char *
name_write(const struct request *req)
{
	(void)req;
	return "storage write";
}

const struct protocol objectstore_verify = { name_verify, serve_verify, refuse };
const struct protocol objectstore_write = { name_write, serve_write, refuse };

void
objectstore_tick(void *context)
{
	struct services *svc = context;
	struct arena arena;
	struct error err;
	size_t removed;

	arena_init(&arena);
	error_clear(&err);
	if (!objects_collect(SYSTEM_CALL(svc, &arena), &removed, &err))
		log_warn(svc->log, "object store: garbage could not be collected: %s %s",
		    err.message, err.detail);
	else if (removed > 0)
		log_info(svc->log, "object store: removed %zu unreferenced files", removed);
	arena_clear(&arena);
}
