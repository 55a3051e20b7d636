#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "media/child.h"
#include "media/frames.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/sniff.h"

#include "core/banned.h"

#define FRAME_LOADER "VipsForeignLoadTiff"
#define PASS_FRAMES_MAX 48
#define STAMPS_MAX (64UL << 10) /* bytes of printed time stamps */
/* The filter prints only frames with a tag, so add one. */
#define STAMP "metadata=add:key=t:value=1,metadata=print:file=-"

size_t
ffmpeg_input(struct media_run *run, const char **argv, double seek, bool keyframes)
{
	size_t n = 0;

	argv[n++] = "-threads";
	argv[n++] = "1";
	argv[n++] = "-protocol_whitelist";
	argv[n++] = "file";
	argv[n++] = "-format_whitelist";
	argv[n++] = PROBE_WHITELIST;
	argv[n++] = "-f";
	argv[n++] = run->type->reader;
	if (keyframes) {
		argv[n++] = "-skip_frame";
		argv[n++] = "nokey";
		argv[n++] = "-noaccurate_seek";
	}
	if (seek > 0) {
		argv[n++] = "-ss";
		argv[n++] = arena_printf(run->arena, "%.3f", seek);
	}
	argv[n++] = "-i";
	argv[n++] = arena_printf(run->arena, "file:%s", run->file);
	return n;
}

static void
collect(void *arg, const char *bytes, size_t n)
{
	buf_add(arg, bytes, n);
}

/* "... pts_time:12.345": the next time stamp of a printed list; false at its end. */
static bool
next_stamp(const char **text, double *seconds)
{
	const char *p = strstr(*text, "pts_time:");
	char *end;

	if (p == NULL)
		return false;
	*seconds = strtod(p + 9, &end);
	*text = end;
	return isfinite(*seconds);
}

static bool
present(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

static bool
load(struct media_run *run, const char *path, int w, struct frame *f, struct error *err)
{
	bool ok = picture_open(run, path, FRAME_LOADER, &f->picture, err) &&
	    picture_decode(run, &f->picture, w, err);

	media_discard(path);
	return ok;
}

static int64_t
stamp_ms(const struct probe *p, double pts)
{
	double ms = (pts - p->start) * 1000;

	return ms > 0 ? (int64_t)(ms + 0.5) : 0;
}

/* Runs ffmpeg once to write up to `count` frames; returns their time stamps as text. */
static bool
extract(struct media_run *run, double seek, bool keyframes, const char *filters, const char *count,
    const char *target, int seconds, const char **stamps, struct child_result *result,
    struct error *err)
{
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-y", "-copyts" };
	struct buf out;
	size_t n = 7;

	n += ffmpeg_input(run, argv + n, seek, keyframes);
	argv[n++] = "-map";
	argv[n++] = "0:V:0"; /* not a cover */
	argv[n++] = "-vf";
	argv[n++] = filters;
	argv[n++] = "-fps_mode";
	argv[n++] = "passthrough";
	argv[n++] = "-frames:v";
	argv[n++] = count;
	argv[n++] = "-threads";
	argv[n++] = "1";
	argv[n++] = "-c:v";
	argv[n++] = "tiff";
	argv[n++] = "-compression_algo";
	argv[n++] = "raw";
	argv[n++] = "-pix_fmt";
	argv[n++] = "rgb24";
	argv[n++] = "-f";
	argv[n++] = "image2";
	argv[n++] = target;
	argv[n] = NULL;
	buf_init(&out, run->arena, STAMPS_MAX);
	if (!child_run(argv, media_seconds_left(run, seconds), collect, &out, result, err))
		return false;
	buf_adds(&out, "");
	*stamps = out.data;
	return true;
}

bool
frame_at(struct media_run *run, const struct probe *p, double at, int w, int h, struct frame *f,
    struct error *err)
{
	const char *path = media_out_path(run, "frame.tif");
	const char *filters = arena_printf(run->arena, "scale=%d:%d,setsar=1," STAMP, w, h),
		   *stamps;
	struct child_result result = { 0 };
	double pts;

	/* If the file has no index or no frame after that position, take the first frame. */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!extract(run, attempt == 0 ? at : 0, attempt == 0, filters, "1", path,
			FRAME_SECONDS, &stamps, &result, err))
			return false;
		if (present(path)) {
			f->at_ms = next_stamp(&stamps, &pts) ? stamp_ms(p, pts) : 0;
			return load(run, path, w, f, err);
		}
	}
	return probe_unreadable(run, result.messages, err);
}

/* For long videos: seeks to each frame. */
static bool
spread_seeking(struct media_run *run, const struct probe *p, int w, int h, size_t max,
    struct frame *frames, size_t *n, struct error *err)
{
	struct frame f;

	for (size_t i = 0; i < max; i++) {
		memset(&f, 0, sizeof(f));
		if (!frame_at(run, p, p->duration * ((double)i + 0.5) / (double)max, w, h, &f, err))
			return false;
		if (*n == 0 || f.at_ms > frames[*n - 1].at_ms)
			frames[(*n)++] = f;
	}
	return true;
}

/* For short videos: reads all keyframes in one pass and chooses some. */
static bool
spread_pass(struct media_run *run, const struct probe *p, int w, int h, size_t max,
    struct frame *frames, size_t *n, struct error *err)
{
	double step = p->duration / (double)max / 2, pts[PASS_FRAMES_MAX];
	const char *filters = arena_printf(run->arena,
	    "select='isnan(prev_selected_t)+gte(t-prev_selected_t,%.3f)',scale=%d:%d,"
	    "setsar=1," STAMP,
	    step, w, h);
	const char *stamps, *path;
	struct child_result result;
	size_t found = 0, i, last = 0;
	bool ok = true;

	if (!extract(run, 0, true, filters, "48", media_out_path(run, "tile-%03d.tif"),
		FRAMES_PASS_SECONDS, &stamps, &result, err))
		return false;
	while (found < PASS_FRAMES_MAX && next_stamp(&stamps, &pts[found]))
		found++;
	for (i = 0; i < found; i++) {
		path = media_out_path(run, arena_printf(run->arena, "tile-%03zu.tif", i + 1));
		/*
		 * Of `found` frames, take the i-th if it is the first in one of `max` equal shares.
		 */
		if (found > max && i > 0 && i * max / found == last) {
			media_discard(path);
			continue;
		}
		last = i * max / found;
		if (!ok || !present(path))
			continue;
		frames[*n].at_ms = stamp_ms(p, pts[i]);
		ok = load(run, path, w, &frames[*n], err);
		*n += ok;
	}
	return ok;
}

bool
frames_spread(struct media_run *run, const struct probe *p, int w, int h, size_t max,
    struct frame *frames, size_t *n, struct error *err)
{
	*n = 0;
	if (p->duration > FRAMES_PASS_LENGTH)
		return spread_seeking(run, p, w, h, max, frames, n, err);
	return spread_pass(run, p, w, h, max, frames, n, err);
}
