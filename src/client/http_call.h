/*
 * What http_out.c, http_each.c and http_many.c share: one request as libcurl sees it. For these
 * only.
 */
#ifndef MN_CLIENT_HTTP_CALL_H
#define MN_CLIENT_HTTP_CALL_H

#include <curl/curl.h>

#include "client/http_out.h"
#include "core/str.h"

/* State of one call, for libcurl's callbacks. */
struct http_call {
	const struct http_out *out;
	CURL *curl;
	char origin[HTTP_OUT_ORIGIN_MAX];
	char breaker[HTTP_OUT_ORIGIN_MAX]; /* whose breaker judges it: the origin, or its purpose */
	struct curl_slist *headers;
	char reason[CURL_ERROR_SIZE];
	int64_t start;
	struct buf answer;
	size_t sunk; /* bytes that the sink took */
	bool refused, stopped, too_long;
	bool opened;   /* a socket, for this call */
	bool not_kept; /* so it was not sent, as http_out.kept demands */
};

/* scheme://host:port in one spelling; false if the text is not a URL that we accept. */
bool http_call_origin(const char *url, char origin[HTTP_OUT_ORIGIN_MAX]);
/* To be freed with curl_slist_free_all(). */
struct curl_slist *http_call_headers(const struct http_out *);
/* Sets all options of call->curl. The call must outlive the transfer. */
void http_call_set(struct http_call *);
/*
 * Fills a call without making it. Anything but CALL_ANSWERED: it has ended already, by its URL or
 * because the breaker is open.
 */
enum call_end http_call_open(struct arena *, const struct http_out *, struct http_call *,
    struct error *);
/* Ends an opened call: tells the breaker, fills the answer or the error. */
void http_call_close(struct http_call *, CURLcode, struct http_answer *, struct error *);
enum call_end http_call_end(const struct http_call *, CURLcode);
/* The handle that is kept for later calls under these rules; NULL: libcurl could not be started. */
CURL *http_kept(const struct outbound *);
CURLM *http_kept_multi(const struct outbound *);
bool http_not_started(struct error *);

#endif
