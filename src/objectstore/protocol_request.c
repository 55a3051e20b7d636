/* Parsing S3 requests and verifying their signatures. */
#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/id.h"
#include "objectstore/protocol.h"
#include "service/keyring.h"

#include "core/config.h"

#include "core/banned.h"

#define ENV_NAME_MAX 256

/*
 * A header by its FastCGI name. Content-Length has a parameter of its own, because the request that
 * nginx sends here has no body.
 */
const char *
protocol_header(const struct protocol_request *req, const char *name)
{
	char env[ENV_NAME_MAX] = "HTTP_";
	const char *value = NULL;
	size_t n = 5;

	for (const char *p = name; *p != '\0' && n < sizeof(env) - 1; p++, n++)
		env[n] = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	env[n] = '\0';
	if (strcmp(env, "HTTP_CONTENT_TYPE") == 0)
		value = request_env(req->http, "CONTENT_TYPE");
	else if (strcmp(env, "HTTP_CONTENT_LENGTH") == 0)
		value = request_env(req->http, "X_ORIG_LENGTH");
	if (value == NULL)
		value = request_env(req->http, env);
	return value != NULL && *value != '\0' ? value : NULL;
}

const char *
protocol_query(const struct protocol_request *req, const char *name)
{
	return sigv4_pair_get(req->query, req->nquery, name);
}

struct object_name
protocol_object_name(const struct protocol_request *req)
{
	return (struct object_name) { req->bucket, req->key };
}

struct object_upload_name
protocol_upload_name(const struct protocol_request *req)
{
	return (struct object_upload_name) { protocol_object_name(req),
		protocol_query(req, "uploadId") };
}

/* A holder of the store's key signs in the header, and may write anything. */
const char *
protocol_client(const struct protocol_request *req)
{
	const char *id = req->key + strlen(OBJECT_CLIENT_PREFIX);

	return req->presigned && str_starts(req->key, OBJECT_CLIENT_PREFIX) && uuid_valid(id) &&
		str_eq(req->bucket, config_str(req->call.svc->config, CFG_STORAGE_BUCKET)) ?
	    id :
	    NULL;
}

bool
protocol_query_int(const struct protocol_request *req, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *out, struct error *err)
{
	const char *value = protocol_query(req, name);

	*out = fallback;
	if (value == NULL || *value == '\0')
		return true;
	if (!str_to_int(value, min, INT64_MAX, out))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "%s must be a number of at least %lld.", name, (long long)min);
	if (*out > max)
		*out = max; /* as in S3 */
	return true;
}

bool
protocol_part_number(const struct protocol_request *req, int *number, struct error *err)
{
	const char *text = protocol_query(req, "partNumber");
	int64_t value;

	if (text == NULL || !str_to_int(text, 1, OBJECT_PARTS_MAX, &value))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "partNumber must be between 1 and %d.", OBJECT_PARTS_MAX);
	*number = (int)value;
	return true;
}

static bool
split_path(struct protocol_request *req, struct error *err)
{
	const char *slash = strchr(req->path + 1, '/');
	size_t len = slash != NULL ? (size_t)(slash - req->path - 1) : strlen(req->path + 1);

	req->bucket = arena_strndup(req->call.arena, req->path + 1, len);
	req->key = slash != NULL ? slash + 1 : "";
	if (strlen(req->key) > OBJECT_KEY_MAX)
		return error_slug(err, ERR_MALFORMED, "KeyTooLongError",
		    "A key may have at most %d bytes.", OBJECT_KEY_MAX);
	return true;
}

bool
protocol_request_parse(struct protocol_request *out, struct services *svc,
    const struct request *http, struct error *err)
{
	const char *uri = request_env(http, "REQUEST_URI"), *mark,
		   *length = request_env(http, "X_ORIG_LENGTH");
	char *path;
	size_t len;

	*out = (struct protocol_request) { .http = http,
		.call = { .svc = svc, .arena = http->arena, .by = { .who = &principal_nobody } },
		.method = request_env(http, "X_ORIG_METHOD"),
		.length = -1 };
	if (uri == NULL || out->method == NULL || uri[0] != '/' || strlen(uri) > PROTOCOL_URI_MAX)
		return error_slug(err, ERR_MALFORMED, "InvalidURI",
		    "The request target is malformed.");
	mark = strchr(uri, '?');
	if (!url_decode(out->call.arena, uri, mark != NULL ? (size_t)(mark - uri) : strlen(uri),
		false, &path, &len) ||
	    !utf8_valid(path, len))
		return error_slug(err, ERR_MALFORMED, "InvalidURI",
		    "The path is not valid percent-encoded UTF-8.");
	out->path = path;
	if (!sigv4_split_query(out->call.arena, mark != NULL ? mark + 1 : "", &out->query,
		&out->nquery))
		return error_slug(err, ERR_MALFORMED, "InvalidURI", "The query is malformed.");
	if (length != NULL && *length != '\0' && !str_to_int(length, 0, INT64_MAX, &out->length))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "Content-Length is not a number.");
	return split_path(out, err);
}

static bool
is_signed(const struct sigv4_claim *claim, const char *name, size_t len)
{
	for (size_t i = 0; i < claim->nsigned; i++) {
		const char *p = claim->signed_headers[i];
		size_t k = 0;

		/* FastCGI names are upper-case, with underscores for hyphens. */
		while (k < len && p[k] != '\0' &&
		    (p[k] == '-'                       ? '_' :
			    p[k] >= 'a' && p[k] <= 'z' ? p[k] - 'a' + 'A' :
							 p[k]) == name[k])
			k++;
		if (k == len && p[k] == '\0')
			return true;
	}
	return false;
}

/*
 * Holders of a presigned URL must not add x-amz-copy-source and the like, so each x-amz header must
 * be signed and not repeated.
 */
static bool
check_amz_headers(const struct protocol_request *req, struct error *err)
{
	static const char prefix[] = "HTTP_X_AMZ_";

	for (char *const *env = req->http->envp; env != NULL && *env != NULL; env++) {
		size_t len = strcspn(*env, "=");

		if (strncmp(*env, prefix, sizeof(prefix) - 1) != 0)
			continue;
		if (!is_signed(req->claim, *env + 5, len - 5))
			return error_slug(err, ERR_FORBIDDEN, "AccessDenied",
			    "An x-amz header is not signed.");
		for (char *const *other = env + 1; *other != NULL; other++)
			if (strncmp(*other, *env, len + 1) == 0)
				return error_slug(err, ERR_FORBIDDEN, "AccessDenied",
				    "An x-amz header is repeated.");
	}
	return true;
}

bool
protocol_streaming(const char *payload)
{
	return str_eq(payload, SIGV4_STREAMING_UNSIGNED) ||
	    str_eq(payload, SIGV4_STREAMING_SIGNED) ||
	    str_eq(payload, SIGV4_STREAMING_SIGNED_TRAILER);
}

int64_t
protocol_decoded_length(const struct protocol_request *req)
{
	const char *text = protocol_header(req, "x-amz-decoded-content-length");
	int64_t length;

	return text != NULL && str_to_int(text, 0, OBJECT_PUT_MAX, &length) ? length : -1;
}

static bool
payload_valid(const char *payload)
{
	return str_eq(payload, SIGV4_UNSIGNED) || protocol_streaming(payload) ||
	    (strlen(payload) == 64 && strspn(payload, "0123456789abcdef") == 64);
}

/* Rebuilds the signed request from the received one. */
static bool
build_signed(const struct protocol_request *req, struct sigv4_request *out, struct error *err)
{
	const struct sigv4_claim *claim = req->claim;
	struct sigv4_pair *headers =
	    arena_array(req->call.arena, claim->nsigned + 1, sizeof(*headers));
	struct sigv4_pair *query = arena_array(req->call.arena, req->nquery + 1, sizeof(*query));
	const char *payload = protocol_header(req, "x-amz-content-sha256");

	*out = (struct sigv4_request) { .method = req->method,
		.path = req->path,
		.query = query,
		.headers = headers,
		.nheaders = claim->nsigned };
	for (size_t i = 0; i < claim->nsigned; i++) {
		const char *value = protocol_header(req, claim->signed_headers[i]);

		headers[i] =
		    (struct sigv4_pair) { claim->signed_headers[i], value != NULL ? value : "" };
	}
	for (size_t i = 0; i < req->nquery; i++)
		if (!req->presigned || strcmp(req->query[i].name, "X-Amz-Signature") != 0)
			query[out->nquery++] = req->query[i];
	if (payload == NULL && req->presigned)
		payload = SIGV4_UNSIGNED;
	if (payload == NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidRequest",
		    "The header x-amz-content-sha256 is missing.");
	if (!payload_valid(payload))
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "x-amz-content-sha256 must be " SIGV4_UNSIGNED " or a hexadecimal SHA-256.");
	out->payload = payload;
	return true;
}

bool
protocol_claim(struct protocol_request *req, struct error *err)
{
	const char *authorization = protocol_header(req, "authorization");
	struct sigv4_claim *claim = arena_alloc(req->call.arena, sizeof(*claim));

	req->claim = claim;
	req->presigned = sigv4_is_presigned(req->query, req->nquery);
	if (req->presigned && authorization != NULL)
		return error_slug(err, ERR_MALFORMED, "InvalidArgument",
		    "Sign in the header or in the query, not in both.");
	if (req->presigned)
		return sigv4_parse_query(req->call.arena, req->query, req->nquery, claim, err);
	if (authorization == NULL)
		return error_slug(err, ERR_FORBIDDEN, "AccessDenied", "The request is not signed.");
	return sigv4_parse_authorization(req->call.arena, authorization, claim, err);
}

struct sigv4_signer *
protocol_signer(struct services *svc)
{
	static struct sigv4_signer signer;
	const struct keyring *keys = svc->keys;
	const char *region = config_str(svc->config, CFG_STORAGE_REGION);

	if (!str_eq(signer.access, keyring_storage_access(keys)) ||
	    !str_eq(signer.secret, keyring_storage_secret(keys)) || !str_eq(signer.region, region))
		sigv4_signer_init(&signer, keyring_storage_access(keys),
		    keyring_storage_secret(keys), region, "s3");
	return &signer;
}

bool
protocol_authorize(struct protocol_request *req, struct error *err)
{
	struct sigv4_signer *signer = protocol_signer(req->call.svc);
	const char *date;
	struct sigv4_request signed_request;

	if (!protocol_claim(req, err) || !check_amz_headers(req, err) ||
	    !build_signed(req, &signed_request, err))
		return false;
	date = req->presigned ? req->claim->date : protocol_header(req, "x-amz-date");
	if (!sigv4_verify(signer, req->call.arena, req->claim, &signed_request, date, clock_now(),
		err))
		return false;
	if (req->presigned && time_parse_iso_basic(date, &req->expires_at))
		req->expires_at += req->claim->expires * US_PER_SEC;
	return true;
}
