/*
 * What all calls to other servers have in common: the operator's rules, how a call can end, and
 * what its response means.
 */
#ifndef MN_CLIENT_OUTBOUND_H
#define MN_CLIENT_OUTBOUND_H

#include <stdint.h>

struct config;

/* The rules, from the settings; borrowed from them. */
struct outbound {
	const char *allow; /* outbound.allow: what http_address.c reads */
	/* outbound.ca_file: authorities in addition to the system's; "" = none */
	const char *ca_file;
};
struct outbound outbound_of(const struct config *);

/*
 * The requested thing exists, or the other server says that it does not, or this is unknown (no
 * response, or one that says nothing about it). Functions that return this fill their struct error
 * only for ANSWER_UNKNOWN. Unknown is never a reason to remove anything.
 */
enum answer_kind { ANSWER_PRESENT, ANSWER_ABSENT, ANSWER_UNKNOWN };
enum answer_kind answer_kind_of(int http_status);

/* How a call ended: distinguishes failures that the person who set it up can fix. */
enum call_end {
	CALL_ANSWERED,
	CALL_REFUSED_ADDRESS, /* the rules do not allow the address */
	CALL_UNREACHABLE,     /* no such name, no connection, or it broke */
	CALL_TLS,             /* no trusted certificate of that name, or no TLS at all */
	CALL_TIMEOUT,
	CALL_PROTOCOL,  /* the other side speaks another protocol */
	CALL_TOO_LONG,  /* a response larger than the caller's limit */
	CALL_SUSPENDED, /* not tried: the breaker is open (breaker.h) */
	CALL_REFUSED,   /* a permanent refusal, if the protocol has one: SMTP's 5xx */
	CALL_NOT_KEPT,  /* nothing was sent: see `kept` of http_out.h; never measured */
};
enum call_end call_end_of(int curl_code);
/* Records the end of a call to a service: a literal such as "tmdb"; NULL: "other". */
void call_measure(const char *service, enum call_end, int64_t us);

#endif
