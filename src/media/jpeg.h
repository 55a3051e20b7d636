/* The segments of a JPEG (ITU-T T.81), without decoding it. */
#ifndef MN_MEDIA_JPEG_H
#define MN_MEDIA_JPEG_H

#include <stdbool.h>
#include <stddef.h>

struct jpeg {
	int width, height;
	bool lossless;             /* of sensor data; no decoder of pictures reads it */
	const unsigned char *exif; /* "Exif\0\0..." or NULL */
	size_t exif_size;
	size_t end; /* behind its last marker; the size of the data where that is missing */
	bool whole; /* the last marker is there */
};

/* Reads from SOI on; false where no frame header follows. */
bool jpeg_read(const unsigned char *, size_t, struct jpeg *);

#endif
