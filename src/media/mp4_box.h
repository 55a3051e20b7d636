/* Boxes of MP4 and QuickTime files that are too large to be mapped: box.h for an open file. */
#ifndef MN_MEDIA_MP4_BOX_H
#define MN_MEDIA_MP4_BOX_H

#include <stdbool.h>
#include <sys/types.h>

#define MP4_BOXES_MAX 4096 /* boxes that are looked at, one beside the other */

struct mp4_box {
	char type[5];
	off_t at, end; /* of what is in it */
};

/* The whole file as a box; false: its size is not known. */
bool mp4_file(int fd, struct mp4_box *);
/* The box at *at, which goes on to the next one; false at `end` or where no box is. */
bool mp4_next(int fd, off_t *at, off_t end, struct mp4_box *);
/* The first box of the type in another one. */
bool mp4_find(int fd, struct mp4_box in, const char *type, struct mp4_box *found);

#endif
