/*
 * The codecs of a video or a song as RFC 6381 writes them, which is what browsers are asked with:
 * "hvc1.1.6.L93.B0, mp4a.40.2".
 */
#ifndef MN_MEDIA_CODECS_H
#define MN_MEDIA_CODECS_H

#include <stddef.h>

struct arena;
struct media_run;
struct probe;

#define CODECS_EXTRA_MAX 16 /* bytes: where the records say profile, tier and level */

/* NULL if one of them has no name there, or the file does not say enough for it. */
const char *codecs_of(struct media_run *, const struct probe *);

/*
 * By the first `n` bytes of the record that a file keeps of a stream: avcC, hvcC (ISO/IEC 14496-15)
 * and av1C. `tag` is the four-character code of the stream. NULL: it is no such record.
 */
const char *codecs_avc(struct arena *, const char *tag, const unsigned char *, size_t n);
const char *codecs_hevc(struct arena *, const char *tag, const unsigned char *, size_t n);
const char *codecs_av1(struct arena *, const char *tag, const unsigned char *, size_t n);

#endif
