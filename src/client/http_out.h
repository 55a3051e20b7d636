/*
 * All outbound HTTP, through libcurl: http and https only, no proxy, no redirects, with deadlines,
 * a size limit for responses, and two guards.
 *
 * The address: it is checked just before libcurl connects, in place of the name, so that neither
 * DNS nor odd spellings lead into the local network. Addresses that are not public are refused
 * unless `outbound.allow` names them: private networks (RFC 1918, RFC 4193, RFC 6598) by address or
 * network, loopback and link-local by exact address only. Multicast and other addresses that are
 * not those of a host are always refused. Nothing is sent before this check.
 *
 * The breaker: each origin has a circuit breaker (breaker.h); no response and 5xx count as
 * failures.
 *
 * A process keeps its connections for later calls to the same origin, for HTTP_OUT_IDLE_S and as
 * long as the rules do not change. The program must ignore SIGPIPE.
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
#define HTTP_OUT_IDLE_S 60      /* seconds after which an idle one is not used again */
#define HTTP_OUT_ORIGIN_MAX 300 /* bytes */
#define HTTP_OUT_EACH_MAX 16    /* calls at the same time */
#define HTTP_OUT_ENTRY_MAX 80   /* bytes of an entry of outbound.allow */

struct http_out {
	const char *method, *url;
	const char *const *headers; /* "Name: value", ends with NULL; or NULL */
	const char *body;           /* or NULL */
	size_t body_len;
	int timeout_ms;    /* for the whole call */
	size_t answer_max; /* bytes */
	/*
	 * Takes the body of a 2xx response as it arrives, which then is not in the answer; NULL:
	 * nobody does. Returns false to break off the call: CALL_PROTOCOL.
	 */
	bool (*sink)(void *context, const char *data, size_t len);
	void *sink_context;
	struct outbound rules;
	const char *service; /* whose server it is, for the metrics: a literal such as "tmdb" */
	/*
	 * NULL, or a word: calls for this purpose have a breaker of their own, because what ends
	 * them says nothing about others (a deadline that is far shorter).
	 */
	const char *purpose;
	char *refused; /* takes the entry of outbound.allow that is missing; or NULL */
	bool insist;   /* a person waits for the result: tried although the breaker is open */
	/*
	 * Sent only on a connection that an earlier call has opened. Where a new one is needed,
	 * also in place of one that had died, nothing is sent: CALL_NOT_KEPT.
	 */
	bool kept;
};

struct http_answer {
	enum call_end end; /* CALL_ANSWERED: the other fields are set, for every status */
	int status;
	const char *body;
	size_t len;
	int retry_after; /* seconds, from the header of that name; 0: there is none */
};

/*
 * Returns false without a response; answer->end and the error say what failed: ERR_UNPROCESSABLE
 * refused_address; ERR_UPSTREAM upstream_tls, upstream_protocol (also where the sink stopped),
 * upstream_too_long; ERR_UNAVAILABLE upstream_unreachable, upstream_timeout, upstream_suspended
 * (the breaker is open).
 */
bool http_out(struct arena *, const struct http_out *, struct http_answer *, struct error *);
/*
 * Makes up to HTTP_OUT_EACH_MAX calls at the same time, each with its own deadline; all have the
 * same rules. Each ends as one of http_out() would: see answers[i].end and, for those without a
 * response, errors[i].
 */
void http_out_each(struct arena *, const struct http_out *, size_t n, struct http_answer *answers,
    struct error *errors);
/* Closes the idle connections. */
void http_out_close(void);

/* Whether the text is a URL that a call may have: http or https, without a user name. */
bool http_out_is_url(const char *url);
/* The same for the address of a server, which paths are appended to: no query, no fragment. */
bool http_out_is_base(const char *url);
/*
 * May an outbound connection go there? `allow`: comma-separated address:port, network/bits:port,
 * [v6]:port, [v6/bits]:port.
 */
bool http_out_may_reach(const char *allow, const struct sockaddr *);
/* The entry that allows this address alone: "192.168.1.20:32400", "[fd00::1]:80". */
void http_out_entry(const struct sockaddr *, char entry[HTTP_OUT_ENTRY_MAX]);

#endif
