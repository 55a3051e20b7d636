#include "service/account/activity.h"

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "service/call.h"
#include "service/services.h"
#include "service/time_cursor.h"
#include "store/pg.h"
#include "store/store_account_flow.h"

#include "core/banned.h"

bool
activity_add(const struct call *call, const char *user_id, const char *kind, const char *data,
    struct error *err)
{
	char id[UUID_TEXT];

	uuid_v7(id);
	return store_activity_add(call->svc->db, call->arena, id, user_id, kind, data, err);
}

bool
activity_list(const struct call *call, const char *user_id, const char *cursor, int limit,
    struct activity_page *page, struct error *err)
{
	const char *before, *before_id;
	struct rows *rows;

	if (!time_cursor_parse(call->arena, cursor, &before, &before_id, err) ||
	    !store_activity_list(call->svc->db, call->arena, user_id, before, before_id, limit + 1,
		&rows, err))
		return false;
	page->n = rows_count(rows) > (size_t)limit ? (size_t)limit : rows_count(rows);
	page->rows = arena_array(call->arena, page->n + 1, sizeof(*page->rows));
	for (size_t i = 0; i < page->n; i++)
		page->rows[i] = (struct activity) { rows_str(rows, i, 0), rows_str(rows, i, 2),
			rows_str(rows, i, 3), rows_int(rows, i, 1) };
	page->next = rows_count(rows) > page->n ?
	    time_cursor_make(call->arena, page->rows[page->n - 1].at, page->rows[page->n - 1].id) :
	    NULL;
	return true;
}

bool
activity_statistics(const struct call *call, const char *user_id, struct month **months, size_t *n,
    struct error *err)
{
	struct rows *rows;

	if (!store_statistics(call->svc->db, call->arena, user_id, &rows, err))
		return false;
	*n = rows_count(rows);
	*months = arena_array(call->arena, *n + 1, sizeof(**months));
	for (size_t i = 0; i < *n; i++)
		(*months)[i] = (struct month) { rows_str(rows, i, 0), rows_int(rows, i, 1),
			rows_int(rows, i, 2), rows_int(rows, i, 3) };
	return true;
}
