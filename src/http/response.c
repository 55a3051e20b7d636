#include "http/response.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "http/request.h"
#include "core/banned.h"

#define JSON_TYPE "application/json"
/* the browser may keep it but must revalidate each time */
#define ETAG_CACHE_CONTROL "private, no-cache"

void
response_init(struct response *res, struct arena *arena)
{
	memset(res, 0, sizeof(*res));
	res->arena = arena;
}

void
response_clear(struct response *res)
{
	response_init(res, res->arena);
}

const char *
response_find(const struct response *res, const char *name)
{
	for (unsigned i = 0; i < res->nheaders; i++) {
		if (str_ieq(res->headers[i].name, name))
			return res->headers[i].value;
	}
	return NULL;
}

void
response_header(struct response *res, const char *name, const char *value)
{
	if (res->nheaders == RESPONSE_HEADERS_MAX || strpbrk(value, "\r\n") != NULL) {
		log_crit(NULL, "bug: header %s cannot be sent", name);
		abort();
	}
	res->headers[res->nheaders++] = (struct header) { name, arena_strdup(res->arena, value) };
}

void
response_headerf(struct response *res, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	response_header(res, name, arena_vprintf(res->arena, fmt, ap));
	va_end(ap);
}

bool
response_json_text(struct response *res, int status, const char *text, size_t len,
    struct error *err)
{
	(void)err;
	res->status = status;
	res->content_type = JSON_TYPE;
	res->body = text;
	res->body_len = len;
	return true;
}

bool
response_json(struct response *res, int status, struct json *json, struct error *err)
{
	if (json->buf.overflow || json->depth != 0) {
		error_set(err, ERR_INTERNAL, "The response could not be created.");
		return error_detail(err, "JSON writer: overflow %d, depth %u", json->buf.overflow,
		    json->depth);
	}
	return response_json_text(res, status, json->buf.data, json->buf.len, err);
}

bool
response_text(struct response *res, const char *content_type, const char *text, size_t len)
{
	res->status = 200;
	res->content_type = content_type;
	res->body = text;
	res->body_len = len;
	return true;
}

bool
response_empty(struct response *res, int status)
{
	res->status = status;
	res->content_type = NULL;
	res->body = NULL;
	res->body_len = 0;
	return true;
}

bool
response_redirect(struct response *res, int status, const char *url, const char *cache_control)
{
	response_header(res, "Location", url);
	response_header(res, "Cache-Control", cache_control);
	return response_empty(res, status);
}

/*
 * Walks the entity tags of If-Match or If-None-Match (RFC 9110 section 13.1). W/ is ignored: nginx
 * weakens the tag of a response that it compresses, and the versions compared here are exact
 * anyway.
 */
static bool
etag_next(const char **list, const char **tag, size_t *len)
{
	const char *p = *list + strspn(*list, " \t,"), *end;

	if (p[0] == 'W' && p[1] == '/')
		p += 2;
	if (*p != '"' || (end = strchr(p + 1, '"')) == NULL)
		return false;
	*tag = p + 1;
	*len = (size_t)(end - p - 1);
	*list = end + 1;
	return true;
}

static bool
list_is_star(const char *list)
{
	list += strspn(list, " \t");
	return list[0] == '*' && list[1 + strspn(list + 1, " \t")] == '\0';
}

static bool
etag_listed(const char *list, const char *etag)
{
	const char *tag;
	size_t len;

	if (list_is_star(list))
		return true;
	while (etag_next(&list, &tag, &len)) {
		if (len == strlen(etag) && memcmp(tag, etag, len) == 0)
			return true;
	}
	return false;
}

bool
response_json_etag(const struct request *req, struct response *res, int status, struct json *json,
    const char *etag, struct error *err)
{
	response_headerf(res, "ETag", "\"%s\"", etag);
	response_header(res, "Cache-Control", ETAG_CACHE_CONTROL);
	if (status == 200 && req->method == METHOD_GET && req->if_none_match != NULL &&
	    etag_listed(req->if_none_match, etag))
		return response_empty(res, 304);
	return response_json(res, status, json, err);
}

bool
request_wants_version(const struct request *req)
{
	return req->if_match != NULL && !list_is_star(req->if_match);
}

bool
request_if_match(const struct request *req, long long version, struct error *err)
{
	const char *list = req->if_match, *tag;
	char want[24];
	size_t len;

	if (!request_wants_version(req))
		return true;
	snprintf(want, sizeof(want), "%lld", version);
	while (etag_next(&list, &tag, &len)) {
		size_t n = 0;

		while (n < len && tag[n] != '-')
			n++;
		if (n == strlen(want) && memcmp(tag, want, n) == 0)
			return true;
	}
	return error_set(err, ERR_PRECONDITION,
	    "It has changed since you loaded it. Load it again.");
}

bool
request_expects(const struct request *req, version_read_fn *read, const char *id, int64_t *version,
    struct error *err)
{
	int64_t now;

	*version = 0;
	if (!request_wants_version(req))
		return true;
	if (!read(req->call, id, &now, err) || !request_if_match(req, now, err))
		return false;
	*version = now;
	return true;
}
