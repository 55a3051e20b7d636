/*
 * What all calls to other servers have in common: the operator's rules, how a call can end, and
 * what its answer means.
 */
#ifndef MN_CLIENT_OUTBOUND_H
#define MN_CLIENT_OUTBOUND_H

#include <stdint.h>

struct config;

/* The rules, from the settings; borrowed from them. */
struct outbound {
	const char *allow;   /* outbound.allow: what http_address.c reads */
	const char *ca_file; /* outbound.ca_file: authorities beside the system's; "" = none */
};
struct outbound outbound_of(const struct config *);

/*
 * What was asked for is there, or the other server says that it is not, or we do not know (no
 * answer, or one that says nothing about it). Functions that return it fill their struct error
 * with ANSWER_UNKNOWN only. Unknown is never a reason to remove anything here.
 */
enum answer_kind { ANSWER_PRESENT, ANSWER_ABSENT, ANSWER_UNKNOWN };
enum answer_kind answer_kind_of(int http_status);

/* How a call ended: what failed, as far as the person who set it up can mend it. */
enum call_end {
	CALL_ANSWERED,
	CALL_REFUSED_ADDRESS, /* the rules do not let it go there */
	CALL_UNREACHABLE,     /* no such name, no connection, or it broke */
	CALL_TLS,             /* no trusted certificate of that name, or no TLS at all */
	CALL_TIMEOUT,
	CALL_PROTOCOL,  /* the other side speaks another protocol */
	CALL_TOO_LONG,  /* an answer past the caller's limit */
	CALL_SUSPENDED, /* not tried: the breaker is open (breaker.h) */
	CALL_REFUSED,   /* a refusal for good, where the protocol has one: SMTP's 5xx */
};
enum call_end call_end_of(int curl_code);
/* One call has ended; `protocol`: VALUE_PROTOCOL_* of core/metric.h. */
void call_measure(uint32_t protocol, enum call_end, int64_t us);

#endif
