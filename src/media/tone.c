#include <math.h>

#include "core/arena.h"
#include "media/tone.h"

#include "core/banned.h"

#define PRIMARIES_2020 9
#define PRIMARIES_DCI_P3 11
#define PRIMARIES_P3 12
#define TRANSFER_LINEAR 8
#define TRANSFER_PQ 16
#define TRANSFER_HLG 18

#define WHITE 203.0f     /* cd/m2, diffuse */
#define HLG_PEAK 1000.0f /* cd/m2, of the display that BT.2100 takes as its example */
#define HLG_GAMMA 1.2f
#define LEVELS 65536  /* of a table */
#define BINS 1024     /* of the histogram of highlights */
#define BIN_MAX 50.0f /* times white; PQ ends at 10 000 cd/m2 */
#define STRAY 0.001   /* of all pixels: so many may be brighter than the peak */
#define KNEE 0.75f    /* of white: up to here highlights leave everything as it is */

/* To the primaries of BT.709 with the same white (D65), linear. */
static const float from_2020[9] = { 1.660491f, -0.587641f, -0.072850f, -0.124550f, 1.132900f,
	-0.008349f, -0.018151f, -0.100579f, 1.118730f };
static const float from_p3[9] = { 1.224940f, -0.224940f, 0, -0.042057f, 1.042057f, 0, -0.019638f,
	-0.078636f, 1.098274f };
static const float same[9] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };

struct rgb {
	float r, g, b;
};

struct curves {
	const float *matrix;
	float peak;           /* times white */
	float *linear;        /* of each value */
	unsigned char *coded; /* sRGB of linear light, LEVELS steps up to white */
};

bool
tone_is_hdr(const struct tone *t)
{
	return t->transfer == TRANSFER_PQ || t->transfer == TRANSFER_HLG;
}

bool
tone_differs(const struct tone *t)
{
	return tone_is_hdr(t) || t->transfer == TRANSFER_LINEAR || t->primaries == PRIMARIES_2020 ||
	    t->primaries == PRIMARIES_DCI_P3 || t->primaries == PRIMARIES_P3;
}

/* Light of a coded value, in times of white. */
static float
linear_of(const struct tone *t, float v)
{
	float p;

	switch (t->transfer) {
	case TRANSFER_PQ:
		p = powf(v, 1 / 78.84375f);
		p = fmaxf(p - 0.8359375f, 0) / (18.8515625f - 18.6875f * p);
		return powf(p, 1 / 0.1593017578125f) * 10000 / WHITE;
	case TRANSFER_HLG:
		/* The display's gamma for each channel, as FFmpeg has it for videos. */
		p = v <= 0.5f ? v * v / 3 :
				(expf((v - 0.55991073f) / 0.17883277f) + 0.28466892f) / 12;
		return powf(p, HLG_GAMMA) * HLG_PEAK / WHITE;
	case TRANSFER_LINEAR: return v;
	default: return v <= 0.04045f ? v / 12.92f : powf((v + 0.055f) / 1.055f, 2.4f);
	}
}

static unsigned char
coded_of(float v)
{
	float s = v <= 0.0031308f ? v * 12.92f : 1.055f * powf(v, 1 / 2.4f) - 0.055f;

	return (unsigned char)(s * 255 + 0.5f);
}

static unsigned
value_at(const struct tone_pixels *in, size_t i)
{
	return in->full == 255 ? ((const unsigned char *)in->data)[i] :
				 ((const uint16_t *)in->data)[i];
}

/* The light of a pixel in sRGB's primaries, in times of white. */
static struct rgb
light(const struct curves *c, const struct tone_pixels *in, size_t pixel)
{
	const float *m = c->matrix;
	size_t i = pixel * (size_t)in->bands;
	struct rgb v = { c->linear[value_at(in, i)], c->linear[value_at(in, i + 1)],
		c->linear[value_at(in, i + 2)] };

	return (struct rgb) {
		m[0] * v.r + m[1] * v.g + m[2] * v.b,
		m[3] * v.r + m[4] * v.g + m[5] * v.b,
		m[6] * v.r + m[7] * v.g + m[8] * v.b,
	};
}

static float
brightest(struct rgb v)
{
	return fmaxf(v.r, fmaxf(v.g, v.b));
}

/* How bright the picture gets, but for a few stray pixels; at least white. */
static float
peak_of(const struct curves *c, const struct tone_pixels *in)
{
	size_t bins[BINS + 1] = { 0 }, over = 0;
	int i;

	for (size_t p = 0; p < in->n; p++) {
		float v = fminf(fmaxf(brightest(light(c, in, p)), 0), BIN_MAX);

		bins[(int)(v * BINS / BIN_MAX)]++;
	}
	for (i = BINS; i > 0; i--) {
		over += bins[i];
		if ((double)over > STRAY * (double)in->n)
			break;
	}
	return fmaxf(1, (float)i * BIN_MAX / BINS);
}

/* Above the knee: begins as steep as below it, and ends at white where the picture ends. */
static float
compress(float v, float peak)
{
	float a, x;

	if (peak <= 1.1f || v <= KNEE)
		return v;
	a = (peak - KNEE) / (1 - KNEE);
	x = fminf(1, (v - KNEE) / (peak - KNEE));
	return KNEE + (1 - KNEE) * a * x / (1 + (a - 1) * x);
}

static unsigned char
code(const struct curves *c, float v)
{
	return c->coded[(size_t)(fminf(fmaxf(v, 0), 1) * (LEVELS - 1) + 0.5f)];
}

static void
curves_init(struct arena *arena, const struct tone *t, const struct tone_pixels *in,
    struct curves *c)
{
	c->matrix = t->primaries == PRIMARIES_2020                           ? from_2020 :
	    t->primaries == PRIMARIES_P3 || t->primaries == PRIMARIES_DCI_P3 ? from_p3 :
									       same;
	c->linear = arena_array(arena, LEVELS, sizeof(*c->linear));
	for (int i = 0; i < LEVELS && (i <= in->full || i <= UINT16_MAX); i++)
		c->linear[i] = linear_of(t, fminf(1, (float)i / (float)in->full));
	c->coded = arena_alloc(arena, LEVELS);
	for (int i = 0; i < LEVELS; i++)
		c->coded[i] = coded_of((float)i / (LEVELS - 1));
	c->peak = tone_is_hdr(t) ? peak_of(c, in) : 1;
}

unsigned char *
tone_srgb(struct arena *arena, const struct tone *t, const struct tone_pixels *in)
{
	size_t bands = (size_t)in->bands;
	unsigned char *out = arena_alloc(arena, in->n * bands);
	struct curves c;

	curves_init(arena, t, in, &c);
	for (size_t p = 0; p < in->n; p++) {
		struct rgb v = light(&c, in, p);
		float top = brightest(v), scale = top > 0 ? compress(top, c.peak) / top : 1;
		unsigned char *to = out + p * bands;

		to[0] = code(&c, v.r * scale);
		to[1] = code(&c, v.g * scale);
		to[2] = code(&c, v.b * scale);
		if (bands == 4)
			to[3] =
			    (unsigned char)((int64_t)value_at(in, p * bands + 3) * 255 / in->full);
	}
	return out;
}
