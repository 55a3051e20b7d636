/*
 * ThumbHash against vectors that the format's reference implementation made from the same synthetic
 * pictures.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/thumbhash.h"
#include "t/unit/tap.h"

#include "core/banned.h"

typedef void pixel_fn(int x, int y, int w, int h, unsigned char p[4]);

static void
gradient(int x, int y, int w, int h, unsigned char p[4])
{
	p[0] = (unsigned char)(x * 255 / w);
	p[1] = (unsigned char)(y * 255 / h);
	p[2] = 128;
	p[3] = 255;
}

static void
portrait(int x, int y, int w, int h, unsigned char p[4])
{
	p[0] = (unsigned char)(x * 7 + y * 3);
	p[1] = (unsigned char)(y * 4);
	p[2] = (unsigned char)(x * x);
	p[3] = 255;
}

static void
square(int x, int y, int w, int h, unsigned char p[4])
{
	bool red = ((x ^ y) & 4) != 0;

	p[0] = red ? 255 : 0;
	p[1] = (unsigned char)(red ? x * 3 : y * 5);
	p[2] = red ? 0 : 96;
	p[3] = 255;
}

static void
translucent(int x, int y, int w, int h, unsigned char p[4])
{
	p[0] = 200;
	p[1] = (unsigned char)(x * 6);
	p[2] = (unsigned char)(y * 12);
	p[3] = (unsigned char)(x * 255 / w);
}

static void
wide(int x, int y, int w, int h, unsigned char p[4])
{
	p[0] = (unsigned char)(x * 2);
	p[1] = (unsigned char)(255 - x * 2);
	p[2] = (unsigned char)(y * 50);
	p[3] = 255;
}

static const struct {
	const char *name;
	int w, h;
	pixel_fn *pixel;
	const char *hash;
} cases[] = {
	{ "gradient", 32, 24, gradient, "df070a359a8087877088887788788787808007f887" },
	{ "portrait", 20, 60, portrait, "9b290e420e43606879778787bc6046f544" },
	{ "square", 16, 16, square, "d1c80617047576786548a8786887847087a74747707c0d07" },
	{ "translucent", 40, 20, translucent, "275a86338837b387b08888954ff7728870777888878878" },
	{ "wide", 100, 5, wide, "dd880961a887878870888788878f078887" },
};

/*
 * Compares headers exactly and coefficients within one step, since tiny values may round to either
 * side.
 */
static bool
near(const unsigned char *a, const unsigned char *b, size_t n)
{
	if (memcmp(a, b, 5) != 0)
		return false;
	for (size_t i = 5; i < n; i++)
		for (int shift = 0; shift < 8; shift += 4)
			if (abs((a[i] >> shift & 15) - (b[i] >> shift & 15)) > 1)
				return false;
	return true;
}

int
main(void)
{
	unsigned char out[THUMBHASH_MAX], want[THUMBHASH_MAX], *rgba;
	struct arena arena;
	size_t n;

	arena_init(&arena);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rgba = arena_alloc(&arena, (size_t)cases[i].w * (size_t)cases[i].h * 4);
		for (int y = 0; y < cases[i].h; y++)
			for (int x = 0; x < cases[i].w; x++)
				cases[i].pixel(x, y, cases[i].w, cases[i].h,
				    rgba + 4 * (y * cases[i].w + x));
		n = thumbhash_encode(cases[i].w, cases[i].h, rgba, out);
		ok(n * 2 == strlen(cases[i].hash), "%s: %zu bytes", cases[i].name, n);
		ok(hex_decode(cases[i].hash, want, n) && near(out, want, n),
		    "%s: the reference's hash", cases[i].name);
	}
	rgba = arena_alloc(&arena, 4);
	n = thumbhash_encode(1, 1, rgba, out);
	ok(n > 5 && n < THUMBHASH_MAX, "one transparent pixel: %zu bytes", n);
	rgba = arena_alloc(&arena, THUMBHASH_SIDE * THUMBHASH_SIDE * 4);
	memset(rgba, 200, THUMBHASH_SIDE * THUMBHASH_SIDE * 4);
	ok(thumbhash_encode(THUMBHASH_SIDE, THUMBHASH_SIDE, rgba, out) < THUMBHASH_MAX,
	    "the largest picture");
	arena_clear(&arena);
	return done_testing();
}
