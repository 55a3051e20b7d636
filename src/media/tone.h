/*
 * Colours as ITU-T H.273 describes them (CICP: in HEIF's nclx, PNG's cICP) to sRGB. High dynamic
 * range (PQ, HLG: ITU-R BT.2100) has its diffuse white, 203 cd/m2 (ITU-R BT.2408), where sRGB has
 * its white; what is brighter is compressed, and only as far as the picture needs it.
 */
#ifndef MN_MEDIA_TONE_H
#define MN_MEDIA_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct tone {
	int primaries, transfer; /* code points; 0: nothing is known */
};

/* Are colours of this kind shown wrong where they are taken for sRGB? */
bool tone_differs(const struct tone *);
bool tone_is_hdr(const struct tone *);

/* Pixels of `bands` values (3, or 4 with alpha), of 16 bits where `full` is not 255. */
struct tone_pixels {
	const void *data;
	size_t n;
	int bands;
	int full; /* the largest value */
};
/* n * bands bytes. */
unsigned char *tone_srgb(struct arena *, const struct tone *, const struct tone_pixels *);

#endif
