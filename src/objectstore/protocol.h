/* What the files of the S3 protocol share; for src/objectstore only. */
#ifndef MN_OBJECTSTORE_PROTOCOL_H
#define MN_OBJECTSTORE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "http/request.h"
#include "http/response.h"
#include "objectstore/objects.h"
#include "service/call.h"
#include "service/services.h"

#define PROTOCOL_XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define PROTOCOL_XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define PROTOCOL_BODY_MAX (4UL << 20) /* bytes of an XML body: 10 000 parts with their tags */
#define PROTOCOL_HEADERS_MAX 20       /* other headers stored with an object */
#define PROTOCOL_META_MAX 4096        /* bytes of them */
#define PROTOCOL_URI_MAX 12288        /* bytes of a request target */

/* One parsed S3 request. */
struct protocol_request {
	const struct request *http;
	struct call call;
	const char *method;
	const char *path;         /* decoded, for the signature */
	const char *bucket, *key; /* "" when absent */
	struct sigv4_pair *query;
	size_t nquery;
	int64_t length; /* announced; -1: none */
	bool presigned;
	/* the claims of the request's signature; NULL before protocol_claim() */
	const struct sigv4_claim *claim;
	int64_t expires_at; /* of a presigned URL, us */
};

typedef bool protocol_operation_fn(const struct protocol_request *, struct response *,
    struct error *);

bool protocol_request_parse(struct protocol_request *, struct services *, const struct request *,
    struct error *);
/* Fills req->claim, unverified. */
bool protocol_claim(struct protocol_request *, struct error *);
struct sigv4_signer *protocol_signer(struct services *); /* our signer; caches the day's key */
/*
 * Does x-amz-content-sha256 announce a body in chunks (aws-chunked)? And the announced number of
 * decoded bytes, -1 if absent.
 */
bool protocol_streaming(const char *payload);
int64_t protocol_decoded_length(const struct protocol_request *);
/* Verifies the signature and that it covers all it must. */
bool protocol_authorize(struct protocol_request *, struct error *);

const char *protocol_query(const struct protocol_request *,
    const char *name); /* NULL when absent */
bool protocol_query_int(const struct protocol_request *, const char *name, int64_t min, int64_t max,
    int64_t fallback, int64_t *, struct error *);
/* The object or upload of the request. */
struct object_name protocol_object_name(const struct protocol_request *);
struct object_upload_name protocol_upload_name(const struct protocol_request *);
/* The upload whose presigned URL this is (OBJECT_CLIENT_PREFIX), or NULL. */
const char *protocol_client(const struct protocol_request *);
/* as "x-amz-date"; NULL when absent or empty */
const char *protocol_header(const struct protocol_request *, const char *name);
/*
 * The sub-resource in the query if this store does not support it: "policy", "cors", ...; else
 * NULL.
 */
const char *protocol_unsupported(const struct protocol_request *);

bool protocol_read(const struct protocol_request *, struct response *, struct error *);
bool protocol_write(const struct protocol_request *, struct response *, struct error *);

/* Reads: protocol_list.c and protocol_get.c. */
protocol_operation_fn protocol_list_buckets, protocol_list_objects, protocol_list_uploads,
    protocol_list_parts, protocol_get_location, protocol_get_versioning, protocol_get_acl,
    protocol_get_tagging, protocol_head_bucket, protocol_get_object;
bool protocol_part_number(const struct protocol_request *, int *, struct error *);
/* Writes: protocol_put.c and protocol_multi.c. */
protocol_operation_fn protocol_put_bucket, protocol_delete_bucket, protocol_put_object,
    protocol_copy_object, protocol_delete_object, protocol_delete_objects, protocol_upload_create,
    protocol_upload_part, protocol_upload_part_copy, protocol_upload_complete,
    protocol_upload_abort;

/* Responses. */
bool protocol_xml(const struct protocol_request *, struct response *, int status,
    const struct buf *, struct error *);
int protocol_status(const struct error *);       /* HTTP status of an S3 error */
const char *protocol_slug(const struct error *); /* S3's code */

/* Conditions (RFC 9110 section 13.2.2). */
bool protocol_etag_listed(const char *list, const char *etag);
enum protocol_verdict { PROTOCOL_PASS, PROTOCOL_NOT_MODIFIED, PROTOCOL_FAILED };
struct protocol_conditions {
	const char *if_match, *if_none_match, *if_modified_since, *if_unmodified_since;
};
enum protocol_verdict protocol_judge(const struct protocol_conditions *, const struct object_row *);

/* The body of a write as its headers describe it (protocol_body.c). */
bool protocol_body(const struct protocol_request *, struct object_body *, struct error *);
/* Its x-amz-checksum-* header; header NULL: none. */
bool protocol_checksum(const struct protocol_request *, struct object_checksum *, struct error *);
/* The text of a small body. */
bool protocol_body_read(const struct protocol_request *, const char **text, size_t *len,
    struct error *);
/* The headers to store with an object, as a JSON object. */
bool protocol_kept_headers(const struct protocol_request *, const char **json, struct error *);
bool protocol_header_safe(const char *value); /* no control character */
const char *protocol_content_type(const struct protocol_request *);
/* Finds the source of x-amz-copy-source and checks the conditions on it. */
bool protocol_copy_source(const struct protocol_request *, struct object_row *, struct error *);

/* XML bodies, with their own limits; the fuzz target calls these too. */
struct protocol_delete_list {
	const char **keys;
	size_t n;
	bool quiet;
};
bool protocol_parse_delete(struct arena *, const char *, size_t len, struct protocol_delete_list *,
    struct error *);
bool protocol_parse_complete(struct arena *, const char *, size_t len, struct object_part_claim **,
    size_t *n, struct error *);

#endif
