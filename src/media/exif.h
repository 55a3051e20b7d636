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
	/*
	 * DateTimeOriginal, DateTimeDigitized and DateTime, "2023:05:06 12:34:56" by the camera's
	 * clock, and the tags of their offsets, "+02:00": as they stand, see media/dates.h
	 */
	char taken[EXIF_TEXT], digitized[EXIF_TEXT], changed[EXIF_TEXT];
	char offset[EXIF_TEXT], offset_digitized[EXIF_TEXT], offset_changed[EXIF_TEXT];
	char gps_date[EXIF_TEXT]; /* "2023:05:06", of UTC */
	bool gps_time;
	double gps_seconds;                   /* of the day; valid with `gps_time` */
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
#endif
