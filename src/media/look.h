/*
 * What a picture looks like in 64 bits: which of its lowest frequencies are strong (a perceptual
 * hash). The same picture in another size, format or quality differs in a few bits only, another
 * one in about half of them.
 */
#ifndef MN_MEDIA_LOOK_H
#define MN_MEDIA_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#define LOOK_SIDE_MAX 256 /* pixels */

/*
 * Of w x h pixels of 4 bytes (red, green, blue, alpha). False: it has next to nothing on it, such
 * as a black frame, and would look like any other.
 */
bool look_of(const unsigned char *rgba, int w, int h, uint64_t *look);

#endif
