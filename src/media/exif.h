/*
 * EXIF (CIPA DC-008): the tags that a photo library shows, read from an untrusted block with every
 * offset checked.
 */
#ifndef MN_MEDIA_EXIF_H
#define MN_MEDIA_EXIF_H

#include <stdbool.h>
#include <stddef.h>

#define EXIF_TEXT 128 /* bytes of a text with its NUL; longer texts are cut */

/* Absent: empty text, or 0. */
struct exif {
	char make[EXIF_TEXT], model[EXIF_TEXT], lens[EXIF_TEXT], software[EXIF_TEXT],
	    description[EXIF_TEXT];
	char taken[EXIF_TEXT];                /* "2023:05:06 12:34:56", the camera's clock */
	char offset[EXIF_TEXT];               /* "+02:00" */
	double exposure;                      /* seconds */
	double aperture;                      /* f-number */
	double focal_length, focal_length_35; /* mm */
	int iso;
	int orientation; /* 1..8 */
	bool flash;
	bool gps;
	double latitude, longitude; /* degrees, north and east positive; valid with `gps` */
	double altitude;            /* m; valid with `gps_altitude` */
	bool gps_altitude;
};

/*
 * Reads a block with or without its leading "Exif\0\0" and leaves out malformed values. Returns
 * whether there were any values.
 */
bool exif_parse(const unsigned char *, size_t, struct exif *);
/* "2023:05:06 12:34:56" -> "2023-05-06T12:34:56" (20 bytes with NUL); false if it is not a date. */
bool exif_date(const char *text, char out[20]);
/* "+02:00" and the like. */
bool exif_offset_valid(const char *);

#endif
