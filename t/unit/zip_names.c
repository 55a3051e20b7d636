/* Names in archives: what is cleaned, what stays, and what is numbered. */
#include <stdio.h>

#include "core/arena.h"
#include "core/str.h"
#include "service/processing/zip_names.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define MANY 3000

static const struct {
	const char *from, *to;
} names[] = {
	{ "IMG_1234.JPG", "IMG_1234.JPG" },
	{ "Zürich \xe2\x98\x80 \xe5\xb1\xb1.heic", "Zürich \xe2\x98\x80 \xe5\xb1\xb1.heic" },
	{ "../../etc/passwd", ".._.._etc_passwd" },
	{ "C:\\Windows\\x.jpg", "C__Windows_x.jpg" },
	{ "a\tb\nc\x7f.jpg", "a_b_c_.jpg" },
	{ "what?*<>|\".jpg", "what______.jpg" },
	{ "..", "file" },
	{ "", "file" },
	{ " . . ", "file" },
	{ "  a.jpg. . ", "a.jpg" },
	{ ".htaccess", ".htaccess" },
	{ "con.jpg", "_con.jpg" },
	{ "CON", "_CON" },
	{ "Com1.tar.gz", "_Com1.tar.gz" },
	{ "nul .txt", "_nul .txt" },
	{ "LPT\xc2\xb2.txt", "_LPT\xc2\xb2.txt" },
	{ "COM10.txt", "COM10.txt" },
	{ "concert.jpg", "concert.jpg" },
	{ "photo\xe2\x80\xae"
	  "gpj.exe",
	    "photo_gpj.exe" },
	{ "a\xc2\x85"
	  "b.jpg",
	    "a_b.jpg" },
	{ "bad\xff"
	  "byte.jpg",
	    "bad_byte.jpg" },
};

static void
check_long(struct arena *arena)
{
	char name[512];
	const char *clean;

	memset(name, 'x', sizeof(name));
	for (size_t i = 0; i + 3 < 400; i += 3)
		memcpy(name + i, "\xe5\xb1\xb1", 3);
	memcpy(name + 399, ".jpeg", 6);
	clean = zip_name_clean(arena, name);
	ok(strlen(clean) <= ZIP_NAME_MAX && strlen(clean) > ZIP_NAME_MAX - 4,
	    "a long name is cut: %zu bytes", strlen(clean));
	ok(str_ends(clean, ".jpeg"), "... before its ending");
	ok(utf8_valid(clean, strlen(clean)), "... between characters");
}

static void
check_numbers(struct arena *arena)
{
	struct zip_names *taken = zip_names_new(arena, MANY + 10);
	char last[64];

	is_str(zip_names_add(taken, "a.jpg", "a.jpg"), "a.jpg", "a name");
	is_str(zip_names_add(taken, "A.JPG", "a.jpg"), "A (2).JPG", "the same in capitals");
	is_str(zip_names_add(taken, "a (3).jpg", "a (3).jpg"), "a (3).jpg", "one with a number");
	is_str(zip_names_add(taken, "a.jpg", "a.jpg"), "a (4).jpg", "the next free number");
	is_str(zip_names_add(taken, "a (2).jpg", "a (2).jpg"), "a (2) (2).jpg", "a taken number");
	is_str(zip_names_add(taken, "a?.jpg", "a?.jpg"), "a_.jpg", "a name that is cleaned");
	is_str(zip_names_add(taken, "a*.jpg", "a*.jpg"), "a_ (2).jpg",
	    "another that is the same then");
	for (int i = 1; i < MANY; i++)
		str_copy(last, sizeof(last), zip_names_add(taken, "b", "b"));
	is_str(last, "b (2999)", "many of one name");
}

int
main(void)
{
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		is_str(zip_name_clean(&arena, names[i].from), names[i].to, "clean %zu", i);
	check_long(&arena);
	check_numbers(&arena);
	arena_clear(&arena);
	return done_testing();
}
