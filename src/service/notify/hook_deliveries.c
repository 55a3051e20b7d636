#include "service/notify/hook_deliveries.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "service/audit.h"
#include "service/call.h"
#include "service/job.h"
#include "service/notify/hook_endpoints.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_endpoints.h"

#include "core/banned.h"

bool
hook_delivery_list(const struct call *call, const char *endpoint_id,
    const struct delivery_filter *filter, const struct list_ask *ask, struct hook_delivery **items,
    struct page *page, struct error *err)
{
	struct hook_endpoint endpoint;
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_DELIVERIES, ask->cursor, &after, err) ||
	    !hook_endpoint_get(call, endpoint_id, &endpoint, err) ||
	    !store_endpoint_deliveries(call->svc->db, call->arena, endpoint_id, filter,
		after.number, ask->limit + 1, items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*items)[page->n - 1].seq;
		page->next = list_cursor(call->arena, LIST_DELIVERIES, &after);
	}
	return true;
}

bool
hook_delivery_get(const struct call *call, const char *endpoint_id, const char *id,
    struct hook_delivery *delivery, struct error *err)
{
	return store_endpoint_delivery(call->svc->db, call->arena, endpoint_id, id, delivery,
		   err) &&
	    (delivery->id != NULL ||
		error_set(err, ERR_NOT_FOUND, "This endpoint has no such delivery."));
}

/* In the transaction. */
static bool
replay_in(const struct call *call, const char *endpoint_id, const struct delivery_replay *what,
    int64_t *n, struct error *err)
{
	struct audit_event event = {
		.action = "webhook_endpoint.replayed",
		.target_type = "webhook_endpoint",
		.target_id = endpoint_id,
	};
	struct hook_endpoint endpoint;

	if (!store_endpoint_get(call->svc->db, call->arena, endpoint_id, true, &endpoint, err))
		return false;
	if (endpoint.id == NULL)
		return error_set(err, ERR_NOT_FOUND, "There is no such endpoint.");
	if (!endpoint.enabled)
		return error_slug(err, ERR_CONFLICT, "endpoint_off",
		    "This endpoint is switched off. Switch it on first.");
	if (!store_endpoint_replay(call->svc->db, call->arena, endpoint_id, what, n, err))
		return false;
	if (*n == 0)
		return what->delivery_id == NULL ||
		    error_set(err, ERR_NOT_FOUND, "This endpoint has no such delivery.");
	event.detail = arena_printf(call->arena, "{\"deliveries\":%lld}", (long long)*n);
	return job_add(call, JOB_HOOK_DELIVER, NULL, NULL, 0, err) && audit_add(call, &event, err);
}

bool
hook_delivery_replay(const struct call *call, const char *endpoint_id,
    const struct delivery_replay *what, int64_t *n, struct error *err)
{
	return db_begin(call->svc->db, err) &&
	    db_end(call->svc->db, replay_in(call, endpoint_id, what, n, err), err);
}
