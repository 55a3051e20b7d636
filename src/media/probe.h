/*
 * What ffprobe says about a video or a song. ffprobe uses the demuxer that belongs to the signature
 * and can open only the file itself.
 */
#ifndef MN_MEDIA_PROBE_H
#define MN_MEDIA_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct error;
struct media_run;

#define PROBE_SECONDS 20                    /* deadline */
#define PROBE_OUTPUT_MAX (1UL << 20)        /* bytes */
#define PROBE_DURATION_MAX (1000 * 86400.0) /* s: more is no duration */
#define PROBE_MEASURE_SECONDS 60            /* deadline of reading every packet for the duration */
#define PROBE_WHITELIST \
	"mov,mp4,m4a,3gp,matroska,webm,avi,asf,mpegts,mpeg,mpegvideo,ogg,flac,mp3,wav,aac," \
	"w64,aiff,ape"

struct probe {
	const struct cJSON *format_tags;
	const struct cJSON *video;                   /* stream, not a cover; or NULL */
	const struct cJSON *audio;                   /* stream, or NULL */
	const struct cJSON *video_tags, *audio_tags; /* or NULL */
	const struct cJSON *chapters;                /* or NULL */
	int cover;       /* index of the stream that is the cover picture, -1 = none */
	double duration; /* s; 0 = unknown */
	double start;    /* s; time stamp of the first frame */
	int64_t bitrate;
	int width, height; /* of the video as shown: rotation and pixel shape applied */
	int rotation;      /* degrees clockwise */
	double fps;        /* 0 = unknown */
};

/* Slugs unreadable, truncated, protected. */
bool probe_file(struct media_run *, struct probe *, struct error *);
/*
 * The duration by the time stamps of all packets, for files that do not tell it (recordings that
 * were cut off, live streams) or tell a guess. It stays as it is if that takes too long.
 */
void probe_measure(struct media_run *, struct probe *);
/* The video is high dynamic range: PQ or HLG (ITU-R BT.2100). */
bool probe_hdr(const struct probe *);
/*
 * Dolby Vision whose picture has colours of its own (IPTPQc2, reshaped), and is no HDR10, HLG or
 * SDR to other decoders: they show it green and purple, and only its brightness is right.
 */
struct probe_dolby {
	int profile, level;
};
bool probe_dolby(const struct cJSON *stream, struct probe_dolby *);
/* Number of a stream of the file, as in -map 0:N. */
int probe_index(const struct cJSON *stream);
/*
 * The first bytes of the record that the file keeps of a stream (ffprobe's extradata), `max` of
 * them at most; returns how many, 0: there are none.
 */
size_t probe_extra(struct media_run *, const struct cJSON *stream, unsigned char *, size_t max);
/* A tag of the format or else of the streams; the case of the name does not matter. NULL: none. */
const char *probe_tag(const struct probe *, const char *name);
/* Distinguishes a damaged file from a truncated one by ffmpeg's messages. */
bool probe_unreadable(struct media_run *, const char *messages, struct error *);

#endif
