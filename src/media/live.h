/*
 * Live photos: a photo and a short video of the same moment, uploaded as two files. Apple writes
 * one identifier into both: into the photo's maker note, and into the video's metadata.
 */
#ifndef MN_MEDIA_LIVE_H
#define MN_MEDIA_LIVE_H

#include <stddef.h>

struct media_run;

#define LIVE_VIDEO_TAG "com.apple.quicktime.content.identifier"

/* The identifier if it looks like one, or NULL. */
const char *live_id(struct media_run *, const char *text, size_t n);
/* That of a photo, from its EXIF block; NULL: none. */
const char *live_photo_id(struct media_run *, const unsigned char *exif, size_t n);

#endif
