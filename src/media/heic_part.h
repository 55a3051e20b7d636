/*
 * HEIC that is cut off. Cameras write it as a grid of tiles, each a picture of its own, one behind
 * the other; libheif decodes all of them or nothing. So the tiles that are missing get the place of
 * one that is there, and are blackened afterwards.
 */
#ifndef MN_MEDIA_HEIC_PART_H
#define MN_MEDIA_HEIC_PART_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct mapped;
struct media_run;
struct picture;

#define HEIC_TILES_MAX 4096
#define HEIC_FILE_MAX (60UL << 20) /* bytes: it is written once more */

/* A part of the picture as it is shown, from 0 to 1. */
struct heic_hole {
	double left, top, right, bottom;
};
struct heic_part {
	struct heic_hole *holes; /* of the arena */
	size_t n;
	double shown; /* how much is there: PICTURE_SHOWN_MIN at least */
};

/*
 * Changes the bytes so that every tile can be decoded. False: it is not cut off, is no grid, too
 * little of it is there, or it is turned in a way that is not known here; then all bytes are as
 * they were.
 */
bool heic_fill(struct media_run *, struct mapped *, struct heic_part *);
/* The same bytes as a file, for libvips; NULL with *err. */
const char *heic_write(struct media_run *, const struct mapped *, struct error *);
/* After picture_decode(). */
bool heic_blacken(struct media_run *, const struct heic_part *, struct picture *, struct error *);

#endif
