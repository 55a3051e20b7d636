/*
 * Fuzz target: XML bodies of the object store. Whatever was parsed can be written and parsed again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "core/xml.h"
#include "objectstore/protocol.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_delete(struct arena *arena, const struct protocol_delete_list *list)
{
	struct protocol_delete_list again;
	struct error err = { 0 };
	struct buf xml;

	buf_init(&xml, arena, 0);
	buf_adds(&xml, "<Delete>");
	for (size_t i = 0; i < list->n; i++) {
		buf_adds(&xml, "<Object>");
		xml_element(&xml, "Key", list->keys[i]);
		buf_adds(&xml, "</Object>");
	}
	buf_adds(&xml, "</Delete>");
	if (!protocol_parse_delete(arena, xml.data, xml.len, &again, &err) || again.n != list->n)
		abort();
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->keys[i], again.keys[i]) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct object_part_claim *parts;
	struct protocol_delete_list list;
	struct error err = { 0 };
	struct arena arena;
	size_t n;

	arena_init(&arena);
	if (protocol_parse_delete(&arena, (const char *)data, size, &list, &err))
		check_delete(&arena, &list);
	if (protocol_parse_complete(&arena, (const char *)data, size, &parts, &n, &err))
		for (size_t i = 0; i < n; i++)
			if (parts[i].number < 1 || parts[i].number > OBJECT_PARTS_MAX ||
			    parts[i].etag == NULL)
				abort();
	arena_clear(&arena);
	return 0;
}
