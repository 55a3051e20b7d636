#include "service/list.h"

#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"
#include "core/str.h"

#include "core/banned.h"

/* The parts of each list's cursor: its letter, then "<id>.", "<number>." and the text. */
static const struct {
	char letter;
	bool id, text;
} lists[LIST_KINDS] = {
	[LIST_PEOPLE] = { 'p', true, false },
	[LIST_INVITES] = { 'v', true, false },
	[LIST_ACTIVITY] = { 'h', true, false },
	[LIST_AUDIT] = { 'l', false, false },
	[LIST_HOOK_EVENTS] = { 'e', true, false },
	[LIST_ENDPOINTS] = { 'w', true, false },
	[LIST_DELIVERIES] = { 'd', false, false },
	[LIST_INBOX_NEWEST] = { 'i', false, false },
	[LIST_INBOX_AFTER] = { 'j', false, false },
	[LIST_MEDIA_NEWEST] = { 'n', true, false },
	[LIST_MEDIA_OLDEST] = { 'o', true, false },
	[LIST_MEDIA_TAKEN] = { 't', true, false },
	[LIST_MEDIA_TITLE] = { 'a', true, true },
	[LIST_MEDIA_TRASH] = { 'x', true, false },
	[LIST_MEDIA_NEWEST_BACK] = { 'N', true, false },
	[LIST_MEDIA_OLDEST_BACK] = { 'O', true, false },
	[LIST_MEDIA_TAKEN_BACK] = { 'T', true, false },
	[LIST_MEDIA_TITLE_BACK] = { 'A', true, true },
	[LIST_MEDIA_TRASH_BACK] = { 'X', true, false },
	[LIST_SERVERS] = { 's', true, false },
	[LIST_MEDIA_CHILDREN] = { 'c', true, false },
	[LIST_SYNCS] = { 'y', true, false },
	[LIST_REQUESTS] = { 'r', true, false },
	[LIST_JOBS] = { 'b', true, false },
	[LIST_ALERTS] = { 'f', true, false },
	[LIST_DUPLICATES_BYTES] = { 'u', true, false },
	[LIST_DUPLICATES_LOOK] = { 'k', true, false },
	[LIST_MEDIA_MANUAL] = { 'm', true, false },
	[LIST_MEDIA_MANUAL_BACK] = { 'M', true, false },
	[LIST_COLLECTIONS] = { 'g', true, false },
	[LIST_SHARERS] = { 'z', true, true },
	[LIST_LINKS] = { 'L', true, false },
	[LIST_LINK_ITEMS] = { 'I', true, false },
	[LIST_DOWNLOADS] = { 'D', true, false },
	[LIST_PLACES] = { 'q', false, true },
	[LIST_MEDIA_IDS] = { 'B', true, false },
};

const char *
list_cursor(struct arena *arena, enum list_kind kind, const struct list_position *p)
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	buf_addc(&buf, lists[kind].letter);
	if (lists[kind].id)
		buf_addf(&buf, "%s.", p->id);
	buf_addf(&buf, "%lld.", (long long)p->number);
	if (lists[kind].text)
		buf_adds(&buf, p->text);
	return base64url_encode(arena, buf.data, buf.len);
}

/* Returns the part up to the next dot and moves *text behind that dot; NULL without a dot. */
static const char *
part(struct arena *arena, const char **text)
{
	const char *start = *text, *dot = strchr(start, '.');

	if (dot == NULL)
		return NULL;
	*text = dot + 1;
	return arena_strndup(arena, start, (size_t)(dot - start));
}

static bool
parse(struct arena *arena, enum list_kind kind, const char *cursor, struct list_position *p)
{
	const char *text, *number;
	size_t len;

	*p = (struct list_position) { .id = NULL };
	text = (const char *)base64url_decode(arena, cursor, strlen(cursor), &len);
	if (text == NULL || len == 0 || text[0] != lists[kind].letter)
		return false;
	text = arena_strndup(arena, text, len);
	if (strlen(text) != len || !utf8_valid(text, len))
		return false;
	text++;
	if (lists[kind].id && ((p->id = part(arena, &text)) == NULL || !uuid_valid(p->id)))
		return false;
	number = part(arena, &text);
	p->text = text;
	return number != NULL && (lists[kind].text || *text == '\0') &&
	    str_to_int(number, INT64_MIN / 2, INT64_MAX / 2, &p->number);
}

bool
list_after(struct arena *arena, enum list_kind kind, const char *cursor, struct list_position *p,
    struct error *err)
{
	*p = (struct list_position) { .id = NULL };
	return cursor == NULL || parse(arena, kind, cursor, p) ||
	    error_field(err, "cursor", "format", "must be a cursor of this list");
}

bool
list_is_of(struct arena *arena, enum list_kind kind, const char *cursor)
{
	struct list_position ignored;

	return parse(arena, kind, cursor, &ignored);
}

bool
list_cut(struct page *page, size_t n, int limit)
{
	page->next = NULL;
	page->n = n > (size_t)limit ? (size_t)limit : n;
	return n > page->n;
}
