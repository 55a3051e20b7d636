/*
 * The type of a file by its first bytes. The claimed type and the file name do not matter.
 *
 * Our own signatures identify the supported types and so choose the decoder. libmagic must agree
 * with the family of the type, and provides the names of refused types.
 */
#ifndef MN_MEDIA_SNIFF_H
#define MN_MEDIA_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

#define SNIFF_BYTES 8192           /* bytes read from the start of the file */
#define SNIFF_SEARCH (128UL << 10) /* bytes searched for sound behind tags and rests */

struct media_type {
	const char *content_type;
	const char *extension;
	const char *label; /* for people */
	bool image;
	/* the only libvips loader (prefix of its class name) or FFmpeg demuxer that is used */
	const char *reader;
};

/* By signature alone; NULL: not a supported type. `size` may be less than SNIFF_BYTES. */
const struct media_type *sniff_bytes(const unsigned char *, size_t size);
/* Is it a raw photograph (media/raw.h)? */
bool sniff_is_raw(const struct media_type *);
/* ERR_UNPROCESSABLE with slug empty or unsupported_type. */
bool sniff_file(struct arena *, const char *path, const struct media_type **, struct error *);
/* The container says that it holds sound: pictures in it are covers. */
bool sniff_names_sound(const struct media_type *);
/*
 * The type of the same container with sound only: video/mp4 -> audio/mp4, video/ogg -> audio/ogg,
 * ...; else the type itself.
 */
const struct media_type *sniff_sound_only(const struct media_type *);

#endif
