#include "service/notify/hook_out.h"

#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "service/call.h"
#include "service/job.h"
#include "service/services.h"
#include "store/store_deliver.h"

#include "core/banned.h"

bool
hook_out(const struct call *call, const char *event, const char *data, struct error *err)
{
	struct json *body = json_new(call->arena, HOOK_OUT_DATA_MAX);
	int64_t n;

	json_object(body, NULL);
	json_put_str(body, "type", event);
	json_put_time(body, "timestamp", clock_now());
	json_put_raw(body, "data", data);
	json_object_end(body);
	if (body->buf.overflow)
		return error_set(err, ERR_INTERNAL, "The data of a webhook is too long.");
	if (!store_deliver_add(call->svc->db, call->arena, event, body->buf.data, &n, err))
		return false;
	/* One for each event: another transaction's may have been done before this one commits. */
	return n == 0 || job_add(call, JOB_HOOK_DELIVER, NULL, NULL, 0, err);
}

bool
hook_out_user(const struct call *call, const char *user_id, const char *role, struct error *err)
{
	struct json *data = json_new(call->arena, 0);

	json_object(data, NULL);
	json_put_str(data, "userId", user_id);
	json_put_str(data, "role", role);
	json_object_end(data);
	return hook_out(call, "user.created", data->buf.data, err);
}
