#include "service/notify/hook_alert.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "model/hook_out.h"
#include "service/call.h"
#include "service/notify/alert.h"
#include "store/store_deliver.h"

#include "core/banned.h"

static const char *
alert_data(const struct call *call, const struct deliver_change *change, const char *origin)
{
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "alert",
	    change->off_reason != NULL ? "webhook_endpoint_off" : "webhook_endpoint_failing");
	json_put_str(data, "endpointId", change->endpoint_id);
	json_put_str(data, "origin", origin);
	json_opt_str(data, "reason", change->off_reason);
	if (change->failing_since != 0)
		json_put_time(data, "failingSince", change->failing_since);
	json_object_end(data);
	return data->buf.data;
}

/* Why it was switched off, and what to do. */
static const char *
off_message(const struct call *call, const struct deliver_change *change)
{
	char since[RFC3339_MAX];

	if (str_eq(change->off_reason, "gone"))
		return "The receiver said that it wants no more (status 410).";
	time_rfc3339(change->failing_since, since);
	return arena_printf(call->arena,
	    "Every delivery has failed since %.10s. Check the receiver, then switch the endpoint on"
	    " again: deliveries that still wait are sent then.",
	    since);
}

bool
hook_alert(const struct call *call, const struct deliver_change *change, struct error *err)
{
	bool off = change->off_reason != NULL;
	const char *origin = change->origin;
	const struct alert_told told = {
		.rule = ALERT_ENDPOINT_OFF,
		.subject = change->endpoint_id,
		.subject_name = origin,
		.title = arena_printf(call->arena,
		    off ? "Webhooks to %.100s were switched off" :
			  "Webhooks to %.100s arrive again",
		    origin),
		.message = off ? off_message(call, change) : NULL,
		.data = alert_data(call, change, origin),
		.always = true, /* it may have failed for hours without being switched off */
	};

	return off ? alert_raise(call, &told, err) : alert_clear(call, &told, err);
}

bool
hook_alert_over(const struct call *call, const struct hook_endpoint *endpoint, const char *how,
    struct error *err)
{
	const char *origin = endpoint->origin;
	const struct deliver_change change = { .endpoint_id = endpoint->id };
	const struct alert_told told = {
		.rule = ALERT_ENDPOINT_OFF,
		.subject = endpoint->id,
		.title = arena_printf(call->arena, "Webhooks to %.100s %s", origin, how),
		.data = alert_data(call, &change, origin),
	};

	return alert_clear(call, &told, err);
}
