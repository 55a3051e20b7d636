/* The EXIF of Canon's CR3, which has a block for each of its directories. */
#ifndef MN_MEDIA_CR3_H
#define MN_MEDIA_CR3_H

#include <stddef.h>

struct arena;

/* One block of them all; NULL: there is none. */
const unsigned char *cr3_exif(struct arena *, const unsigned char *, size_t, size_t *n);

#endif
