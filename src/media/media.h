/*
 * medianest-media: the input of a run, and what it finds out about one hostile file.
 *
 * The program runs inside a sandbox, holds no secrets, reads one file and writes derived files into
 * one directory. It uses src/core only. A failure is a struct error whose slug is the code that the
 * owner sees (unsupported_type, unreadable, truncated, too_many_pixels, empty, protected, timeout,
 * resource_limit) and whose message is in plain words; `internal` means that the run itself failed
 * and may be repeated. Everything found belongs to the arena.
 */
#ifndef MN_MEDIA_MEDIA_H
#define MN_MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/dates.h"
#include "media/people.h"

struct arena;
struct error;
struct json;
struct media_type;

#define MEDIA_PIXELS_DEFAULT 200000000LL /* as media.max_pixels */
#define MEDIA_TIMEOUT_DEFAULT 600        /* seconds, as media.timeout */
#define MEDIA_ASSETS_MAX 16
#define MEDIA_TILES_MAX 12               /* of a sprite: 4 columns, 3 rows */
#define MEDIA_TEXT_MAX 200               /* bytes of a title, an artist, a camera */
#define MEDIA_METADATA_MAX (192UL << 10) /* bytes of the metadata object: lyrics, chapters */

enum media_kind { MEDIA_IMAGE, MEDIA_VIDEO, MEDIA_AUDIO };

struct media_asset {
	const char *name; /* file in the output directory */
	const char *content_type;
	int width, height;
};

/* A version that every browser plays, in place of thumbnails. */
struct media_transcode {
	int height;          /* pixels of the shorter side, at most */
	const char *encoder; /* FFmpeg's name */
	const char *device;  /* of the encoder */
	int64_t max_bytes;   /* of the output */
	bool copy;           /* streams that browsers play may stay as they are */
};

struct media_run {
	struct arena *arena;
	struct arena *pictures; /* decoded ones, until media_release_pictures() */
	const char *file;
	const char *sidecar; /* a file beside it; NULL, or it need not be there */
	const char *out;
	int64_t max_pixels;
	int turn; /* degrees clockwise, by which a person has turned what the file shows */
	const char *tag_charsets;                /* as charset_guess() takes them */
	int64_t deadline;                        /* clock_monotonic() */
	int threads;                             /* of a decoder */
	bool inspect;                            /* what the file says, and no pictures of it */
	const struct media_transcode *transcode; /* or NULL */

	const struct media_type *type;
	enum media_kind kind;
	int width, height;   /* as shown, orientation and turn applied; 0 = none */
	int64_t duration_ms; /* -1 = none */
	struct media_taken taken;
	const char *title;
	const char *people[PEOPLE_MAX]; /* names that the file or the sidecar has */
	size_t npeople;
	const char *thumbhash;  /* base64 */
	const char *look;       /* what it looks like, 16 hexadecimal digits, or NULL */
	bool incomplete;        /* the file is cut off; what is there is shown */
	const char *content_id; /* what a live photo and its video have in common; NULL: nothing */
	struct json *metadata;  /* an open object */
	struct media_asset assets[MEDIA_ASSETS_MAX];
	size_t nassets;
	int64_t sprite_times[MEDIA_TILES_MAX]; /* ms */
	size_t nsprite_times;
};

void media_run_init(struct media_run *, struct arena *, struct arena *pictures, const char *file,
    const char *out);
/* Gives the memory of decoded pictures back to the system, for the next tool that runs beside. */
void media_release_pictures(struct media_run *);
/* Detects the type and processes the file; reports each step. */
bool media_run_process(struct media_run *, struct error *);

/* One JSON line each on standard output. */
void media_step(struct media_run *, const char *step, const char *state, const char *message);
/* Of a transcode that is under way: percent of the whole, -1: unknown. */
void media_progress(struct media_run *, int percent);
void media_report(struct media_run *, bool ok, const struct error *);

void media_asset_add(struct media_run *, const char *name, const char *content_type, int width,
    int height);
const char *media_out_path(struct media_run *, const char *name);
/* Removes a file of the output directory, or empties it: the sandbox lets nothing be removed. */
void media_discard(const char *path);
/* Cleaned UTF-8 text from a file, at most MEDIA_TEXT_MAX bytes; NULL if nothing is left. */
const char *media_text(struct media_run *, const char *, size_t len);
/* Seconds left of the run, at most `most`, at least 1. */
int media_seconds_left(const struct media_run *, int most);

/* Scales w x h down to fit into the box, never up; the result is at least 1 x 1. */
void media_fit(int w, int h, int box_w, int box_h, int *out_w, int *out_h);
/* Exchanges width and height if the turn lays the picture on its side. */
void media_turn_size(const struct media_run *, int *w, int *h);

#endif
