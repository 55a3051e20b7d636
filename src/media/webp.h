/*
 * WebP containers (RIFF, as in the WebP container specification): leaving out what is not picture.
 */
#ifndef MN_MEDIA_WEBP_H
#define MN_MEDIA_WEBP_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Removes EXIF, XMP and ICC chunks in place and answers the new size; 0 = no WebP file. libvips
 * writes an EXIF block of its own making even for pixels that never had one, whatever it is told.
 */
size_t webp_strip(unsigned char *, size_t);

#endif
