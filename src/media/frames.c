#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
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
/*
 * ITU-R BT.2408: white paper and faces lie at 203 cd/m2, so that is the white of SDR. What is
 * darker than the knee keeps its light; highlights up to the peak, in units of that white, share
 * what is left.
 */
#define HDR_WHITE "203"
#define HDR_KNEE "0.8"
#define HDR_PEAK "5"
#define TONE_MAP \
	":t=linear:npl=" HDR_WHITE \
	",format=gbrpf32le,zscale=p=bt709,tonemap=mobius:param=" HDR_KNEE ":peak=" HDR_PEAK \
	",zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
#define TILES_FEW 4 /* fewer tiles than these are worth another way to find frames */

size_t
ffmpeg_input(struct media_run *run, const char **argv, double seek, bool keyframes)
{
	size_t n = 0;

	argv[n++] = "-threads";
	argv[n++] = arena_printf(run->arena, "%d", run->threads);
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

/* The name as it stands if it is one of those that the filter knows, else the usual one. */
static const char *
colour(const struct probe *p, const char *key, const char *const *known, const char *usual)
{
	const char *name = json_str(p->video, key, "");

	for (; *known != NULL; known++)
		if (str_eq(name, *known))
			return *known;
	return usual;
}

const char *
frame_turn(const struct media_run *run)
{
	static const char *const turns[] = { "", ",transpose=clock", ",hflip,vflip",
		",transpose=cclock" };

	return turns[run->turn / 90];
}

const char *
frame_filters(struct media_run *run, const struct probe *p, int w, int h)
{
	static const char *const matrices[] = { "bt2020nc", "bt2020c", "bt709", NULL },
				 *const primaries[] = { "bt2020", "smpte432", "smpte431", "bt709",
					 NULL },
				 *const ranges[] = { "tv", "pc", NULL };
	const char *transfer = json_str(p->video, "color_transfer", "");
	struct probe_dolby dolby;
	const char *size;

	media_turn_size(run, &w, &h);
	size = arena_printf(run->arena, "scale=%d:%d,setsar=1%s", w, h, frame_turn(run));

	/* In grey, rather than in colours that it does not have. */
	if (probe_dolby(p->video, &dolby))
		return arena_printf(run->arena,
		    "%s,format=yuv420p10le,lutyuv=u=512:v=512,"
		    "zscale=tin=smpte2084:min=bt2020nc:pin=bt2020:rin=%s" TONE_MAP,
		    size, colour(p, "color_range", ranges, "pc"));
	if (!probe_hdr(p))
		return size;
	return arena_printf(run->arena, "%s,zscale=tin=%s:min=%s:pin=%s:rin=%s" TONE_MAP, size,
	    transfer, colour(p, "color_space", matrices, "bt2020nc"),
	    colour(p, "color_primaries", primaries, "bt2020"),
	    colour(p, "color_range", ranges, "tv"));
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

struct extraction {
	double seek; /* s */
	bool keyframes;
	const char *filters, *count, *target;
	int seconds; /* deadline */
};

/* Runs ffmpeg once to write up to `count` frames; returns their time stamps as text. */
static bool
extract(struct media_run *run, const struct probe *p, const struct extraction *x,
    const char **stamps, struct child_result *result, struct error *err)
{
	const char *const output[] = { "-map",
		arena_printf(run->arena, "0:%d", probe_index(p->video)), "-vf", x->filters,
		"-fps_mode", "passthrough", "-frames:v", x->count, "-threads", "1", "-c:v", "tiff",
		"-compression_algo", "raw", "-pix_fmt", "rgb24", "-f", "image2", x->target, NULL };
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-y", "-copyts" };
	struct buf out;
	size_t n = 7;

	n += ffmpeg_input(run, argv + n, x->seek, x->keyframes);
	memcpy(argv + n, output, sizeof(output));
	buf_init(&out, run->arena, STAMPS_MAX);
	if (!child_run(argv, media_seconds_left(run, x->seconds), collect, &out, result, err))
		return false;
	buf_adds(&out, "");
	*stamps = out.data;
	return true;
}

bool
frame_at(struct media_run *run, const struct probe *p, double at, int w, int h, struct frame *f,
    struct error *err)
{
	const char *path = media_out_path(run, "frame.tif"), *stamps;
	struct extraction x = { at, true,
		arena_printf(run->arena, "%s," STAMP, frame_filters(run, p, w, h)), "1", path,
		FRAME_SECONDS };
	struct child_result result = { 0 };
	double pts;

	/* If the file has no index or no frame after that position, take the first frame. */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!extract(run, p, &x, &stamps, &result, err))
			return false;
		x.seek = 0;
		x.keyframes = false;
		if (present(path)) {
			f->at_ms = next_stamp(&stamps, &pts) ? stamp_ms(p, pts) : 0;
			return load(run, path, w, f, err);
		}
	}
	return probe_unreadable(run, result.messages, err);
}

struct spread {
	int w, h;
	size_t max;
	struct frame *frames;
	size_t *n;
};

/* For long videos: seeks to each frame. */
static bool
spread_seeking(struct media_run *run, const struct probe *p, const struct spread *to,
    struct error *err)
{
	struct frame f;

	for (size_t i = 0; i < to->max; i++) {
		memset(&f, 0, sizeof(f));
		if (!frame_at(run, p, p->duration * ((double)i + 0.5) / (double)to->max, to->w,
			to->h, &f, err))
			return false;
		if (*to->n == 0 || f.at_ms > to->frames[*to->n - 1].at_ms)
			to->frames[(*to->n)++] = f;
	}
	return true;
}

/*
 * For short videos: reads all keyframes, or all frames, in one pass and chooses some, instead of
 * those that there are.
 */
static bool
spread_pass(struct media_run *run, const struct probe *p, const struct spread *to, bool keyframes,
    struct error *err)
{
	double step = p->duration / (double)to->max / 2, pts[PASS_FRAMES_MAX];
	const struct extraction x = { 0, keyframes,
		arena_printf(run->arena,
		    "select='isnan(prev_selected_t)+gte(t-prev_selected_t,%.3f)',%s," STAMP, step,
		    frame_filters(run, p, to->w, to->h)),
		"48", media_out_path(run, "tile-%03d.tif"), FRAMES_PASS_SECONDS };
	const char *stamps, *path;
	struct child_result result;
	size_t found = 0, i, last = 0, got = 0;
	bool ok = true;

	if (!extract(run, p, &x, &stamps, &result, err))
		return false;
	while (found < PASS_FRAMES_MAX && next_stamp(&stamps, &pts[found]))
		found++;
	for (i = 0; i < found; i++) {
		path = media_out_path(run, arena_printf(run->arena, "tile-%03zu.tif", i + 1));
		/*
		 * Of `found` frames, take the i-th if it is the first in one of `max` equal shares.
		 */
		if (found > to->max && i > 0 && i * to->max / found == last) {
			media_discard(path);
			continue;
		}
		last = i * to->max / found;
		if (!ok || !present(path))
			continue;
		to->frames[got].at_ms = stamp_ms(p, pts[i]);
		ok = load(run, path, to->w, &to->frames[got], err);
		got += ok;
	}
	*to->n = ok ? got : 0;
	return ok;
}

/*
 * Keyframes are enough where there are several. Screen recordings and streams of browsers often
 * have one at the start only, and files that were never finished have no index to seek by. If
 * reading all frames takes too long, a few are better than none.
 */
bool
frames_spread(struct media_run *run, const struct probe *p, int w, int h, size_t max,
    struct frame *frames, size_t *n, struct error *err)
{
	struct frame every[MEDIA_TILES_MAX];
	size_t nevery = 0;
	const struct spread to = { w, h, max, frames, n }, all = { w, h, max, every, &nevery };

	memset(every, 0, sizeof(every));
	*n = 0;
	if (p->duration > FRAMES_PASS_LENGTH && !spread_seeking(run, p, &to, err))
		return false;
	if (*n < TILES_FEW && !spread_pass(run, p, &to, true, err))
		return false;
	if (*n >= TILES_FEW || p->duration > FRAMES_PASS_LENGTH)
		return true;
	if (!spread_pass(run, p, &all, false, err))
		return *n > 0 && err->code != ERR_STORAGE_FULL;
	if (nevery > *n) {
		memcpy(frames, every, nevery * sizeof(*every));
		*n = nevery;
	}
	return true;
}
