/*
 * Frames of MPEG audio (ISO/IEC 11172-3 section 2.4.1.3) and of AAC in ADTS (ISO/IEC 14496-3
 * section 1.A.2), which have no signature but their own shape.
 */
#ifndef MN_MEDIA_MPEG_AUDIO_H
#define MN_MEDIA_MPEG_AUDIO_H

#include <stddef.h>

#define MPEG_AUDIO_CHAIN 4 /* frames in a row that are no accident */

enum mpeg_audio { MPEG_AUDIO_NONE, MPEG_AUDIO_LAYER, MPEG_AUDIO_ADTS };

/* The frame that begins at b; its bytes to *length (or NULL), 0: they are not told. */
enum mpeg_audio mpeg_audio_frame(const unsigned char *b, size_t size, size_t *length);
/* The first MPEG_AUDIO_CHAIN frames of a kind in a row, wherever they begin. */
enum mpeg_audio mpeg_audio_find(const unsigned char *b, size_t size);

#endif
