/*
 * Motion photos: a clip behind the picture in the same file. Google's MotionPhoto and MicroVideo
 * and Samsung's name its place in different notes; all of them are an MP4 behind the end of the
 * JPEG, or in a box of the HEIC. So it is looked for there.
 */
#ifndef MN_MEDIA_MOTION_H
#define MN_MEDIA_MOTION_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct media_run;

#define MOTION_ASSET "motion.mp4"
#define MOTION_SECONDS 30  /* deadline */
#define MOTION_LENGTH "10" /* s: more is cut off */

struct motion {
	size_t at, size;
	bool playable; /* H.264: every browser plays it */
};

/* False: there is no clip. */
bool motion_find(const unsigned char *, size_t, struct motion *);
/*
 * Writes the clip as an asset, without the notes in it that say where it was taken. Slugs as of
 * probe_unreadable().
 */
bool motion_write(struct media_run *, const struct motion *, struct error *);

#endif
