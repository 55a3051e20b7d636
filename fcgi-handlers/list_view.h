/* The end of a list that is read by cursor. */
#ifndef MN_HANDLERS_LIST_VIEW_H
#define MN_HANDLERS_LIST_VIEW_H

#include "core/json.h"

static inline void
list_page_view(struct json *j, int64_t limit, const char *next_cursor)
{
	json_object(j, "page");
	json_put_int(j, "limit", limit);
	json_put_str(j, "nextCursor", next_cursor);
	json_object_end(j);
}

#endif
