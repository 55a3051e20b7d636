/*
 * A version of a video or a song that every browser plays: H.264 and AAC in MP4, AAC in M4A, as
 * the display shows it (rotated, deinterlaced, in SDR), with the default streams and no metadata.
 */
#ifndef MN_MEDIA_TRANSCODE_H
#define MN_MEDIA_TRANSCODE_H

#include <stdbool.h>

struct error;
struct media_run;
struct probe;

#define TRANSCODE_SOFTWARE "libx264" /* the encoder that is always there */
#define TRANSCODE_VIDEO "playback.mp4"
#define TRANSCODE_SOUND "playback.m4a"
#define TRANSCODE_THREADS_MAX 8
#define TRANSCODE_VIDEO_BITS 10000000 /* a second, at most */
#define TRANSCODE_VIDEO_BITS_MIN 200000
#define TRANSCODE_SOUND_BITS 192000
#define TRANSCODE_RATE_MAX 48000 /* samples a second */

/* Writes the one asset. Reports progress now and then, also where the length is unknown. */
bool transcode(struct media_run *, const struct probe *, struct error *);

#endif
