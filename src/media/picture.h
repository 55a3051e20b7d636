/*
 * Pictures, through libvips: reads the header, decodes once with shrink-on-load, then writes the
 * WebP files from large to small.
 *
 * Derived files are encoded from bare sRGB pixels, without EXIF, XMP, GPS data and profile of the
 * original: libvips's WebP writer would copy them whatever its options. Only the loaders named in
 * sniff.c can run.
 */
#ifndef MN_MEDIA_PICTURE_H
#define MN_MEDIA_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "media/tone.h"

struct error;
struct media_run;
struct _VipsImage;

#define PICTURE_POSTER_WIDTH 1920
#define PICTURE_WIDEST 1280
/* a thumbnail is at most this many times as high as wide, because of screenshots of long pages */
#define PICTURE_TALLEST 4
#define PICTURE_QUALITY 80
#define PICTURE_EFFORT 2 /* of the WebP encoder: 0..6 */

struct picture {
	const char *path, *reader;
	int width, height; /* as shown, without the turn */
	int turn;          /* degrees clockwise, for picture_turn() */
	int frames;        /* of an animation, or pages; at least 1 */
	bool alpha;
	int bits;                               /* of a channel */
	const unsigned char *exif, *xmp, *iptc; /* or NULL */
	size_t exif_size, xmp_size, iptc_size;
	struct tone tone;          /* of its colours, where the container tells */
	bool profile;              /* it has an ICC profile, or is CMYK */
	struct _VipsImage *whole;  /* bare pixels of the full size; NULL: read the file */
	struct _VipsImage *pixels; /* after picture_decode: bare 8-bit sRGB in memory */
};

/* Once a process. */
bool picture_start(struct error *);
/*
 * Prints libvips's version and, one in a line, those of our formats that it can read: for
 * medianest-admin doctor.
 */
bool picture_formats(FILE *);

/* Reads the header only. Slugs unreadable, truncated, too_many_pixels. */
bool picture_open(struct media_run *, const char *path, const char *reader, struct picture *,
    struct error *);
struct picture_pixels {
	const void *data; /* which stays there */
	int width, height;
	int bands; /* of 8 bits: 3, RGB, or 4, with alpha */
};
/* A picture of bare pixels in memory, turned as EXIF's orientation (1..8) says. */
bool picture_from_pixels(struct media_run *, const struct picture_pixels *, int orientation,
    struct picture *, struct error *);
/* Decodes to at most `width` pixels across. Slugs unreadable, truncated, resource_limit. */
bool picture_decode(struct media_run *, struct picture *, int width, struct error *);
/*
 * Decodes what there is of a picture that is cut off, if it is PICTURE_SHOWN_MIN of it: *shown. The
 * rest is black or transparent, or grey in a JPEG. Slugs as above.
 */
#define PICTURE_SHOWN_MIN 0.5
bool picture_decode_part(struct media_run *, struct picture *, int width, double *shown,
    struct error *);
/* Turns the decoded pixels, and exchanges width and height where that lays them on their side. */
bool picture_turn(struct media_run *, struct picture *, struct error *);
/* Writes NAME at most `width` across and lists it as an asset. */
bool picture_write(struct media_run *, const struct picture *, const char *name, int width,
    struct error *);
/*
 * Writes 1280.webp, 640.webp and 320.webp, those for which the original is wide enough, at least
 * one; sets the thumbhash.
 */
bool picture_thumbnails(struct media_run *, struct picture *, struct error *);
/* Lays n pictures of tile_w x tile_h in rows of `columns` and writes them as NAME. */
bool picture_sprite(struct media_run *, struct picture *tiles, size_t n, int columns, int tile_w,
    int tile_h, const char *name, struct error *);

#endif
