/* A song: tags, cover art, and the shape of its sound. */
#ifndef MN_MEDIA_SONG_H
#define MN_MEDIA_SONG_H

#include <stdbool.h>

struct error;
struct media_run;
struct probe;

#define WAVEFORM_PEAKS 200
#define WAVEFORM_RATE 8000     /* samples a second: enough for an outline */
#define WAVEFORM_LONGEST 14400 /* s: longer recordings have no waveform */
#define WAVEFORM_SECONDS 120   /* deadline */
#define DURATION_OFF 0.1       /* share by which what was decoded may differ from what is told */
#define COVER_SECONDS 20
#define COVER_WIDTH 1280

bool song_process(struct media_run *, const struct probe *, struct error *);

#endif
