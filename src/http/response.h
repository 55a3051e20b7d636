/* The response under construction, in the request's arena. Content-Length is always sent. */
#ifndef MN_HTTP_RESPONSE_H
#define MN_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct call;
struct error;
struct json;
struct request;

#define RESPONSE_HEADERS_MAX 32

struct header {
	const char *name;
	const char *value;
};

struct response {
	struct arena *arena;
	int status;
	const char *content_type; /* NULL: no body */
	const char *body;
	size_t body_len;
	/*
	 * stored instead of the body for an Idempotency-Key, for the route's replay; NULL: the body
	 */
	const char *memo;
	struct header headers[RESPONSE_HEADERS_MAX];
	unsigned nheaders;
};

void response_init(struct response *, struct arena *);
/* Clears status, body and headers that a failed handler has left. */
void response_clear(struct response *);
/* value of a header (ASCII case ignored), or NULL */
const char *response_find(const struct response *, const char *name);
/* Adds a header; the value is copied. CR, LF or NUL in it is a bug and ends the process. */
void response_header(struct response *, const char *name, const char *value);
void response_headerf(struct response *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A JSON body from a finished writer. False (ERR_INTERNAL) when the writer overflowed or is not
 * closed.
 */
bool response_json(struct response *, int status, struct json *, struct error *);
bool response_json_text(struct response *, int status, const char *, size_t, struct error *);
/* A body of another type, borrowed. */
bool response_text(struct response *, const char *content_type, const char *, size_t);
bool response_empty(struct response *, int status);
bool response_redirect(struct response *, int status, const char *url, const char *cache_control);
/* Sets ETag (pass "version-bucket" without quotes) and responds 304 when If-None-Match matches. */
bool response_json_etag(const struct request *, struct response *, int status, struct json *,
    const char *etag, struct error *);
/* Whether If-Match demands a version: it is there, and not "*". */
bool request_wants_version(const struct request *);
/* If-Match against the version part; without one any matches. ERR_PRECONDITION otherwise. */
bool request_if_match(const struct request *, long long version, struct error *);
/* Reads the version of what has this id, as the caller may see it. */
typedef bool version_read_fn(const struct call *, const char *id, int64_t *version, struct error *);
/*
 * The version that If-Match demands, 0 if any will do: it is read first, because If-Match is
 * compared with the current one, which the change itself then expects.
 */
bool request_expects(const struct request *, version_read_fn *, const char *id, int64_t *version,
    struct error *);

#endif
