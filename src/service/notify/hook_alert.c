#include "service/notify/hook_alert.h"

#include <string.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/json.h"
#include "core/log.h"
#include "core/str.h"
#include "service/call.h"
#include "service/notify/hook_out.h"
#include "service/notify/mail.h"
#include "service/notify/notify.h"
#include "service/services.h"
#include "store/store_deliver.h"
#include "store/store_endpoints.h"

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

static bool
mail_keepers(const struct call *call, const char *detail, struct error *err)
{
	struct strings users, to;

	if (!mail_configured(call->svc->config))
		return true;
	if (!notify_holders(call, PERM_WEBHOOKS_MANAGE, &users, &to, err))
		return false;
	for (size_t i = 0; i < to.n; i++) {
		const struct mail_new mail = {
			.kind = MAIL_HOOK_OFF, .to = to.items[i], .detail = detail
		};

		if (!mail_add(call, &mail, err))
			return false;
	}
	return true;
}

bool
hook_alert(const struct call *call, const struct deliver_change *change, struct error *err)
{
	bool off = change->off_reason != NULL;
	const char *origin = change->origin;
	const struct notify_new note = {
		.kind = off ? "alert.raised" : "alert.cleared",
		.title = arena_printf(call->arena,
		    off ? "Webhooks to %.100s were switched off" :
			  "Webhooks to %.100s arrive again",
		    origin),
		.message = off ? off_message(call, change) : "",
		.data = alert_data(call, change, origin),
		.concerns = PERM_WEBHOOKS_MANAGE,
	};
	struct notify_batch *batch;

	log_warn(call->svc->log, "webhooks: endpoint %s (%s): %s", change->endpoint_id, origin,
	    off ? "switched off" : "recovered");
	if (!notify_keepers(call, &note, &batch, err) ||
	    !hook_out(call, note.kind, note.data, err) ||
	    (off &&
		!mail_keepers(call, arena_printf(call->arena, "%s\n%s", origin, note.message),
		    err)))
		return false;
	notify_push(call, batch);
	return true;
}
