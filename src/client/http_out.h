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
 * Whether: a circuit breaker for each origin (breaker.h); no answer counts as a failure, and 5xx.
 *
 * Connections are kept between the calls of a process, each for its origin, for HTTP_OUT_IDLE_S
 * and while the rules that it was judged by are the same. A program that calls here ignores
 * SIGPIPE.
 *
 *	const struct http_out out = { .method = "GET", .url = url, .timeout_ms = 2000,
 *		.answer_max = 1 << 20, .rules = outbound_of(config) };
 *	struct http_answer answer;
 *
 *	if (!http_out(arena, &out, &answer, err))
 *		return ANSWER_UNKNOWN;
 *	return answer_kind_of(answer.status);
 */
#ifndef MN_CLIENT_HTTP_OUT_H
#define MN_CLIENT_HTTP_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "client/outbound.h"

struct arena;
struct error;
struct sockaddr;

#define HTTP_OUT_CONNECT_MS 2000
#define HTTP_OUT_KEPT_MAX 8     /* connections that a process keeps */
#define HTTP_OUT_IDLE_S 60      /* seconds after which one is not used again */
#define HTTP_OUT_ORIGIN_MAX 300 /* bytes */

struct http_out {
	const char *method, *url;
	const char *const *headers; /* "Name: value", ends with NULL; or NULL */
	const char *body;           /* or NULL */
	size_t body_len;
	int timeout_ms;    /* for all of it */
	size_t answer_max; /* bytes */
	struct outbound rules;
};

struct http_answer {
	enum call_end end; /* CALL_ANSWERED: the rest is filled, whatever the status */
	int status;
	const char *body;
	size_t len;
};

/*
 * False: no answer; answer->end says what failed, and the error too: ERR_UNPROCESSABLE
 * refused_address; ERR_UPSTREAM upstream_tls, upstream_protocol, upstream_too_long; ERR_UNAVAILABLE
 * upstream_unreachable, upstream_timeout, upstream_suspended (the breaker is open).
 */
bool http_out(struct arena *, const struct http_out *, struct http_answer *, struct error *);
/* Closes the connections that were kept. */
void http_out_close(void);

/*
 * May an outbound connection go there? `allow`: comma-separated address:port, network/bits:port,
 * [v6]:port, [v6/bits]:port.
 */
bool http_out_may_reach(const char *allow, const struct sockaddr *);

#endif
