/* A video or a song: runs ffprobe first, then the steps for its streams. */
#ifndef MN_MEDIA_VIDEO_H
#define MN_MEDIA_VIDEO_H

#include <stdbool.h>

struct error;
struct media_run;
struct probe;

#define PREVIEW_SEGMENTS 6
#define PREVIEW_SECONDS 120 /* deadline */
#define PREVIEW_SIDE 480    /* pixels of the shorter side */
#define PREVIEW_FPS 30
#define PREVIEW_WHOLE 9.0 /* s: shorter videos are shown from the start, without cuts */
#define SPRITE_COLUMNS 4
#define SPRITE_TILE 320 /* pixels across */
#define SPRITE_TILE_TALLEST 570

bool video_process(struct media_run *, const struct probe *, struct error *);

#endif
