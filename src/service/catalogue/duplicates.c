#include "service/catalogue/duplicates.h"

#include "service/call.h"
#include "service/services.h"
#include "store/store_looks.h"

#include "core/banned.h"

bool
duplicates_list(const struct call *call, bool by_look, const struct list_ask *ask,
    struct duplicate_group **groups, struct page *page, struct error *err)
{
	enum list_kind kind = by_look ? LIST_DUPLICATES_LOOK : LIST_DUPLICATES_BYTES;
	struct list_position after;
	size_t n;

	if (!list_after(call->arena, kind, ask->cursor, &after, err) ||
	    !store_duplicates(call->svc->db, call->arena,
		&(const struct duplicates_ask) {
		    call->by.who->user_id, by_look, after.id, ask->limit + 1 },
		groups, &n, err))
		return false;
	if (list_cut(page, n, ask->limit)) {
		after = (struct list_position) { .id = (*groups)[page->n - 1].id };
		page->next = list_cursor(call->arena, kind, &after);
	}
	return true;
}
