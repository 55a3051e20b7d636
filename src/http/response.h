/* The answer under construction; memory from the request's arena. Content-Length is always sent. */
#ifndef MN_HTTP_RESPONSE_H
#define MN_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
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
	 * kept in place of the body for an Idempotency-Key, for the route's replay; NULL: the body
	 */
	const char *memo;
	struct header headers[RESPONSE_HEADERS_MAX];
	unsigned nheaders;
};

void response_init(struct response *, struct arena *);
/* Forgets status, body and headers: what a handler left that failed half way. */
void response_clear(struct response *);
/* value of a header (ASCII case ignored), or NULL */
const char *response_find(const struct response *, const char *name);
/* Adds a header; value is copied; CR, LF and NUL in it are a bug and end the process. */
void response_header(struct response *, const char *name, const char *value);
void response_headerf(struct response *, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * A JSON body from a finished writer. False (ERR_INTERNAL) when the writer overflowed or is not
 * closed.
 */
bool response_json(struct response *, int status, struct json *, struct error *);
bool response_json_text(struct response *, int status, const char *, size_t, struct error *);
bool response_empty(struct response *, int status);
bool response_redirect(struct response *, int status, const char *url, const char *cache_control);
/* Sets ETag ("version-bucket" given without quotes) and turns a match of If-None-Match into 304. */
bool response_json_etag(const struct request *, struct response *, int status, struct json *,
    const char *etag, struct error *);
/* If-Match against the version part; absent header passes. ERR_PRECONDITION otherwise. */
bool request_if_match(const struct request *, long long version, struct error *);

#endif
