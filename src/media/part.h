/*
 * What there is of pictures that are cut off, for formats of which libvips reads all or nothing:
 * the rows of a WebP and the passes of an interlaced PNG. HEIC is
 * a matter of its own: heic_part.h.
 */
#ifndef MN_MEDIA_PART_H
#define MN_MEDIA_PART_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct mapped;
struct media_run;
struct picture;

/*
 * The picture as bare pixels, those that are missing black or transparent, as picture_from_pixels()
 * makes it; *shown: how much of it is there, at least PICTURE_SHOWN_MIN. False, with *err as it is:
 * another format, or too little is there.
 */
bool part_webp(struct media_run *, const struct mapped *, struct picture *, double *shown,
    struct error *);
bool part_png(struct media_run *, const struct mapped *, struct picture *, double *shown,
    struct error *);
/*
 * Does a GIF end within a frame? To libvips it is whole if its first frame is, which is all that is
 * shown.
 */
bool gif_is_cut(const unsigned char *, size_t);

#endif
