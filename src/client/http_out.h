/*
 * The one way out by HTTP, on libcurl: http and https only, no proxy, no redirects, deadlines, a
 * cap on the answer, and two guards.
 *
 * Where: the address that libcurl is about to connect to is judged, not the name, so that neither
 * DNS nor odd spellings lead inside. What is not public is refused unless `outbound.allow` names
 * it: private networks (RFC 1918, RFC 4193, RFC 6598) by address or network, loopback and
 * link-local by exact address only, multicast and what is no address of a host never. Nothing is
 * sent before the address has passed.
 *
 * Whether: a circuit breaker for each origin, in this process: after HTTP_OUT_FAILURES failures (no
 * answer, or 5xx) in a row calls fail at once, and one probe is let through every
 * HTTP_OUT_PROBE_SECONDS.
 */
#ifndef MN_CLIENT_HTTP_OUT_H
#define MN_CLIENT_HTTP_OUT_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;
struct sockaddr;

#define HTTP_OUT_CONNECT_MS 2000
#define HTTP_OUT_FAILURES 5
#define HTTP_OUT_PROBE_SECONDS 30
/* that a process keeps a breaker for; the least recently used one is forgotten */
#define HTTP_OUT_ORIGINS 32
#define HTTP_OUT_ORIGIN_MAX 300 /* bytes */

struct http_out {
	const char *method, *url;
	const char *const *headers; /* "Name: value", ends with NULL; or NULL */
	const char *body;           /* or NULL */
	size_t body_len;
	int timeout_ms;    /* for all of it */
	size_t answer_max; /* bytes */
	const char *allow; /* outbound.allow */
};

struct http_answer {
	int status;
	const char *body;
	size_t len;
};

/*
 * True: there is an answer, of whatever status. ERR_UNPROCESSABLE refused_address: not allowed;
 * ERR_UPSTREAM: too long, or no HTTP; ERR_UNAVAILABLE: no answer in time, or the breaker is open.
 */
bool http_out(struct arena *, const struct http_out *, struct http_answer *, struct error *);

/*
 * May an outbound connection go there? `allow`: comma-separated address:port, network/bits:port,
 * [v6]:port, [v6/bits]:port.
 */
bool http_out_may_reach(const char *allow, const struct sockaddr *);

/* The breaker by itself: may `origin` be called now (monotonic us)? Then say how it went. */
bool http_out_breaker_admits(const char *origin, long long now);
void http_out_breaker_result(const char *origin, bool ok, long long now);

#endif
