/*
 * {"items":[...],"page":{"limit","nextCursor"}}: the shape of every list that is read with a
 * cursor.
 *
 *	const struct list_ask ask = list_ask_of(req->input);
 *	...
 *	list_open(j);
 *	for (size_t i = 0; i < page.n; i++)
 *		thing_view(j, &things[i]);
 *	list_close(j, &ask, &page);
 *	json_object_end(j);
 *
 * Between list_close() and json_object_end() a list may add its own members.
 */
#ifndef MN_HANDLERS_LIST_VIEW_H
#define MN_HANDLERS_LIST_VIEW_H

#include "core/json.h"
#include "http/input.h"
#include "model/list.h"
#include "service/list.h"

#define LIST_CURSOR_RULE { "cursor", FIELD_STRING, .min = 1, .max = LIST_CURSOR_MAX }
#define LIST_LIMIT_RULE \
	{ "limit", FIELD_INT, .min = 1, .max = LIST_LIMIT_MAX, .fallback = LIST_LIMIT_DEFAULT }

/* Of a list without filters. */
extern const struct field_rule list_page_input[];

static inline struct list_ask
list_ask_of(const struct input *in)
{
	return (struct list_ask) {
		.cursor = input_str(in, "cursor"),
		.limit = (int)input_int(in, "limit", LIST_LIMIT_DEFAULT),
	};
}

static inline void
list_open(struct json *j)
{
	json_object(j, NULL);
	json_array(j, "items");
}

static inline void
list_close(struct json *j, const struct list_ask *ask, const struct page *page)
{
	json_array_end(j);
	json_object(j, "page");
	json_put_int(j, "limit", ask->limit);
	json_put_str(j, "nextCursor", page->next);
	json_object_end(j);
}

#endif
