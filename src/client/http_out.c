#include "client/http_out.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"

#include "core/banned.h"

struct breaker {
	char origin[HTTP_OUT_ORIGIN_MAX];
	int failures;
	long long probe_at /* us */, used_at;
};

static struct breaker breakers[HTTP_OUT_ORIGINS]; /* of this process: a worker learns for itself */

/* That of the origin, or of the one not used for longest, made anew. */
static struct breaker *
breaker_of(const char *origin, long long now)
{
	struct breaker *b, *oldest = &breakers[0];

	for (b = breakers; b < breakers + HTTP_OUT_ORIGINS; b++) {
		if (strcmp(b->origin, origin) == 0) {
			b->used_at = now;
			return b;
		}
		if (b->used_at < oldest->used_at)
			oldest = b;
	}
	*oldest = (struct breaker) { .used_at = now };
	str_copy(oldest->origin, sizeof(oldest->origin), origin);
	return oldest;
}

bool
http_out_breaker_admits(const char *origin, long long now)
{
	struct breaker *b = breaker_of(origin, now);

	if (b->failures < HTTP_OUT_FAILURES)
		return true;
	if (now < b->probe_at)
		return false;
	b->probe_at = now + HTTP_OUT_PROBE_SECONDS * US_PER_SEC;
	return true;
}

void
http_out_breaker_result(const char *origin, bool ok, long long now)
{
	struct breaker *b = breaker_of(origin, now);

	if (ok) {
		b->failures = 0;
	} else if (b->failures < HTTP_OUT_FAILURES && ++b->failures == HTTP_OUT_FAILURES) {
		b->probe_at = now + HTTP_OUT_PROBE_SECONDS * US_PER_SEC;
	}
}

/* State of one call, for libcurl's callbacks. */
struct call {
	const struct http_out *out;
	struct buf answer;
	bool refused;
};

static size_t
on_write(char *data, size_t size, size_t n, void *context)
{
	struct call *call = context;

	buf_add(&call->answer, data, size * n);
	return call->answer.overflow ? 0 : size * n;
}

static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = context;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !http_out_may_reach(call->out->allow, &address->addr)) {
		call->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* scheme://host:port in one spelling; false when the text is no URL of ours. */
static bool
origin_of(const char *url, char origin[HTTP_OUT_ORIGIN_MAX])
{
	char *scheme = NULL, *host = NULL, *port = NULL;
	CURLU *parts = curl_url();
	bool ok;

	ok = parts != NULL &&
	    curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    (str_eq(scheme, "http") || str_eq(scheme, "https")) &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	    snprintf(origin, HTTP_OUT_ORIGIN_MAX, "%s://%s:%s", scheme, host, port) <
		HTTP_OUT_ORIGIN_MAX;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return ok;
}

static void
set_options(CURL *curl, struct call *call, struct curl_slist *headers, char *reason)
{
	const struct http_out *out = call->out;

	curl_easy_setopt(curl, CURLOPT_URL, out->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(out->timeout_ms < HTTP_OUT_CONNECT_MS ? out->timeout_ms : HTTP_OUT_CONNECT_MS));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)out->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
	if (out->body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)out->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, out->body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, out->method);
}

static bool
call_failed(const struct call *call, const char *origin, CURLcode code, const char *reason,
    struct error *err)
{
	if (call->answer.overflow)
		error_set(err, ERR_UPSTREAM, "The other server's answer is too long.");
	else if (call->refused && code == CURLE_COULDNT_CONNECT)
		error_slug(err, ERR_UNPROCESSABLE, "refused_address",
		    "The address is not one that this server may connect to.");
	else
		error_set(err, ERR_UNAVAILABLE, "The other server does not answer.");
	return error_detail(err, "%s: %s", origin,
	    reason[0] != '\0' ? reason : curl_easy_strerror(code));
}

static bool
perform(CURL *curl, struct call *call, const char *origin, struct curl_slist *headers,
    struct http_answer *answer, struct error *err)
{
	char reason[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;

	set_options(curl, call, headers, reason);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	/* A refused address says nothing about the other side. */
	if (!call->refused || code == CURLE_OK)
		http_out_breaker_result(origin, code == CURLE_OK && status < 500,
		    clock_monotonic());
	if (code != CURLE_OK)
		return call_failed(call, origin, code, reason, err);
	*answer = (struct http_answer) { (int)status, call->answer.data, call->answer.len };
	return true;
}

bool
http_out(struct arena *arena, const struct http_out *out, struct http_answer *answer,
    struct error *err)
{
	struct call call = { .out = out };
	char origin[HTTP_OUT_ORIGIN_MAX];
	struct curl_slist *headers = NULL;
	const char *const *header;
	CURL *curl;
	bool ok;

	if (!origin_of(out->url, origin))
		return error_slug(err, ERR_UNPROCESSABLE, "refused_address",
		    "This is no http or https URL.");
	if (!http_out_breaker_admits(origin, clock_monotonic())) {
		error_set(err, ERR_UNAVAILABLE,
		    "The other server has failed again and again; it is asked again in a while.");
		err->retry_after = HTTP_OUT_PROBE_SECONDS;
		return error_detail(err, "%s: the breaker is open", origin);
	}
	if ((curl = curl_easy_init()) == NULL)
		return error_set(err, ERR_INTERNAL, "libcurl cannot be used.");
	buf_init(&call.answer, arena, out->answer_max);
	for (header = out->headers; header != NULL && *header != NULL; header++)
		headers = curl_slist_append(headers, *header);
	ok = perform(curl, &call, origin, headers, answer, err);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return ok;
}
