/*
 * The output of medianest-media. It has processed hostile bytes, so its output is not trusted:
 * every value is checked as if a client had sent it, and the files it names are opened without
 * following links.
 */
#ifndef MN_SERVICE_PROCESSING_PROCESS_RESULT_H
#define MN_SERVICE_PROCESSING_PROCESS_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/media.h"

struct arena;
struct error;

#define RESULT_METADATA_MAX (224UL << 10) /* bytes */
#define RESULT_ASSETS_MAX 8
#define RESULT_ASSET_SIZE_MAX (64LL << 20) /* bytes */
#define RESULT_PEOPLE_MAX 50
#define RESULT_TILES_MAX 12
#define RESULT_GENRES_MAX 16
#define RESULT_SIDE_MAX 1000000
#define RESULT_MESSAGE_MAX 200
#define RESULT_CONTENT_ID_MAX 64
#define RESULT_PLAYBACK "playback." /* how the name of a version that browsers play begins */

struct process_asset {
	const char *name;
	const char *content_type;
};

struct process_result {
	bool present; /* a result line has arrived */
	bool ok;
	const char *failure_code, *failure_message; /* if not ok */
	const char *kind, *content_type, *title, *metadata, *thumbhash;
	const char *video_codec, *video_profile, *audio_codec; /* or NULL */
	const char *genres[RESULT_GENRES_MAX];
	size_t ngenres;
	int64_t width, height, duration_ms, year;
	struct taken taken;     /* source NULL: the file does not say */
	bool incomplete;        /* the file ends too early; what is there is shown */
	const char *content_id; /* what a live photo and its video have in common, or NULL */
	bool has_look;
	int64_t look; /* of a picture: src/media/look.h, as it is stored */
	struct process_asset assets[RESULT_ASSETS_MAX];
	size_t nassets;
	const char *people[RESULT_PEOPLE_MAX]; /* names */
	size_t npeople;
	const char *sprite_times[RESULT_TILES_MAX]; /* as text */
	size_t nsprite_times;
};

/* Reads a line of output: a step (its name is checked against the known ones) or the result. */
struct process_line {
	const char *step, *state, *message; /* step NULL: not a step */
	int progress;                       /* percent of a transcode; -1: unknown */
	struct process_result result;
};

/* False with ERR_INTERNAL, slug sandbox_failed: medianest-media does not write such a line. */
bool process_line_parse(struct arena *, const char *line, size_t len, struct process_line *,
    struct error *);

#endif
