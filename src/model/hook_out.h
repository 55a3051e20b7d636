/* Webhooks that go out: events, endpoints, deliveries. Strings belong to the arena of the call. */
#ifndef MN_MODEL_HOOK_OUT_H
#define MN_MODEL_HOOK_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "core/words.h"

/* What an endpoint can ask for; HOOK_EVERY_EVENT stands for all of them. */
#define HOOK_OUT_EVENT_LIST(X) \
	X("media.ready") \
	X("media.failed") \
	X("media.deleted") \
	X("library.new") \
	X("request.created") \
	X("request.approved") \
	X("request.declined") \
	X("request.available") \
	X("sync.completed") \
	X("sync.failed") \
	X("alert.raised") \
	X("alert.cleared") \
	X("user.created")
#define HOOK_EVERY_EVENT "*"
#define HOOK_OUT_EVENTS_MAX 14 /* of one endpoint */

#define DELIVERY_STATUS_LIST(X) X("waiting") X("delivered") X("failed") X("dead")
/* Why an endpoint is off: a person did it, the receiver wants no more, or nothing arrived. */
#define ENDPOINT_OFF_LIST(X) X("person") X("gone") X("failing")

struct hook_endpoint {
	const char *id;
	const char *origin; /* of its address: the path may be a credential */
	const char *url;    /* the address; NULL in lists */
	const char *sealed_url;
	struct strings events, header_names;
	const char *headers, *secret, *previous_secret; /* sealed; NULL: none */
	int64_t previous_until;                         /* us */
	bool enabled;
	const char *off_reason;              /* NULL while enabled */
	int64_t failing_since, delivered_at; /* us, 0: never */
	int64_t version, created_at, updated_at;
};

struct hook_delivery {
	const char *id; /* the webhook-id */
	int64_t seq;
	const char *endpoint_id, *event, *payload, *status;
	int64_t attempts;
	int64_t response_status, duration_ms; /* 0: no response yet; of the last attempt */
	bool attempted;
	const char *error;                                 /* of the last attempt, or NULL */
	int64_t created_at, next_attempt_at, delivered_at; /* us; 0: none */
};

struct delivery_filter {
	const char *status; /* or NULL */
	int64_t from, to;   /* of creation, us; 0: open */
};

/* What is to be sent again: one delivery, those of a time, or those that never arrived. */
struct delivery_replay {
	const char *delivery_id; /* or NULL */
	int64_t from, to;        /* of creation, us; 0: open */
	bool missing;
};

#endif
