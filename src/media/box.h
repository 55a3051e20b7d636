/* Boxes of ISO base media files (ISO/IEC 14496-12 section 4.2), with every size checked. */
#ifndef MN_MEDIA_BOX_H
#define MN_MEDIA_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct box {
	char type[5];
	const unsigned char *data; /* behind its header */
	size_t size;               /* of the data */
	size_t whole;              /* with its header */
};

/* The box at the start of the bytes; false where none is, or where it is cut off. */
bool box_read(const unsigned char *, size_t, struct box *);
/* The first box of a type among those that follow each other in the bytes. */
bool box_find(const unsigned char *, size_t, const char *type, struct box *);

#endif
