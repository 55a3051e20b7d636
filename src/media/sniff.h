/*
 * What a file is, by its first bytes. The claimed type and the name are never looked at.
 *
 * Own signatures decide among the types that are processed, and so which decoder may see the bytes;
 * libmagic has to agree with their family, and names what is refused.
 */
#ifndef MN_MEDIA_SNIFF_H
#define MN_MEDIA_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct error;

#define SNIFF_BYTES 8192 /* looked at from the start */

struct media_type {
	const char *content_type;
	const char *extension;
	const char *label; /* for people */
	bool image;
	/* libvips loader (prefix of its class name) or FFmpeg demuxer: the only one that is used */
	const char *reader;
};

/* By signature alone; NULL: none that is processed. `size` may be less than SNIFF_BYTES. */
const struct media_type *sniff_bytes(const unsigned char *, size_t size);
/* ERR_UNPROCESSABLE with slug empty or unsupported_type. */
bool sniff_file(struct arena *, const char *path, const struct media_type **, struct error *);
/*
 * The same container holding sound only: video/mp4 -> audio/mp4, video/ogg -> audio/ogg, ...; else
 * the type itself.
 */
const struct media_type *sniff_sound_only(const struct media_type *);

#endif
