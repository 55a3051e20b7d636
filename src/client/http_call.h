/* What http_out.c and http_many.c share: one request as libcurl sees it. For these two only. */
#ifndef MN_CLIENT_HTTP_CALL_H
#define MN_CLIENT_HTTP_CALL_H

#include <curl/curl.h>

#include "client/http_out.h"
#include "core/str.h"

/* State of one call, for libcurl's callbacks. */
struct http_call {
	const struct http_out *out;
	CURL *curl;
	struct buf answer;
	size_t sunk; /* bytes that the sink took */
	bool refused, stopped, too_long;
};

/* scheme://host:port in one spelling; false if the text is not a URL that we accept. */
bool http_call_origin(const char *url, char origin[HTTP_OUT_ORIGIN_MAX]);
/* Sets all options; `reason` has CURL_ERROR_SIZE bytes. Everything must outlive the transfer. */
void http_call_set(struct http_call *, struct curl_slist *headers, char *reason);
/* To be freed with curl_slist_free_all(). */
struct curl_slist *http_call_headers(const struct http_out *);
enum call_end http_call_end(const struct http_call *, CURLcode);

#endif
