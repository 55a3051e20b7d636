#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "media/thumbhash.h"

#include "core/banned.h"

#define COEFFICIENTS_MAX 64

/* One channel after the transform: the mean, the others scaled to 0..1, and the scale. */
struct channel {
	double dc;
	double ac[COEFFICIENTS_MAX];
	int nac;
	double scale;
};

/* Coefficients (cx, cy) of the triangle cx / nx + cy / ny < 1. */
static void
channel_transform(struct channel *c, const double *v, int w, int h, int nx, int ny)
{
	double fx[THUMBHASH_SIDE], f, row;
	int x, y;

	memset(c, 0, sizeof(*c));
	for (int cy = 0; cy < ny; cy++) {
		for (int cx = 0; cx * ny < nx * (ny - cy); cx++) {
			for (x = 0; x < w; x++)
				fx[x] = cos(M_PI / w * cx * (x + 0.5));
			for (f = 0, y = 0; y < h; y++) {
				for (row = 0, x = 0; x < w; x++)
					row += v[x + y * w] * fx[x];
				f += row * cos(M_PI / h * cy * (y + 0.5));
			}
			f /= w * h;
			if (cx == 0 && cy == 0) {
				c->dc = f;
				continue;
			}
			c->ac[c->nac++] = f;
			c->scale = fmax(c->scale, fabs(f));
		}
	}
	if (c->scale > 0)
		for (int i = 0; i < c->nac; i++)
			c->ac[i] = 0.5 + 0.5 / c->scale * c->ac[i];
}

static unsigned
quantise(double v, unsigned steps)
{
	double n = floor(v * steps + 0.5);

	return n < 0 ? 0 : n > steps ? steps : (unsigned)n;
}

static void
put_nibbles(const struct channel *c, unsigned char *out, int *at)
{
	for (int i = 0; i < c->nac; i++, (*at)++)
		out[*at >> 1] |= (unsigned char)(quantise(c->ac[i], 15) << ((*at & 1) << 2));
}

/*
 * Blends the pixels over their average colour and splits them into luminance, yellow-blue,
 * red-green and alpha. Returns whether some are transparent.
 */
static bool
split(const unsigned char *rgba, int n, double *l, double *p, double *q, double *a)
{
	double avg[3] = { 0, 0, 0 }, sum = 0, rgb[3], alpha;

	for (int i = 0; i < n; i++) {
		alpha = rgba[4 * i + 3] / 255.0;
		for (int k = 0; k < 3; k++)
			avg[k] += alpha / 255.0 * rgba[4 * i + k];
		sum += alpha;
	}
	for (int k = 0; k < 3 && sum > 0; k++)
		avg[k] /= sum;
	for (int i = 0; i < n; i++) {
		alpha = rgba[4 * i + 3] / 255.0;
		for (int k = 0; k < 3; k++)
			rgb[k] = avg[k] * (1 - alpha) + alpha / 255.0 * rgba[4 * i + k];
		l[i] = (rgb[0] + rgb[1] + rgb[2]) / 3;
		p[i] = (rgb[0] + rgb[1]) / 2 - rgb[2];
		q[i] = rgb[0] - rgb[1];
		a[i] = alpha;
	}
	return sum < n;
}

static int
at_least(int min, int v)
{
	return v < min ? min : v;
}

size_t
thumbhash_encode(int w, int h, const unsigned char *rgba, unsigned char out[THUMBHASH_MAX])
{
	int n = w * h, side = w > h ? w : h, limit, lx, ly, nibble;
	double *v = xmalloc((size_t)n * 4 * sizeof(*v));
	bool alpha = split(rgba, n, v, v + n, v + 2 * n, v + 3 * n), landscape = w > h;
	struct channel l, p, q, a;
	unsigned head;

	limit = alpha ? 5 : 7; /* transparency needs a part of the bits */
	lx = at_least(1, (int)floor((double)limit * w / side + 0.5));
	ly = at_least(1, (int)floor((double)limit * h / side + 0.5));
	channel_transform(&l, v, w, h, at_least(3, lx), at_least(3, ly));
	channel_transform(&p, v + n, w, h, 3, 3);
	channel_transform(&q, v + 2 * n, w, h, 3, 3);
	if (alpha)
		channel_transform(&a, v + 3 * n, w, h, 5, 5);
	free(v);

	memset(out, 0, THUMBHASH_MAX);
	head = quantise(l.dc, 63) | quantise(0.5 + 0.5 * p.dc, 63) << 6 |
	    quantise(0.5 + 0.5 * q.dc, 63) << 12 | quantise(l.scale, 31) << 18 |
	    (alpha ? 1u << 23 : 0);
	out[0] = head & 255;
	out[1] = head >> 8 & 255;
	out[2] = head >> 16 & 255;
	head = (unsigned)(landscape ? ly : lx) | quantise(p.scale, 63) << 3 |
	    quantise(q.scale, 63) << 9 | (landscape ? 1u << 15 : 0);
	out[3] = head & 255;
	out[4] = head >> 8 & 255;
	if (alpha)
		out[5] = (unsigned char)(quantise(a.dc, 15) | quantise(a.scale, 15) << 4);
	nibble = alpha ? 12 : 10;
	put_nibbles(&l, out, &nibble);
	put_nibbles(&p, out, &nibble);
	put_nibbles(&q, out, &nibble);
	if (alpha)
		put_nibbles(&a, out, &nibble);
	return (size_t)(nibble + 1) / 2;
}
