#include "fcgi-handlers/list_view.h"

#include "core/banned.h"

const struct field_rule list_page_input[] = {
	LIST_CURSOR_RULE,
	LIST_LIMIT_RULE,
	{ .name = NULL },
};
