/*
 * AWS Signature Version 4, as S3 uses it: signing for the client, verifying for the embedded store.
 *
 * A request is described by decoded parts; this module makes the canonical forms. As in S3, each
 * path byte is encoded once and nothing is normalised. Everything allocated belongs to the arena
 * given. The signing key of a (day, region, service, secret) is derived once and cached in the
 * signer.
 *
 * Refusals carry S3's own error code as the slug (InvalidAccessKeyId, SignatureDoesNotMatch,
 * RequestTimeTooSkewed, AccessDenied, AuthorizationHeaderMalformed,
 * AuthorizationQueryParametersError) and ERR_FORBIDDEN or ERR_MALFORMED as the code.
 */
#ifndef MN_STORE_SIGV4_H
#define MN_STORE_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct error;

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
/* bodies in chunks (aws-chunked) with trailing headers */
#define SIGV4_STREAMING_UNSIGNED "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
/* each chunk signed, after the one before */
#define SIGV4_STREAMING_SIGNED "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define SIGV4_STREAMING_SIGNED_TRAILER "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_PAIRS_MAX 128          /* query parameters, or headers, of one request */
#define SIGV4_SKEW_SECONDS 900       /* allowed difference of the two clocks */
#define SIGV4_EXPIRES_MAX 604800     /* seconds that a presigned URL may live */
#define SIGV4_AUTHORIZATION_MAX 4096 /* bytes */
#define SIGV4_DATE 17                /* "20261122T082146Z" with NUL */
#define SIGV4_SIGNATURE 65           /* 64 hexadecimal digits with NUL */

struct sigv4_pair {
	const char *name;
	const char *value;
};

struct sigv4_request {
	const char *method;
	const char *path;               /* decoded, begins with '/' */
	const struct sigv4_pair *query; /* decoded, any order; without X-Amz-Signature */
	size_t nquery;
	/* exactly the signed ones, in any case and order; equal names are joined */
	const struct sigv4_pair *headers;
	size_t nheaders;
	const char *payload; /* hexadecimal SHA-256 of the body, or SIGV4_UNSIGNED */
};

struct sigv4_signer {
	char access[129], secret[129], region[65], service[33];
	char key_day[9]; /* of the key below; "" = none yet */
	unsigned char key[32];
};

/* What a request claims about itself, in the Authorization header or in the query. */
struct sigv4_claim {
	const char *access, *day, *region, *service;
	const char *date; /* presigned: X-Amz-Date; header form: NULL, see x-amz-date */
	int64_t expires;  /* presigned: seconds; header form: -1 */
	const char *const *signed_headers; /* lower case, sorted, n of them */
	size_t nsigned;
	const char *signature;
};

void sigv4_signer_init(struct sigv4_signer *, const char *access, const char *secret,
    const char *region, const char *service);
/* 32 bytes, until the next call */
const unsigned char *sigv4_key(struct sigv4_signer *, const char *day);

void sigv4_canonical(struct buf *, const struct sigv4_request *);
void sigv4_string_to_sign(struct buf *, const struct sigv4_signer *, const char *date,
    const char *canonical, size_t len);
void sigv4_signature(struct sigv4_signer *, struct arena *, const struct sigv4_request *,
    const char *date, char out[SIGV4_SIGNATURE]);

/* Value of the Authorization header. The request's headers must hold Host and x-amz-date. */
const char *sigv4_authorization(struct sigv4_signer *, struct arena *, const struct sigv4_request *,
    const char *date);
/*
 * The whole query of a presigned URL, without '?'. The request's query holds the other parameters.
 */
const char *sigv4_presign(struct sigv4_signer *, struct arena *, const struct sigv4_request *,
    const char *date, int expires);

/*
 * A body in signed chunks: each signature covers the previous one, the first one that of the
 * request. `sum` is the chunk's SHA-256.
 */
void sigv4_chunk_signature(struct sigv4_signer *, struct arena *, const char *date,
    const char *previous, const unsigned char sum[32], char out[SIGV4_SIGNATURE]);
/* Of the trailing headers, as "name:value\n" each. */
void sigv4_trailer_signature(struct sigv4_signer *, struct arena *, const char *date,
    const char *previous, const char *trailer, size_t len, char out[SIGV4_SIGNATURE]);

bool sigv4_parse_authorization(struct arena *, const char *text, struct sigv4_claim *,
    struct error *);
bool sigv4_parse_query(struct arena *, const struct sigv4_pair *query, size_t n,
    struct sigv4_claim *, struct error *);
/* Does the query have a parameter of a signature? */
bool sigv4_is_presigned(const struct sigv4_pair *query, size_t n);
/*
 * The request's headers are the claim's signed ones. `date` is X-Amz-Date of either form; now in
 * us.
 */
bool sigv4_verify(struct sigv4_signer *, struct arena *, const struct sigv4_claim *,
    const struct sigv4_request *, const char *date, int64_t now, struct error *);

/*
 * Splits and decodes a raw query ("a=1&b"); false when an escape is malformed or there are too
 * many.
 */
bool sigv4_split_query(struct arena *, const char *raw, struct sigv4_pair **, size_t *n);
/* NULL when absent */
const char *sigv4_pair_get(const struct sigv4_pair *, size_t n, const char *name);

#endif
