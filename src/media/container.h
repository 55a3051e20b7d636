/* What the containers of pictures say beside the pixels, where libvips does not read it. */
#ifndef MN_MEDIA_CONTAINER_H
#define MN_MEDIA_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "media/tone.h"

/* The data of the first chunk of that type in a PNG; NULL: none before the pixels end. */
const unsigned char *png_chunk(const unsigned char *, size_t, const char *type, size_t *n);
/* Colours by cICP of a PNG, and by nclx of the main picture of a HEIF file. */
bool png_tone(const unsigned char *, size_t, struct tone *);
bool heif_tone(const unsigned char *, size_t, struct tone *);

/* Does a PNG, WebP or TIFF end before it is complete? To libvips that is damage like any other. */
bool container_is_cut(const unsigned char *, size_t);

#endif
