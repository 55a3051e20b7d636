/*
 * ThumbHash: a picture in about 25 bytes, shown while the real one loads.
 *
 * The format, by Evan Wallace, has averages and the lowest cosine coefficients of luminance, of two
 * colour differences and, if present, of transparency, each in four bits. Clients decode it.
 */
#ifndef MN_MEDIA_THUMBHASH_H
#define MN_MEDIA_THUMBHASH_H

#include <stddef.h>

#define THUMBHASH_MAX 64   /* bytes of a hash; at most 40 are used */
#define THUMBHASH_SIDE 100 /* pixels: larger pictures are scaled down by the caller */

/*
 * rgba: w * h pixels of four bytes, 1 <= w, h <= THUMBHASH_SIDE. Returns the number of bytes
 * written.
 */
size_t thumbhash_encode(int w, int h, const unsigned char *rgba, unsigned char out[THUMBHASH_MAX]);

#endif
