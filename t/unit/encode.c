/* Encodings: UTF-8, hexadecimal, base64, percent. */
#include "core/arena.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static struct arena arena;

static void
test_utf8(void)
{
	static const char *const good[] = { "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
		"\xc2\x41", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(utf8_valid(good[i], strlen(good[i])), "well-formed %zu", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!utf8_valid(bad[i], strlen(bad[i])), "malformed %zu", i);
	is_int(utf8_length("a\xc3\xa4\xf0\x9f\x98\x80"), 3, "code points");
	is_str(utf8_clean(&arena,
		   "a\xff"
		   "b\n\xc2\x85",
		   6, 100),
	    "a\xef\xbf\xbd"
	    "b  ",
	    "cleaned");
	is_str(utf8_clean(&arena, "ab\xc3\xa4", 4, 3), "ab", "cut at a border");
	is_str(utf8_clean(&arena, "a\xc3", 2, 100), "a\xef\xbf\xbd", "cut sequence at the end");
}

static void
test_base64(void)
{
	/* RFC 4648 section 10 */
	static const struct {
		const char *plain, *coded, *url;
	} vectors[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+", "-__-" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 9",
		"Zm9v\n", "====", "Z===", "-__-", "Zg==Zg==" };
	static const char *const bad_url[] = { "Z", "Zh", "+//+", "Zg=", "Z*" };
	unsigned char *out;
	size_t n;

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t len = strlen(vectors[i].plain);

		is_str(base64_encode(&arena, vectors[i].plain, len), vectors[i].coded, "base64");
		is_str(base64url_encode(&arena, vectors[i].plain, len), vectors[i].url,
		    "base64url");
		out = base64_decode(&arena, vectors[i].coded, strlen(vectors[i].coded), &n);
		ok(out != NULL && n == len && memcmp(out, vectors[i].plain, n) == 0, "and back");
		out = base64url_decode(&arena, vectors[i].url, strlen(vectors[i].url), &n);
		ok(out != NULL && n == len && memcmp(out, vectors[i].plain, n) == 0,
		    "and back from the other alphabet");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(base64_decode(&arena, bad[i], strlen(bad[i]), &n) == NULL, "'%s' is malformed",
		    bad[i]);
	for (size_t i = 0; i < sizeof(bad_url) / sizeof(bad_url[0]); i++)
		ok(base64url_decode(&arena, bad_url[i], strlen(bad_url[i]), &n) == NULL,
		    "'%s' is malformed for URLs", bad_url[i]);
	ok(base64url_decode(&arena, "Zg==", 4, &n) != NULL && n == 1,
	    "padding is optional for URLs");
}

static void
test_url(void)
{
	static const char *const bad[] = { "%", "%4", "%4g", "%00", "a%", "%%41", "%-1" };
	struct buf buf;
	char *out;
	size_t n;

	buf_init(&buf, &arena, 0);
	url_encode(&buf, "a b/c~d\xc3\xa4+=&", 12, false);
	is_str(buf.data, "a%20b%2Fc~d%C3%A4%2B%3D%26", "percent-encoding");
	buf_reset(&buf);
	url_encode(&buf, "a/b c", 5, true);
	is_str(buf.data, "a/b%20c", "slashes kept");
	ok(url_decode(&arena, "a%20b%2fc+d", 11, false, &out, &n) && n == 7, "decoded");
	is_str(out, "a b/c+d", "plus is plus in a path");
	ok(url_decode(&arena, "a+b%2B", 6, true, &out, &n), "decoded as a form");
	is_str(out, "a b+", "plus is space in a form");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!url_decode(&arena, bad[i], strlen(bad[i]), false, &out, &n),
		    "'%s' is malformed", bad[i]);
}

int
main(void)
{
	unsigned char bytes[4];

	arena_init(&arena);
	test_utf8();
	test_base64();
	test_url();
	is_str(hex_encode(&arena, "\x00\xffz", 3), "00ff7a", "hexadecimal");
	ok(hex_decode("00fF7a80", bytes, 4) && memcmp(bytes, "\x00\xff\x7a\x80", 4) == 0,
	    "and back");
	ok(!hex_decode("00ff7a", bytes, 4) && !hex_decode("00ff7a8g", bytes, 4) &&
		!hex_decode("00ff7a800", bytes, 4),
	    "malformed");
	arena_clear(&arena);
	return done_testing();
}
