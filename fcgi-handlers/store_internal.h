/* What the files of the S3 protocol share; for fcgi-handlers/store*.c only. */
#ifndef MN_HANDLERS_STORE_INTERNAL_H
#define MN_HANDLERS_STORE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "http/request.h"
#include "http/response.h"
#include "service/objects.h"
#include "service/services.h"

#define STORE_XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define STORE_XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define STORE_BODY_MAX (4UL << 20) /* bytes of an XML body: 10 000 parts with their tags */
#define STORE_HEADERS_MAX 20       /* further headers kept with an object */
#define STORE_META_MAX 4096        /* bytes of them */
/* bytes that pass through a worker where nginx cannot send them */
#define STORE_SLICE_MAX (16 << 20)
#define STORE_URI_MAX 12288 /* bytes of a request target */

/* One S3 request, taken apart. */
struct store_request {
	const struct request *http;
	struct services *svc;
	struct arena *arena;
	const char *method;
	const char *path;         /* decoded, for the signature */
	const char *bucket, *key; /* "" when absent */
	struct sigv4_pair *query;
	size_t nquery;
	int64_t length; /* announced; -1: none */
	bool presigned;
	int64_t expires_at; /* of a presigned URL, us */
};

typedef bool store_operation_fn(const struct store_request *, struct response *, struct error *);

bool store_request_parse(struct store_request *, struct services *, const struct request *,
    struct error *);
/* What the request says about its signature, unverified. */
bool store_claim(struct store_request *, struct sigv4_claim *, struct error *);
struct sigv4_signer *store_signer(struct services *); /* ours; keeps the day's key */
/*
 * A body in chunks (aws-chunked), by its x-amz-content-sha256; and the bytes in it, -1 when that is
 * not told.
 */
bool store_streaming(const char *payload);
int64_t store_decoded_length(const struct store_request *);
/* Signature and what it must cover. */
bool store_authorize(struct store_request *, struct error *);

const char *store_query(const struct store_request *, const char *name); /* NULL when absent */
bool store_query_int(const struct store_request *, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *, struct error *);
/* as "x-amz-date"; NULL when absent or empty */
const char *store_header(const struct store_request *, const char *name);
/*
 * A sub-resource of the query that this store does not have: "policy", "cors", ...; NULL when none
 * is asked for.
 */
const char *store_unsupported(const struct store_request *);

bool store_read(const struct store_request *, struct response *, struct error *);
bool store_write(const struct store_request *, struct response *, struct error *);

/* Reads, store_list.c and store_get.c. */
store_operation_fn store_list_buckets, store_list_objects, store_list_uploads, store_list_parts,
    store_get_location, store_get_versioning, store_get_acl, store_get_tagging, store_head_bucket,
    store_get_object;
/* Writes, store_put.c and store_multi.c. */
store_operation_fn store_put_bucket, store_delete_bucket, store_put_object, store_copy_object,
    store_delete_object, store_delete_objects, store_upload_create, store_upload_part,
    store_upload_part_copy, store_upload_complete, store_upload_abort;

/* Answers. */
bool store_xml(const struct store_request *, struct response *, int status, const struct buf *,
    struct error *);
void store_error(const struct request *, struct response *, const struct error *);
int store_status(const struct error *);       /* HTTP status of an S3 error */
const char *store_slug(const struct error *); /* S3's code */

/* Conditions (RFC 9110 section 13.2.2). */
bool store_etag_listed(const char *list, const char *etag);
enum store_verdict { STORE_PASS, STORE_NOT_MODIFIED, STORE_FAILED };
struct store_conditions {
	const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since;
};
enum store_verdict store_judge(const struct store_conditions *, const struct object_row *);

/* The body of a write: what the headers say of it (store_body.c). */
bool store_body(const struct store_request *, struct object_body *, struct error *);
bool store_body_read(const struct store_request *, const char **text, size_t *len, struct error *);
/* Headers that are kept with an object, as a JSON object. */
bool store_kept_headers(const struct store_request *, const char **json, struct error *);
bool store_header_safe(const char *value); /* no control character */
const char *store_content_type(const struct store_request *);
/* x-amz-copy-source: found, and its conditions hold. */
bool store_copy_source(const struct store_request *, struct object_row *, struct error *);

/* XML bodies, with limits of their own: also the fuzz target's entry. */
struct store_delete_list {
	const char **keys;
	size_t n;
	bool quiet;
};
bool store_parse_delete(struct arena *, const char *, size_t len, struct store_delete_list *,
    struct error *);
bool store_parse_complete(struct arena *, const char *, size_t len, struct object_part_claim **,
    size_t *n, struct error *);

#endif
