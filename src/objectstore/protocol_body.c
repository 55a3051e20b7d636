/* The headers of a write: those about its body, and those stored with the object. */
#include <string.h>

#include "core/arena.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "objectstore/protocol.h"

#include "core/banned.h"

#define DEFAULT_TYPE "binary/octet-stream"
#define CHUNKED "aws-chunked"
#define META_PREFIX "x-amz-meta-"

const char *
protocol_content_type(const struct protocol_request *req)
{
	const char *type = protocol_header(req, "content-type");

	return type != NULL ? type : DEFAULT_TYPE;
}

/* Reads a digest header in base64: NULL when absent; false if it does not have `size` bytes. */
static bool
digest_header(const struct protocol_request *req, const char *name, size_t size,
    const unsigned char **out, struct error *err)
{
	const char *text = protocol_header(req, name);
	size_t len = 0;

	*out = NULL;
	if (text == NULL)
		return true;
	*out = base64_decode(req->call.arena, text, strlen(text), &len);
	return (*out != NULL && len == size) ||
	    error_slug(err, ERR_MALFORMED, "InvalidDigest", "%s must be %zu bytes in base64.", name,
		size);
}

/* The chain of signatures of a body in signed chunks. */
struct chain {
	const struct protocol_request *req;
	const char *date;
	char previous[SIGV4_SIGNATURE];
};

static bool
chunk_signed(void *context, const char *signature, const unsigned char sum[32])
{
	struct chain *chain = context;
	char expected[SIGV4_SIGNATURE];

	sigv4_chunk_signature(protocol_signer(chain->req->call.svc), chain->req->call.arena,
	    chain->date, chain->previous, sum, expected);
	str_copy(chain->previous, sizeof(chain->previous), expected);
	return strlen(signature) == SIGV4_SIGNATURE - 1 &&
	    secure_equal(signature, expected, SIGV4_SIGNATURE - 1);
}

static bool
trailer_signed(void *context, const char *signature, const char *text, size_t len)
{
	struct chain *chain = context;
	char expected[SIGV4_SIGNATURE];

	sigv4_trailer_signature(protocol_signer(chain->req->call.svc), chain->req->call.arena,
	    chain->date, chain->previous, text, len, expected);
	return strlen(signature) == SIGV4_SIGNATURE - 1 &&
	    secure_equal(signature, expected, SIGV4_SIGNATURE - 1);
}

static bool
decode_chunks(const struct protocol_request *req, const char *payload, struct object_body *body,
    struct error *err)
{
	struct chain chain = { .req = req, .date = protocol_header(req, "x-amz-date") };
	struct chunk_judge judge = { .context = &chain };

	str_copy(chain.previous, sizeof(chain.previous), req->claim->signature);
	if (!str_eq(payload, SIGV4_STREAMING_UNSIGNED))
		judge.chunk = chunk_signed;
	if (str_eq(payload, SIGV4_STREAMING_SIGNED_TRAILER))
		judge.trailer = trailer_signed;
	return objects_unchunk(&req->call, &judge, protocol_decoded_length(req), body, err);
}

bool
protocol_checksum(const struct protocol_request *req, struct object_checksum *out,
    struct error *err)
{
	*out = (struct object_checksum) { .header = NULL };
	for (size_t i = 0; i < req->claim->nsigned; i++) {
		const char *name = req->claim->signed_headers[i],
			   *value = protocol_header(req, name);

		if (value != NULL && !object_checksum_add(req->call.arena, out, name, value, err))
			return false;
	}
	return true;
}

/* Has the checksum come that x-amz-trailer promises? */
static bool
trailer_kept(const struct protocol_request *req, const struct object_body *body, struct error *err)
{
	const char *promised = protocol_header(req, "x-amz-trailer");

	return promised == NULL || !object_checksum_named(promised) ||
	    str_ieq(promised, body->checksum.header) ||
	    error_slug(err, ERR_MALFORMED, "MalformedTrailerError",
		"The body ends without the %s that x-amz-trailer announces.", promised);
}

/* Everything about the body except the x-amz-checksum-* headers. */
static bool
body_alone(const struct protocol_request *req, struct object_body *body, struct error *err)
{
	const char *spool = request_env(req->http, "X_BODY_FILE"),
		   *payload = protocol_header(req, "x-amz-content-sha256");
	const struct object_checksum checksum = body->checksum;
	unsigned char *sha = arena_alloc(req->call.arena, SHA256_SIZE);

	*body = (struct object_body) { .spool = spool != NULL && *spool != '\0' ? spool : NULL,
		.size = req->length > 0 ? req->length : 0,
		.checksum = checksum,
		.upload = protocol_client(req) };
	if (payload != NULL && hex_decode(payload, sha, SHA256_SIZE))
		body->sha256 = sha;
	if (payload != NULL && protocol_streaming(payload) &&
	    (!decode_chunks(req, payload, body, err) || !trailer_kept(req, body, err)))
		return false;
	return digest_header(req, "content-md5", MD5_SIZE, &body->md5, err);
}

bool
protocol_body(const struct protocol_request *req, struct object_body *body, struct error *err)
{
	return protocol_checksum(req, &body->checksum, err) && body_alone(req, body, err);
}

/* Adds one header to the JSON object; the sizes are counted together. */
static bool
keep(struct json *json, const char *name, const char *value, size_t *count, size_t *bytes,
    struct error *err)
{
	*bytes += strlen(name) + strlen(value);
	if (++*count > PROTOCOL_HEADERS_MAX || *bytes > PROTOCOL_META_MAX)
		return error_slug(err, ERR_MALFORMED, "MetadataTooLarge",
		    "At most %d headers and %d bytes are kept with an object.",
		    PROTOCOL_HEADERS_MAX, PROTOCOL_META_MAX);
	if (!utf8_valid(value, strlen(value)) || !protocol_header_safe(value))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "The value of %s is not plain UTF-8 text.", name);
	json_put_str(json, name, value);
	return true;
}

/*
 * Metadata names come from the list of signed headers, so clients choose them. Valid header names
 * need no escapes in JSON.
 */
static bool
name_safe(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name);
}

bool
protocol_kept_headers(const struct protocol_request *req, const char **out, struct error *err)
{
	static const char *const plain[] = { "cache-control", "content-disposition",
		"content-encoding", "content-language", "expires" };
	struct json *json = json_new(req->call.arena, 0);
	size_t count = 0, bytes = 0;

	json_object(json, NULL);
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		const char *value = protocol_header(req, plain[i]);

		/* an encoding for the transfer, not part of the object */
		if (value != NULL && str_starts(value, CHUNKED)) {
			value += strlen(CHUNKED);
			value += strspn(value, ", ");
		}
		if (value != NULL && *value != '\0' &&
		    !keep(json, plain[i], value, &count, &bytes, err))
			return false;
	}
	for (size_t i = 0; i < req->claim->nsigned; i++) {
		const char *name = req->claim->signed_headers[i],
			   *value = protocol_header(req, name);

		if (!str_starts(name, META_PREFIX) || value == NULL)
			continue;
		if (!name_safe(name))
			return error_slug(err, ERR_MALFORMED, "InvalidArgument",
			    "A metadata name must consist of a-z, 0-9, '-', '_' and '.'.");
		if (!keep(json, name, value, &count, &bytes, err))
			return false;
	}
	json_object_end(json);
	*out = json->buf.data;
	return true;
}

bool
protocol_body_read(const struct protocol_request *req, const char **text, size_t *len,
    struct error *err)
{
	struct object_body body = { .size = 0 };
	/* the checksum of a request that completes an upload is that of the object */
	bool own = protocol_query(req, "uploadId") == NULL;

	if (own && !protocol_checksum(req, &body.checksum, err))
		return false;
	if (!body_alone(req, &body, err) ||
	    !objects_body_text(&req->call, &body, PROTOCOL_BODY_MAX, text, err))
		return false;
	*len = (size_t)body.size;
	return true;
}

static bool
copy_conditions_hold(const struct protocol_request *req, const struct object_row *row)
{
	const struct protocol_conditions conditions = { protocol_header(req,
							    "x-amz-copy-source-if-match"),
		protocol_header(req, "x-amz-copy-source-if-none-match"),
		protocol_header(req, "x-amz-copy-source-if-modified-since"),
		protocol_header(req, "x-amz-copy-source-if-unmodified-since") };

	return protocol_judge(&conditions, row) == PROTOCOL_PASS;
}

bool
protocol_copy_source(const struct protocol_request *req, struct object_row *row, struct error *err)
{
	const char *source = protocol_header(req, "x-amz-copy-source"), *key;
	char *decoded, *slash;
	size_t len;

	source += *source == '/';
	if (!url_decode(req->call.arena, source, strcspn(source, "?"), false, &decoded, &len) ||
	    (slash = strchr(decoded, '/')) == NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "x-amz-copy-source must be /bucket/key, percent-encoded.");
	*slash = '\0';
	key = slash + 1;
	if (!objects_find(&req->call, (struct object_name) { decoded, key }, row, err))
		return false;
	return copy_conditions_hold(req, row) ||
	    error_slug(err, ERR_PRECONDITION, "PreconditionFailed",
		"A condition on the source is not met.");
}
