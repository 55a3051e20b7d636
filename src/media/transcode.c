#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/child.h"
#include "media/frames.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/sniff.h"
#include "media/transcode.h"

#include "core/banned.h"

#define REPORT_US (2 * US_PER_SEC) /* between reports of progress */
#define KEYFRAMES "120"            /* frames from one to the next, at most: for seeking */
#define CRF "21"                   /* of libx264; its like in other encoders */
#define HARDWARE_QUALITY "23"
#define TIME_BASE "1:90000" /* keeps the times of frames that do not come at a steady rate */
#define BITS_OF_LIMIT 0.9   /* the rest is the container's */
#define REASON_MAX 160      /* bytes of an encoder's message */

/* How a stream is made. */
struct plan {
	const char *encoder; /* of the video; NULL: the stream stays as it is */
	bool copy_sound;
	int w, h;
	int64_t bits; /* of the video, a second */
	int threads;
};

struct args {
	const char *argv[CHILD_ARGS_MAX];
	size_t n;
};

static void
add(struct args *a, const char *const *more)
{
	while (*more != NULL && a->n + 1 < CHILD_ARGS_MAX)
		a->argv[a->n++] = *more++;
	a->argv[a->n] = NULL;
}
#define ADD(a, ...) add(a, (const char *const[]) { __VA_ARGS__, NULL })

/* What ffmpeg's -progress says of a run. */
struct progress {
	struct media_run *run;
	double duration; /* s; 0: unknown */
	int64_t next;    /* monotonic us: when to report again */
	int64_t at;      /* us of the output that are written */
	char line[64];
	size_t len;
};

static void
take_line(struct progress *p)
{
	static const char key[] = "out_time_us=";
	int64_t now = clock_monotonic(), at;
	int percent = -1;

	if (str_starts(p->line, key) && str_to_int(p->line + sizeof(key) - 1, 0, INT64_MAX, &at) &&
	    at > p->at)
		p->at = at;
	if (now < p->next)
		return;
	p->next = now + REPORT_US;
	if (p->duration > 0)
		percent = (int)fmin(99, (double)p->at / US_PER_SEC / p->duration * 100);
	media_progress(p->run, percent);
}

static void
feed(void *arg, const char *bytes, size_t n)
{
	struct progress *p = arg;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n') {
			if (p->len + 1 < sizeof(p->line))
				p->line[p->len++] = bytes[i];
			continue;
		}
		p->line[p->len] = '\0';
		p->len = 0;
		take_line(p);
	}
}

static int
even(double v)
{
	return v < 2 ? 2 : (int)v & ~1;
}

static void
size_of(const struct media_run *run, const struct probe *p, struct plan *plan)
{
	int shorter = p->width < p->height ? p->width : p->height, most = run->transcode->height;
	double scale = shorter > most ? (double)most / shorter : 1;

	plan->w = even(p->width * scale + 0.5);
	plan->h = even(p->height * scale + 0.5);
}

/* As many as let the whole fit, so that a long film becomes a smaller one, not a failure. */
static int64_t
bits_of(const struct media_run *run, const struct probe *p)
{
	double bits = TRANSCODE_VIDEO_BITS, fits;

	if (p->duration > 0) {
		fits = (double)run->transcode->max_bytes * 8 * BITS_OF_LIMIT / p->duration -
		    TRANSCODE_SOUND_BITS;
		bits = fmax(TRANSCODE_VIDEO_BITS_MIN, fmin(bits, fits));
	}
	return (int64_t)bits;
}

/* H.264 of 8 bits that is not interlaced: only its container keeps browsers from playing it. */
static bool
may_copy_video(const struct media_run *run, const struct probe *p)
{
	const char *pixels = json_str(p->video, "pix_fmt", "");
	int shorter = p->width < p->height ? p->width : p->height;
	struct stat st;

	return run->transcode->copy && str_eq(json_str(p->video, "codec_name", ""), "h264") &&
	    (str_eq(pixels, "yuv420p") || str_eq(pixels, "yuvj420p")) &&
	    str_eq(json_str(p->video, "field_order", ""), "progressive") && !probe_hdr(p) &&
	    shorter <= run->transcode->height && stat(run->file, &st) == 0 &&
	    st.st_size <= run->transcode->max_bytes;
}

static bool
may_copy_sound(const struct media_run *run, const struct probe *p)
{
	return run->transcode->copy && str_eq(json_str(p->audio, "codec_name", ""), "aac") &&
	    json_int(p->audio, "channels", 0) <= 2;
}

/* What an encoder wants of ffmpeg: before the input, as its last filter, and of itself. */
static const struct encoder {
	const char *name, *device, *filter, *options[12];
} encoders[] = {
	{ TRANSCODE_SOFTWARE, NULL, "format=yuv420p",
	    { "-preset", "veryfast", "-crf", CRF, "-profile:v", "high" } },
	{ "h264_vaapi", "-vaapi_device", "format=nv12,hwupload",
	    { "-qp", HARDWARE_QUALITY, "-profile:v", "high" } },
	{ "h264_qsv", "-qsv_device", "format=nv12", { "-global_quality", HARDWARE_QUALITY } },
	{ "h264_nvenc", NULL, "format=yuv420p",
	    { "-rc", "vbr", "-cq", HARDWARE_QUALITY, "-profile:v", "high" } },
};

/* NULL: none of that name. */
static const struct encoder *
encoder_of(const char *name)
{
	for (size_t i = 0; i < sizeof(encoders) / sizeof(encoders[0]); i++)
		if (str_eq(encoders[i].name, name))
			return &encoders[i];
	return NULL;
}

static void
video_args(struct media_run *run, const struct probe *p, const struct plan *plan, struct args *a)
{
	const struct encoder *e = encoder_of(plan->encoder);
	const char *bits = arena_printf(run->arena, "%lld", (long long)plan->bits);

	ADD(a, "-map", arena_printf(run->arena, "0:%d", probe_index(p->video)));
	if (plan->encoder == NULL) {
		ADD(a, "-c:v", "copy");
		return;
	}
	/* What is not interlaced passes untouched. */
	ADD(a, "-vf",
	    arena_printf(run->arena, "yadif=deint=interlaced,%s,%s",
		frame_filters(run, p, plan->w, plan->h), e->filter),
	    "-fps_mode:v", "vfr", "-enc_time_base:v", TIME_BASE, "-c:v", e->name);
	add(a, e->options);
	ADD(a, "-maxrate:v", bits, "-bufsize:v", bits, "-g:v", KEYFRAMES, "-threads:v",
	    arena_printf(run->arena, "%d", plan->threads));
}

static void
sound_args(struct media_run *run, const struct probe *p, const struct plan *plan, struct args *a)
{
	int64_t rate = 0;

	ADD(a, "-map", arena_printf(run->arena, "0:%d", probe_index(p->audio)));
	if (plan->copy_sound) {
		ADD(a, "-c:a", "copy");
		return;
	}
	ADD(a, "-c:a", "aac", "-b:a", arena_printf(run->arena, "%d", TRANSCODE_SOUND_BITS), "-ac",
	    json_int(p->audio, "channels", 2) == 1 ? "1" : "2");
	if (str_to_int(json_str(p->audio, "sample_rate", ""), 1, INT32_MAX, &rate) &&
	    rate > TRANSCODE_RATE_MAX)
		ADD(a, "-ar", arena_printf(run->arena, "%d", TRANSCODE_RATE_MAX));
	/* Gaps become silence, or picture and sound would drift apart. */
	if (p->video != NULL)
		ADD(a, "-af", "aresample=async=1:first_pts=0");
}

static void
build(struct media_run *run, const struct probe *p, const struct plan *plan, const char *path,
    struct args *a)
{
	const struct encoder *e = encoder_of(plan->encoder);

	ADD(a, "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-y",
	    "-progress", "pipe:1");
	if (e != NULL && e->device != NULL)
		ADD(a, e->device, run->transcode->device);
	a->n += ffmpeg_input(run, a->argv + a->n, 0, false);
	if (p->video != NULL)
		video_args(run, p, plan, a);
	if (p->audio != NULL)
		sound_args(run, p, plan, a);
	ADD(a, "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-movflags",
	    "+faststart", "-fflags", "+bitexact", "-f", "mp4", path);
}

/* Runs ffmpeg once. *made false: it has not made what it should; its messages say why. */
static bool
attempt(struct media_run *run, const struct probe *p, const struct plan *plan, const char *path,
    struct child_result *result, bool *made, struct error *err)
{
	struct progress progress = { .run = run, .duration = p->duration };
	struct args args = { .n = 0 };
	struct stat st;

	build(run, p, plan, path, &args);
	if (!child_run(args.argv, media_seconds_left(run, INT32_MAX), feed, &progress, result, err))
		return false;
	*made = result->status == 0 && progress.at > 0 && stat(path, &st) == 0 && st.st_size > 0;
	return true;
}

/* The last line of what an encoder says, for the log. */
static const char *
last_line(struct media_run *run, const char *messages)
{
	const char *text = str_trim(run->arena, arena_strdup(run->arena, messages)),
		   *line = strrchr(text, '\n');

	line = line != NULL ? line + 1 : text;
	return utf8_clean(run->arena, line, strlen(line), REASON_MAX);
}

/* An encoder that is not there, or has no device, says nothing about the file. */
static bool
hardware(struct media_run *run, const struct probe *p, struct plan *plan, const char *path,
    struct child_result *result, bool *made, struct error *err)
{
	const char *name = run->transcode->encoder;
	struct error why;

	if (encoder_of(name) == NULL || str_eq(name, TRANSCODE_SOFTWARE))
		return true;
	plan->encoder = name;
	error_clear(&why);
	if (!attempt(run, p, plan, path, result, made, &why)) {
		if (why.code == ERR_STORAGE_FULL || media_seconds_left(run, 2) < 2) {
			*err = why;
			return false;
		}
		*made = false;
	}
	if (!*made)
		media_step(run, "transcode", "failed",
		    arena_printf(run->arena, "%s: %s", name,
			why.code != ERR_NONE ? why.message : last_line(run, result->messages)));
	return true;
}

/* The quickest way that there is: the streams as they are, the encoder of the operator, ours. */
static bool
make_video(struct media_run *run, const struct probe *p, struct plan *plan, const char *path,
    struct error *err)
{
	struct child_result result = { 0 };
	bool made = false;

	if (may_copy_video(run, p)) {
		if (!attempt(run, p, plan, path, &result, &made, err))
			return false;
		plan->copy_sound = plan->copy_sound && made;
	}
	if (!made && !hardware(run, p, plan, path, &result, &made, err))
		return false;
	plan->encoder = TRANSCODE_SOFTWARE;
	if (!made && !attempt(run, p, plan, path, &result, &made, err))
		return false;
	return made || probe_unreadable(run, result.messages, err);
}

static bool
make_sound(struct media_run *run, const struct probe *p, struct plan *plan, const char *path,
    struct error *err)
{
	struct child_result result = { 0 };
	bool made = false;

	if (!attempt(run, p, plan, path, &result, &made, err))
		return false;
	if (!made && plan->copy_sound) {
		plan->copy_sound = false;
		if (!attempt(run, p, plan, path, &result, &made, err))
			return false;
	}
	return made || probe_unreadable(run, result.messages, err);
}

bool
transcode(struct media_run *run, const struct probe *p, struct error *err)
{
	const bool video = p->video != NULL;
	const char *name = video ? TRANSCODE_VIDEO : TRANSCODE_SOUND,
		   *path = media_out_path(run, name);
	struct plan plan = { .copy_sound = may_copy_sound(run, p) };
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	plan.threads = cores < 1 ? 1 : (int)fmin((double)cores, TRANSCODE_THREADS_MAX);
	run->threads = plan.threads;
	run->kind = video ? MEDIA_VIDEO : MEDIA_AUDIO;
	if (!video)
		run->type = sniff_sound_only(run->type);
	if ((int64_t)p->width * p->height > run->max_pixels)
		return error_slug(err, ERR_UNPROCESSABLE, "too_many_pixels",
		    "The video has %d x %d pixels, which is over the limit.", p->width, p->height);
	run->width = p->width;
	run->height = p->height;
	if (video) {
		size_of(run, p, &plan);
		plan.bits = bits_of(run, p);
	}
	media_step(run, "transcode", "started", NULL);
	if (!(video ? make_video(run, p, &plan, path, err) : make_sound(run, p, &plan, path, err)))
		return false;
	media_asset_add(run, name, video ? "video/mp4" : "audio/mp4", plan.w, plan.h);
	media_step(run, "transcode", "done", NULL);
	return true;
}
