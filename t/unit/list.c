/* Cursors: ours can be read back, everything else is refused. */
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "service/list.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define ID "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"

static struct arena arena;

static bool
taken(enum list_kind kind, const char *text, struct list_position *p)
{
	struct error err = { 0 };

	return list_after(&arena, kind, base64url_encode(&arena, text, strlen(text)), p, &err);
}

static void
check_round_trip(enum list_kind kind)
{
	const struct list_position in = { ID, 1700000000123456, "of snow.and ice" };
	const char *cursor = list_cursor(&arena, kind, &in);
	struct list_position out;
	struct error err = { 0 };

	ok(list_after(&arena, kind, cursor, &out, &err) && out.number == in.number,
	    "list %d: read back", kind);
	for (enum list_kind other = 0; other < LIST_KINDS; other++)
		if (list_is_of(&arena, other, cursor) != (other == kind))
			ok(false, "list %d takes the cursor of %d", other, kind);
	ok(!list_after(&arena, kind, arena_printf(&arena, "%s*", cursor), &out, &err) &&
		err.code == ERR_VALIDATION,
	    "list %d: not with more behind it", kind);
}

int
main(void)
{
	struct error err = { 0 };
	struct list_position p = { .number = 1 };
	struct page page = { .next = "" };

	arena_init(&arena);
	ok(list_after(&arena, LIST_PEOPLE, NULL, &p, &err) && p.id == NULL && p.number == 0,
	    "no cursor: the beginning");
	for (enum list_kind kind = 0; kind < LIST_KINDS; kind++)
		check_round_trip(kind);
	ok(taken(LIST_PEOPLE, "p" ID ".5.", &p) && strcmp(p.id, ID) == 0 && p.number == 5,
	    "id and number");
	ok(taken(LIST_MEDIA_TITLE, "a" ID ".0.a.b", &p) && strcmp(p.text, "a.b") == 0, "a text");
	ok(!taken(LIST_PEOPLE, "p" ID ".5.x", &p), "a text where none belongs");
	ok(!taken(LIST_PEOPLE, "p.5.", &p), "no id");
	ok(!taken(LIST_PEOPLE, "p" ID "5.", &p), "no dot");
	ok(!taken(LIST_PEOPLE, "p" ID "..", &p), "no number");
	ok(!taken(LIST_AUDIT, "l9999999999999999999.", &p), "a number too large");
	ok(!taken(LIST_AUDIT, "", &p), "nothing");
	ok(!taken(LIST_MEDIA_TITLE, "a" ID ".0.\xff", &p), "a text that is not UTF-8");
	ok(list_cut(&page, 3, 2) && page.n == 2 && page.next == NULL, "one more than the page");
	ok(!list_cut(&page, 2, 2) && page.n == 2, "exactly a page");
	ok(!list_cut(&page, 0, 2) && page.n == 0, "none");
	arena_clear(&arena);
	return done_testing();
}
