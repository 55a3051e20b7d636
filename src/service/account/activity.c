#include "service/account/activity.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "service/call.h"
#include "service/services.h"
#include "store/pg.h"
#include "store/store_account_flow.h"

#include "core/banned.h"

bool
activity_add(const struct call *call, const char *user_id, const char *kind, const char *data,
    struct error *err)
{
	char id[UUID_TEXT];

	uuid_v7(id);
	return store_activity_add(call->svc->db, call->arena, user_id,
	    &(const struct activity) { .id = id, .kind = kind, .data = data }, err);
}

bool
activity_list(const struct call *call, const char *user_id, const struct list_ask *ask,
    struct activity **items, struct page *page, struct error *err)
{
	struct activity_ask of = { .user_id = user_id, .limit = ask->limit + 1 };
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, LIST_ACTIVITY, ask->cursor, &after, err))
		return false;
	of.before_time = after.number;
	of.before_id = after.id;
	if (!store_activity_list(call->svc->db, call->arena, &of, items, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after.number = (*items)[page->n - 1].at;
		after.id = (*items)[page->n - 1].id;
		page->next = list_cursor(call->arena, LIST_ACTIVITY, &after);
	}
	return true;
}

bool
activity_statistics(const struct call *call, const char *user_id, struct month **months, size_t *n,
    struct error *err)
{
	return store_statistics(call->svc->db, call->arena, user_id, months, n, err);
}
