/* Strings: buffers and numbers. */
#include <stdint.h>

#include "core/arena.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static void
test_buf(struct arena *arena)
{
	struct buf buf;

	buf_init(&buf, arena, 0);
	is_str(buf.data, "", "a new buffer is an empty string");
	buf_adds(&buf, "abc");
	buf_addc(&buf, 'd');
	buf_addf(&buf, "-%d-%s", 42, "x");
	is_str(buf.data, "abcd-42-x", "what is added follows");
	for (int i = 0; i < 10000; i++)
		buf_adds(&buf, "0123456789");
	is_int(buf.len, 9 + 100000, "it grows");
	is_int(strlen(buf.data), buf.len, "and stays terminated");
	buf_reset(&buf);
	is_str(buf.data, "", "reset");

	buf_init(&buf, arena, 5000);
	for (int i = 0; i < 600; i++)
		buf_adds(&buf, "0123456789");
	ok(buf.overflow && buf.len == 5000 && strlen(buf.data) == 5000,
	    "it grows to its maximum exactly");

	buf_init(&buf, arena, 10);
	buf_adds(&buf, "0123456789");
	ok(!buf.overflow, "up to the maximum");
	buf_addc(&buf, 'x');
	ok(buf.overflow && buf.len == 10, "and not past it");
	buf_addf(&buf, "%d", 1);
	buf_adds(&buf, "");
	is_str(buf.data, "0123456789", "nothing is added after an overflow");
}

static void
test_int(void)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "1e3",
		"9223372036854775808", "-9223372036854775809", "99999999999999999999999" };
	int64_t n = 5;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!str_to_int(bad[i], INT64_MIN, INT64_MAX, &n), "'%s' is no number", bad[i]);
	is_int(n, 5, "a refusal leaves the value alone");
	ok(str_to_int("9223372036854775807", INT64_MIN, INT64_MAX, &n) && n == INT64_MAX,
	    "largest");
	ok(str_to_int("-9223372036854775808", INT64_MIN, INT64_MAX, &n) && n == INT64_MIN,
	    "smallest");
	ok(str_to_int("007", 0, 10, &n) && n == 7, "zeros in front");
	ok(!str_to_int("11", 0, 10, &n) && !str_to_int("-1", 0, 10, &n), "range");
}

static void
test_size(struct arena *arena)
{
	is_str(str_size(arena, 0), "0 bytes", "str_size: nothing");
	is_str(str_size(arena, 1), "1 byte", "one");
	is_str(str_size(arena, 999), "999 bytes", "below the first unit");
	is_str(str_size(arena, 1000), "1 kB", "no empty decimal");
	is_str(str_size(arena, 4808000000), "4.8 GB", "one decimal");
	is_str(str_size(arena, 9960000), "10 MB", "rounded to two digits");
	is_str(str_size(arena, 123456789), "123 MB", "no decimal from 10 on");
	is_str(str_size(arena, INT64_MAX), "9223 PB", "the largest");
}

int
main(void)
{
	struct arena arena;
	char small[4];
	bool yes;

	arena_init(&arena);
	test_buf(&arena);
	test_int();
	test_size(&arena);
	ok(str_eq("a", "a") && !str_eq("a", "A") && !str_eq("a", NULL) && str_eq(NULL, NULL),
	    "str_eq");
	ok(str_ieq("aB", "Ab") && !str_ieq("a", "b") && !str_ieq(NULL, "a"), "str_ieq");
	ok(str_starts("abc", "ab") && !str_starts("a", "ab") && str_starts("a", ""), "str_starts");
	ok(str_ends("abc", "bc") && !str_ends("c", "bc") && str_ends("a", ""), "str_ends");
	is_str(str_lower(&arena, "AbC\xc3\x84"), "abc\xc3\x84", "str_lower knows ASCII only");
	is_str(str_trim(&arena, " \t\r\n a b \v\f"), "a b", "str_trim");
	is_str(str_trim(&arena, "   "), "", "str_trim of nothing but space");
	is_int(str_copy(small, sizeof(small), "abcdef"), 6, "str_copy tells the wanted length");
	is_str(small, "abc", "and terminates");
	ok(str_to_bool("Yes", &yes) && yes && str_to_bool("off", &yes) && !yes &&
		!str_to_bool("maybe", &yes),
	    "str_to_bool");
	arena_clear(&arena);
	return done_testing();
}
