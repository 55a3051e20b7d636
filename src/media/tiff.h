/*
 * The directories of a TIFF file (TIFF 6.0) and of its relatives: raw photographs, EXIF blocks. The
 * bytes are untrusted; every offset is checked, and what is not there reads as 0.
 */
#ifndef MN_MEDIA_TIFF_H
#define MN_MEDIA_TIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIFF_ENTRIES_MAX 512 /* of one directory */

enum {
	TIFF_SUBFILE_TYPE = 0xfe,
	TIFF_WIDTH = 0x100,
	TIFF_HEIGHT = 0x101,
	TIFF_BITS = 0x102,
	TIFF_COMPRESSION = 0x103,
	TIFF_PHOTOMETRIC = 0x106,
	TIFF_MAKE = 0x10f,
	TIFF_STRIP_OFFSETS = 0x111,
	TIFF_ORIENTATION = 0x112,
	TIFF_SAMPLES = 0x115,
	TIFF_STRIP_SIZES = 0x117,
	TIFF_PLANAR = 0x11c,
	TIFF_SUB_DIRECTORIES = 0x14a,
	TIFF_JPEG_AT = 0x201,
	TIFF_JPEG_SIZE = 0x202,
	TIFF_EXIF = 0x8769,
	TIFF_MAKER_NOTE = 0x927c,
	TIFF_DNG_VERSION = 0xc612,
	TIFF_PANASONIC_JPEG = 0x2e,
};

/* Types of values. */
enum {
	TIFF_BYTE = 1,
	TIFF_ASCII = 2,
	TIFF_SHORT = 3,
	TIFF_LONG = 4,
	TIFF_RATIONAL = 5,
	TIFF_UNDEFINED = 7,
	TIFF_SRATIONAL = 10,
	TIFF_IFD = 13,
};

struct tiff {
	const unsigned char *data;
	size_t size;
	bool big_endian;
};

/* The value lies within the file. */
struct tiff_entry {
	unsigned tag, type;
	uint32_t count;
	size_t at, size; /* of the value */
};

/* False without the signature of TIFF, or of ORF or RW2. *first: its first directory. */
bool tiff_open(const unsigned char *, size_t, struct tiff *, size_t *first);
unsigned tiff_u16(const struct tiff *, size_t at);
uint32_t tiff_u32(const struct tiff *, size_t at);
/* The i-th entry of the directory at `at`; false where it is damaged or lies outside. */
bool tiff_entry(const struct tiff *, size_t at, size_t i, struct tiff_entry *);
/* Looks for a tag in the directory at `at`. */
bool tiff_find(const struct tiff *, size_t at, unsigned tag, struct tiff_entry *);
/* The i-th number of a value. */
uint32_t tiff_number(const struct tiff *, const struct tiff_entry *, uint32_t i);
/* The first number of a tag; `fallback` where it is absent. */
uint32_t tiff_get(const struct tiff *, size_t at, unsigned tag, uint32_t fallback);
/* The directory behind this one; 0: none. */
size_t tiff_next(const struct tiff *, size_t at);

#endif
