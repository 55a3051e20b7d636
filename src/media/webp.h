/* WebP containers (RIFF, as in the WebP container specification): removes metadata. */
#ifndef MN_MEDIA_WEBP_H
#define MN_MEDIA_WEBP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Removes EXIF, XMP and ICC chunks in place and returns the new size; 0 = not a WebP file. libvips
 * always writes an EXIF block of its own, even for pixels that never had one.
 */
size_t webp_strip(unsigned char *, size_t);

#endif
