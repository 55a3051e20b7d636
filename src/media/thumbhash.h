/*
 * ThumbHash: a picture in some 25 bytes, to be shown while the real one loads.
 *
 * The format is Evan Wallace's: averages and the lowest cosine coefficients of luminance, two
 * colour differences and, where there is one, transparency, each coefficient in four bits. Clients
 * decode it.
 */
#ifndef MN_MEDIA_THUMBHASH_H
#define MN_MEDIA_THUMBHASH_H

#include <stddef.h>

#define THUMBHASH_MAX 64   /* bytes of a hash: no picture makes more than 40 */
#define THUMBHASH_SIDE 100 /* pixels: larger pictures are scaled down by the caller */

/*
 * rgba: w * h pixels of four bytes, 1 <= w, h <= THUMBHASH_SIDE. Answers the number of bytes
 * written.
 */
size_t thumbhash_encode(int w, int h, const unsigned char *rgba, unsigned char out[THUMBHASH_MAX]);

#endif
