/* Lists that are read by cursor: the rule of `limit`, and the end of an answer. */
#ifndef MN_HANDLERS_LIST_VIEW_H
#define MN_HANDLERS_LIST_VIEW_H

#include "core/json.h"
#include "http/input.h"
#include "model/list.h"

#define LIST_LIMIT_RULE \
	{ "limit", FIELD_INT, .min = 1, .max = LIST_LIMIT_MAX, .fallback = LIST_LIMIT_DEFAULT }

static inline int
list_limit(const struct input *in)
{
	return (int)input_int(in, "limit", LIST_LIMIT_DEFAULT);
}

static inline void
list_page_view(struct json *j, int64_t limit, const char *next_cursor)
{
	json_object(j, "page");
	json_put_int(j, "limit", limit);
	json_put_str(j, "nextCursor", next_cursor);
	json_object_end(j);
}

#endif
