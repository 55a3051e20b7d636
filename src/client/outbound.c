#include "client/outbound.h"

#include <curl/curl.h>

#include "core/config.h"
#include "core/metric.h"
#include "core/banned.h"

_Static_assert((int)CALL_ANSWERED == VALUE_CALL_ANSWERED && (int)CALL_REFUSED == VALUE_CALL_REFUSED,
    "the metric's label has the ends in their order");

struct outbound
outbound_of(const struct config *config)
{
	return (struct outbound) {
		.allow = config_str(config, CFG_OUTBOUND_ALLOW),
		.ca_file = config_str(config, CFG_OUTBOUND_CA_FILE),
	};
}

enum answer_kind
answer_kind_of(int status)
{
	if (status / 100 == 2)
		return ANSWER_PRESENT;
	return status == 404 || status == 410 ? ANSWER_ABSENT : ANSWER_UNKNOWN;
}

enum call_end
call_end_of(int code)
{
	switch ((CURLcode)code) {
	case CURLE_OK: return CALL_ANSWERED;
	case CURLE_OPERATION_TIMEDOUT: return CALL_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_USE_SSL_FAILED: return CALL_TLS;
	/* libcurl takes a response without a status line for HTTP/0.9, which is not supported. */
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: return CALL_PROTOCOL;
	default: return CALL_UNREACHABLE;
	}
}

void
call_measure(const char *service, enum call_end end, int64_t us)
{
	uint32_t label = metric_label(LABEL_SERVICE, service);

	metric_add(METRIC_OUTBOUND_CALLS, LABELS(label, (uint32_t)end), 1);
	if (end != CALL_SUSPENDED)
		metric_observe(METRIC_OUTBOUND_DURATION, LABELS(label), us);
}
