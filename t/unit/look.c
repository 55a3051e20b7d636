/* What pictures look like: near-equal ones have near-equal bits, others have not. */
#include <math.h>
#include <stdlib.h>

#include "media/look.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define SIDE 100
#define NEAR_BITS 6 /* as src/store/sql/looks.sql has it */
#define FAR_BITS 16

typedef double pixel_fn(double x, double y);

static double
hill(double x, double y)
{
	return 1 - (x - 0.3) * (x - 0.3) * 2 - (y - 0.6) * (y - 0.6);
}

/* As rich as a photograph: something in every direction. */
static double
scene(double x, double y)
{
	return 0.5 + 0.2 * sin(9 * x + 2 * y) + 0.15 * cos(5 * y - 7 * x * y) +
	    0.1 * sin(17 * x * x + 3 * y) + 0.1 * cos(13 * y * y - 4 * x) +
	    0.08 * sin(21 * x * y + 1);
}

static double
mirrored(double x, double y)
{
	return scene(1 - x, 1 - y);
}

static double
dimmed(double x, double y)
{
	return 0.1 + 0.7 * scene(x, y);
}

static double
noisy(double x, double y)
{
	int n = (int)(x * 977 + y * 7919);

	return scene(x, y) + (n % 13 - 6) / 120.0;
}

static double
grey(double x, double y)
{
	(void)x;
	(void)y;
	return 0.4;
}

static bool
look(pixel_fn *pixel, int w, int h, unsigned char alpha, uint64_t *bits)
{
	static unsigned char rgba[SIDE * SIDE * 4];

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++) {
			unsigned char *p = rgba + 4 * (y * w + x);
			double v = pixel((x + 0.5) / w, (y + 0.5) / h);

			p[0] = p[1] = p[2] = (unsigned char)(255 * (v < 0 ? 0 : v > 1 ? 1 : v));
			p[3] = alpha;
		}
	return look_of(rgba, w, h, bits);
}

static int
differ(uint64_t a, uint64_t b)
{
	return __builtin_popcountll(a ^ b);
}

int
main(void)
{
	uint64_t one, other;

	ok(look(scene, SIDE, 75, 255, &one), "a picture has a look");
	ok(look(scene, SIDE, 75, 255, &other) && one == other, "always the same");
	ok(look(scene, 40, 30, 255, &other) && differ(one, other) <= NEAR_BITS, "in a small size");
	ok(look(dimmed, SIDE, 75, 255, &other) && differ(one, other) <= NEAR_BITS, "dimmed");
	ok(look(noisy, SIDE, 75, 255, &other) && differ(one, other) <= NEAR_BITS, "with noise");
	ok(look(hill, SIDE, 75, 255, &other) && differ(one, other) >= FAR_BITS, "another picture");
	ok(look(mirrored, SIDE, 75, 255, &other) && differ(one, other) >= FAR_BITS, "its mirror");
	ok(!look(grey, SIDE, 75, 255, &other), "one without anything on it has none");
	ok(!look(scene, SIDE, 75, 0, &other), "nor one that is transparent");
	ok(look(scene, 1, SIDE, 255, &other), "one pixel wide");
	ok(look(scene, 3, 2, 255, &other), "smaller than what it is averaged to");
	ok(!look_of(NULL, 0, 5, &other) && !look_of(NULL, LOOK_SIDE_MAX + 1, 5, &other),
	    "sizes that it does not take");
	return done_testing();
}
