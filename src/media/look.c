#include "media/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/banned.h"

#define SIDE 32 /* what a picture is averaged down to */
#define FREQ 8  /* frequencies in each direction */
#define BITS 64
#define PLAIN 0.002 /* of full contrast: what has no stronger frequency is plain */

/* Brightness from 0 to 1, on grey where it is transparent. */
static double
brightness(const unsigned char *p)
{
	double alpha = p[3] / 255.0;

	return 0.5 * (1 - alpha) + alpha * (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 255.0;
}

/* Where the n-th of SIDE stretches of `length` pixels begins and ends: one pixel at least. */
static void
stretch(int n, int length, int *from, int *to)
{
	*from = n * length / SIDE;
	*to = (n + 1) * length / SIDE;
	if (*to <= *from)
		*to = *from + 1;
}

static void
shrink(const unsigned char *rgba, int w, int h, double out[SIDE][SIDE])
{
	int x0, x1, y0, y1;

	for (int y = 0; y < SIDE; y++) {
		stretch(y, h, &y0, &y1);
		for (int x = 0; x < SIDE; x++) {
			double sum = 0;

			stretch(x, w, &x0, &x1);
			for (int j = y0; j < y1; j++)
				for (int i = x0; i < x1; i++)
					sum += brightness(rgba +
					    4 * ((size_t)j * (size_t)w + (size_t)i));
			out[y][x] = sum / ((x1 - x0) * (y1 - y0));
		}
	}
}

/* Cosine transform of the lowest frequencies: out[v][u], v downwards. */
static void
transform(double in[SIDE][SIDE], double out[FREQ + 1][FREQ + 1])
{
	double wave[FREQ + 1][SIDE], rows[SIDE][FREQ + 1];

	for (int u = 0; u <= FREQ; u++)
		for (int x = 0; x < SIDE; x++)
			wave[u][x] = cos(M_PI / SIDE * u * (x + 0.5)) / SIDE;
	memset(rows, 0, sizeof(rows));
	for (int y = 0; y < SIDE; y++)
		for (int u = 0; u <= FREQ; u++)
			for (int x = 0; x < SIDE; x++)
				rows[y][u] += in[y][x] * wave[u][x];
	for (int v = 0; v <= FREQ; v++)
		for (int u = 0; u <= FREQ; u++) {
			out[v][u] = 0;
			for (int y = 0; y < SIDE; y++)
				out[v][u] += rows[y][u] * wave[v][y];
		}
}

static int
ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

bool
look_of(const unsigned char *rgba, int w, int h, uint64_t *look)
{
	double pixels[SIDE][SIDE], f[FREQ + 1][FREQ + 1], value[BITS], sorted[BITS], strongest = 0;
	int n = 0;

	if (w < 1 || h < 1 || w > LOOK_SIDE_MAX || h > LOOK_SIDE_MAX)
		return false;
	shrink(rgba, w, h, pixels);
	transform(pixels, f);
	/* The mean says nothing; one frequency more makes up for it. */
	for (int v = 0; v < FREQ; v++)
		for (int u = 0; u < FREQ; u++)
			value[n++] = u == 0 && v == 0 ? f[0][FREQ] : f[v][u];
	for (int i = 0; i < BITS; i++)
		strongest = fmax(strongest, fabs(value[i]));
	if (strongest < PLAIN)
		return false;
	memcpy(sorted, value, sizeof(sorted));
	qsort(sorted, BITS, sizeof(sorted[0]), ascending);
	*look = 0;
	for (int i = 0; i < BITS; i++)
		if (value[i] > (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2)
			*look |= UINT64_C(1) << i;
	return true;
}
