/*
 * Single frames of a video by ffmpeg, keyframes where there are enough of them: decoding all frames
 * takes forty times as long.
 */
#ifndef MN_MEDIA_FRAMES_H
#define MN_MEDIA_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/picture.h"

struct error;
struct media_run;
struct probe;

#define FRAME_SECONDS 30       /* deadline of one frame */
#define FRAMES_PASS_SECONDS 60 /* deadline of a pass over the whole file */
#define FRAMES_PASS_LENGTH 120 /* s: in longer videos, seek instead of reading all keyframes */

struct frame {
	struct picture picture; /* decoded */
	int64_t at_ms;          /* since the start of the video */
};

/*
 * The keyframe at or before `at` seconds, w x h pixels. Slugs unreadable, truncated, timeout,
 * resource_limit.
 */
bool frame_at(struct media_run *, const struct probe *, double at, int w, int h, struct frame *,
    struct error *);
/*
 * At most `max` frames spread over the video, keyframes where they are enough, in order, each at
 * another time (max <= MEDIA_TILES_MAX); *n may be 0.
 */
bool frames_spread(struct media_run *, const struct probe *, int w, int h, size_t max,
    struct frame *, size_t *n, struct error *);

/* Filters that make a frame w x h pixels of SDR, turned as the run says, whatever the video is. */
const char *frame_filters(struct media_run *, const struct probe *, int w, int h);
/* Its filters for the turn, with a comma before each; "": none. */
const char *frame_turn(const struct media_run *);
/* Writes the first options of every ffmpeg run on the file to at[]; returns their number. */
size_t ffmpeg_input(struct media_run *, const char **at, double seek, bool keyframes);

#endif
