/*
 * When a photo or a video was taken, as far as its file says: EXIF, XMP, IPTC, the container.
 *
 * A date is mostly what the clock on the wall said; some files also say how far that clock was from
 * UTC, some know only the instant. Damaged dates count as absent. Nothing here reads files or
 * clocks.
 */
#ifndef MN_MEDIA_DATES_H
#define MN_MEDIA_DATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exif;
struct json;

#define DATE_OFFSET_NONE INT32_MIN

/* Either `local` or `at` is known; with `offset`, each follows from the other. */
struct media_taken {
	const char *source; /* exif, gps, xmp, iptc, container or sidecar; NULL: nothing is known */
	bool has_local, has_at;
	int64_t local; /* us, as an instant of UTC that reads the same */
	int64_t at;    /* us */
	int offset;    /* minutes east of UTC, or DATE_OFFSET_NONE */
};

/*
 * A date as programs write it: "2024:07:01 14:00:00" (EXIF), "2024-07-01T14:00:00.123+02:00" (XMP,
 * containers), with numbers that are padded with blanks, and anything behind it that is no offset.
 * `short_form` also takes a day alone, which counts as noon, and a time without seconds. False:
 * there is no such day or time, or it is one of those that mean 'unknown'.
 */
bool date_read(const char *text, bool short_form, struct media_taken *);
/* "+02:00", "+0200", "+2", "Z"; false for anything else and for what no clock has. */
bool date_offset_read(const char *text, int *minutes);

/* The blocks of a photo; absent ones NULL. */
struct date_blocks {
	const struct exif *exif;
	const unsigned char *xmp, *iptc;
	size_t xmp_size, iptc_size;
};
void date_of_photo(const struct date_blocks *, struct media_taken *);
/*
 * A file beside the photo: XMP of a program for photos, or the JSON of Google Takeout, whose
 * photoTakenTime is Unix time. False: it does not say.
 */
bool date_of_sidecar(const unsigned char *, size_t, struct media_taken *);
/*
 * The tags of a container, each or NULL: Apple's creation date is local time with an offset; `day`
 * (the tag 'date') counts only with one; creation_time is UTC.
 */
struct date_tags {
	const char *apple, *day, *created;
};
void date_of_video(const struct date_tags *, struct media_taken *);

/* Adds the member `taken`, if anything is known. */
void date_report(struct json *, const struct media_taken *);

#endif
