/*
 * Raw photographs: NEF, CR2, CR3, ARW, DNG, RAF, ORF, RW2. They are shown by the largest picture
 * that the camera put into them. What the sensor saw is not developed: that needs a library for
 * each camera, and the camera's own picture is what its owner has seen.
 */
#ifndef MN_MEDIA_RAW_H
#define MN_MEDIA_RAW_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct mapped;
struct media_run;
struct picture;

/* A smaller picture (longer side, pixels) is a stamp for the camera's display. */
#define RAW_SIDE_MIN 480
#define RAW_DIRECTORIES_MAX 64

enum raw_kind { RAW_NONE, RAW_NEF, RAW_CR2, RAW_CR3, RAW_ARW, RAW_DNG, RAW_RAF, RAW_ORF, RAW_RW2 };

/* By the first bytes of a file. */
enum raw_kind raw_detect(const unsigned char *, size_t);
/*
 * A TIFF whose first picture is a small version of one that lies in a directory below: a raw
 * photograph of a kind that is not known by name.
 */
bool raw_is_stamp(const unsigned char *, size_t);

/*
 * Opens the largest picture of the file. Slug raw_without_picture where there is none, or only a
 * stamp; otherwise as picture_open().
 */
bool raw_open(struct media_run *, const struct mapped *, struct picture *, struct error *);
/* Removes what raw_open() may have left in the output directory. */
void raw_close(struct media_run *);

#endif
