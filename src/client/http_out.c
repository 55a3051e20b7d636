#include "client/http_out.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/breaker.h"
#include "client/http_call.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/outside.h"
#include "core/metric.h"
#include "core/str.h"

#include "core/banned.h"

/*
 * What libcurl keeps between calls: connections, names, TLS sessions. It belongs to one process,
 * because two cannot share a connection, and to one set of rules.
 */
static struct {
	CURL *curl;
	CURLM *multi; /* of calls at the same time */
	pid_t owner;
	char *allow, *ca_file;
} kept;

void
http_out_close(void)
{
	/* A copy from before fork(2): closing it would end the parent's TLS sessions. */
	if (kept.curl != NULL && kept.owner == getpid()) {
		curl_easy_cleanup(kept.curl);
		curl_multi_cleanup(kept.multi);
	}
	free(kept.allow);
	free(kept.ca_file);
	memset(&kept, 0, sizeof(kept));
}

CURL *
http_kept(const struct outbound *rules)
{
	if (kept.curl != NULL &&
	    (kept.owner != getpid() || !str_eq(kept.allow, rules->allow) ||
		!str_eq(kept.ca_file, rules->ca_file)))
		http_out_close();
	if (kept.curl == NULL && (kept.curl = curl_easy_init()) != NULL) {
		kept.owner = getpid();
		kept.allow = xstrdup(rules->allow);
		kept.ca_file = xstrdup(rules->ca_file);
	}
	return kept.curl;
}

CURLM *
http_kept_multi(const struct outbound *rules)
{
	if (http_kept(rules) == NULL)
		return NULL;
	if (kept.multi == NULL && (kept.multi = curl_multi_init()) != NULL)
		curl_multi_setopt(kept.multi, CURLMOPT_MAXCONNECTS, (long)HTTP_OUT_KEPT_MAX);
	return kept.multi;
}

bool
http_not_started(struct error *err)
{
	return error_set(err, ERR_INTERNAL, "libcurl could not be started.");
}

static size_t
on_write(char *data, size_t size, size_t n, void *context)
{
	struct http_call *call = context;
	size_t len = size * n;
	long status = 0;

	curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
	if (call->out->sink == NULL || status < 200 || status > 299) {
		buf_add(&call->answer, data, len);
		call->too_long = call->answer.overflow;
	} else if (len > call->out->answer_max - call->sunk) {
		call->too_long = true;
	} else {
		call->sunk += len;
		call->stopped = !call->out->sink(call->out->sink_context, data, len);
	}
	return call->too_long || call->stopped ? 0 : len;
}

static curl_socket_t
on_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = context;

	if (purpose != CURLSOCKTYPE_IPCXN ||
	    !http_out_may_reach(call->out->rules.allow, &address->addr)) {
		call->refused = true;
		if (call->out->refused != NULL)
			http_out_entry(&address->addr, call->out->refused);
		return CURL_SOCKET_BAD;
	}
	call->opened = true;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Just before the request is sent, also when libcurl sends it again. */
static int
on_request(void *context, char *ip, char *local_ip, int port, int local_port)
{
	struct http_call *call = context;

	call->not_kept = call->opened;
	return call->not_kept ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

bool
http_call_origin(const char *url, char origin[HTTP_OUT_ORIGIN_MAX])
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
set_limits(CURL *curl, const struct http_out *out)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, (long)HTTP_OUT_KEPT_MAX);
	curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, (long)HTTP_OUT_IDLE_S);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(out->timeout_ms < HTTP_OUT_CONNECT_MS ? out->timeout_ms : HTTP_OUT_CONNECT_MS));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)out->timeout_ms);
	/* The system's directory of authorities (CURLOPT_CAPATH) still applies. */
	if (out->rules.ca_file[0] != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, out->rules.ca_file);
}

static void
set_request(CURL *curl, struct http_call *call)
{
	const struct http_out *out = call->out;

	curl_easy_setopt(curl, CURLOPT_URL, out->url);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
	if (out->kept) {
		curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_request);
		curl_easy_setopt(curl, CURLOPT_PREREQDATA, call);
	}
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->reason);
	if (out->body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)out->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, out->body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, out->method);
}

void
http_call_set(struct http_call *call)
{
	curl_easy_reset(call->curl); /* resets options only; connections stay open */
	set_limits(call->curl, call->out);
	set_request(call->curl, call);
}

struct curl_slist *
http_call_headers(const struct http_out *out)
{
	struct curl_slist *headers = NULL;

	for (const char *const *h = out->headers; h != NULL && *h != NULL; h++)
		headers = curl_slist_append(headers, *h);
	return headers;
}

bool
http_out_is_url(const char *url)
{
	char origin[HTTP_OUT_ORIGIN_MAX];

	return http_call_origin(url, origin);
}

bool
http_out_is_base(const char *url)
{
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f || strchr("@?#\\\"<>", *c) != NULL)
			return false;
	return http_out_is_url(url);
}

enum call_end
http_call_end(const struct http_call *call, CURLcode code)
{
	if (call->not_kept)
		return CALL_NOT_KEPT;
	if (call->too_long)
		return CALL_TOO_LONG;
	if (call->stopped)
		return CALL_PROTOCOL;
	if (call->refused && code == CURLE_COULDNT_CONNECT)
		return CALL_REFUSED_ADDRESS;
	return call_end_of((int)code);
}

static bool
end_set(enum call_end end, struct error *err)
{
	switch (end) {
	case CALL_ANSWERED: return true;
	case CALL_REFUSED_ADDRESS:
		return error_slug(err, ERR_UNPROCESSABLE, "refused_address",
		    "Connections to that address are not allowed. Add it to outbound.allow.");
	case CALL_TLS:
		return error_slug(err, ERR_UPSTREAM, "upstream_tls",
		    "The other server's certificate is not trusted, or the server does not"
		    " support TLS. Check the address and outbound.ca_file.");
	case CALL_TIMEOUT:
		return error_slug(err, ERR_UNAVAILABLE, "upstream_timeout",
		    "The other server did not respond in time. Try again later.");
	case CALL_PROTOCOL:
		return error_slug(err, ERR_UPSTREAM, "upstream_protocol",
		    "The other server's response is not HTTP. Check the address and the port.");
	case CALL_TOO_LONG:
		return error_slug(err, ERR_UPSTREAM, "upstream_too_long",
		    "The other server's response is too large.");
	case CALL_SUSPENDED:
		error_slug(err, ERR_UNAVAILABLE, "upstream_suspended",
		    "The other server failed several times in a row. Try again in a minute.");
		err->retry_after = BREAKER_PROBE_SECONDS;
		return false;
	case CALL_UNREACHABLE:
	case CALL_NOT_KEPT:
	case CALL_REFUSED:
	default:
		return error_slug(err, ERR_UNAVAILABLE, "upstream_unreachable",
		    "The other server could not be reached. Check the address and the port.");
	}
}

enum call_end
http_call_open(struct arena *arena, const struct http_out *out, struct http_call *call,
    struct error *err)
{
	*call = (struct http_call) { .out = out, .start = clock_monotonic() };
	if (!http_call_origin(out->url, call->origin)) {
		error_slug(err, ERR_UNPROCESSABLE, "refused_address",
		    "The URL must start with http:// or https:// and contain no user name or"
		    " password.");
		return CALL_REFUSED_ADDRESS;
	}
	if (out->purpose == NULL ||
	    snprintf(call->breaker, sizeof(call->breaker), "%s %s", call->origin, out->purpose) >=
		(int)sizeof(call->breaker))
		str_copy(call->breaker, sizeof(call->breaker), call->origin);
	if (!breaker_admits(call->breaker, clock_monotonic()) && !out->insist) {
		end_set(CALL_SUSPENDED, err);
		error_detail(err, "%s: the breaker is open", call->breaker);
		return CALL_SUSPENDED;
	}
	buf_init(&call->answer, arena, out->answer_max);
	call->headers = http_call_headers(out);
	return CALL_ANSWERED;
}

void
http_call_close(struct http_call *call, CURLcode code, struct http_answer *answer,
    struct error *err)
{
	enum call_end end = http_call_end(call, code);
	curl_off_t retry_after = 0;
	long status = 0;

	curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &retry_after);
	/* A refused address says nothing about the other server, nor does what was not sent. */
	if (end != CALL_REFUSED_ADDRESS && end != CALL_NOT_KEPT)
		breaker_result(call->breaker, end == CALL_ANSWERED && status < 500,
		    clock_monotonic());
	*answer = (struct http_answer) { end, (int)status, call->answer.data, call->answer.len,
		retry_after < INT_MAX ? (int)retry_after : INT_MAX };
	if (!end_set(end, err))
		error_detail(err, "%s: %s", call->origin,
		    call->reason[0] != '\0' ? call->reason : curl_easy_strerror(code));
	/* The handle outlives the data that its options point to. */
	curl_easy_reset(call->curl);
	curl_slist_free_all(call->headers);
}

static void
call_out(struct arena *arena, const struct http_out *out, struct http_answer *answer,
    struct error *err)
{
	CURL *curl = http_kept(&out->rules);
	struct http_call call;

	if (curl == NULL) {
		http_not_started(err);
		return;
	}
	answer->end = http_call_open(arena, out, &call, err);
	if (answer->end != CALL_ANSWERED)
		return;
	call.curl = curl;
	http_call_set(&call);
	(void)outside_call("another server");
	http_call_close(&call, curl_easy_perform(curl), answer, err);
}

bool
http_out(struct arena *arena, const struct http_out *out, struct http_answer *answer,
    struct error *err)
{
	int64_t start = clock_monotonic();

	*answer = (struct http_answer) { .end = CALL_UNREACHABLE };
	call_out(arena, out, answer, err);
	if (answer->end != CALL_NOT_KEPT)
		call_measure(out->service, answer->end, clock_monotonic() - start);
	return answer->end == CALL_ANSWERED;
}
