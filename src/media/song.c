#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/chapters.h"
#include "media/child.h"
#include "media/codecs.h"
#include "media/frames.h"
#include "media/media.h"
#include "media/picture.h"
#include "media/probe.h"
#include "media/sniff.h"
#include "media/song.h"
#include "media/song_tags.h"

#include "core/banned.h"

static void
put_details(struct media_run *run, const struct probe *p)
{
	struct json *m = run->metadata;
	int64_t rate;

	json_put_str(m, "format", run->type->label);
	json_opt_str(m, "audioCodec", json_str(p->audio, "codec_name", NULL));
	json_opt_str(m, "codecs", codecs_of(run, p));
	if (p->bitrate > 0)
		json_put_int(m, "bitrate", p->bitrate);
	if (json_int(p->audio, "channels", 0) > 0)
		json_put_int(m, "channels", json_int(p->audio, "channels", 0));
	if (str_to_int(json_str(p->audio, "sample_rate", ""), 1, 10000000, &rate))
		json_put_int(m, "sampleRate", rate);
}

/* Loudest sample of each of WAVEFORM_PEAKS equal shares. */
struct outline {
	double peaks[WAVEFORM_PEAKS];
	double samples; /* expected in all */
	double seen;
	unsigned char half; /* first byte of a sample cut in two by a read */
	bool has_half;
};

static void
outline_sample(struct outline *o, unsigned low, unsigned high)
{
	double v = fabs((double)(int16_t)(uint16_t)(low | high << 8)) / 32768;
	size_t i = o->seen >= o->samples ? WAVEFORM_PEAKS - 1 :
					   (size_t)(o->seen / o->samples * WAVEFORM_PEAKS);

	if (v > o->peaks[i])
		o->peaks[i] = v;
	o->seen++;
}

static void
outline_feed(void *arg, const char *bytes, size_t n)
{
	const unsigned char *b = (const unsigned char *)bytes;
	struct outline *o = arg;
	size_t i = 0;

	if (o->has_half && n > 0)
		outline_sample(o, o->half, b[i++]);
	for (; i + 1 < n; i += 2)
		outline_sample(o, b[i], b[i + 1]);
	o->has_half = i < n;
	if (o->has_half)
		o->half = b[i];
}

/* Decodes the whole song, which also detects damaged files. */
static bool
waveform(struct media_run *run, const struct probe *p, struct error *err)
{
	const char *const output[] = { "-map",
		arena_printf(run->arena, "0:%d", probe_index(p->audio)), "-ac", "1", "-ar", "8000",
		"-c:a", "pcm_s16le", "-f", "s16le", "pipe:1" };
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error" };
	struct outline *o = arena_alloc(run->arena, sizeof(*o));
	struct child_result result;
	size_t n = 5, i;

	n += ffmpeg_input(run, argv + n, 0, false);
	memcpy(argv + n, output, sizeof(output));
	argv[n + sizeof(output) / sizeof(output[0])] = NULL;
	o->samples = fmax(1, p->duration * WAVEFORM_RATE);
	if (!child_run(argv, media_seconds_left(run, WAVEFORM_SECONDS), outline_feed, o, &result,
		err))
		return false;
	if (o->seen == 0)
		return probe_unreadable(run, result.messages, err);
	/* Without an index the header of an MP3 tells no more than a guess by its bit rate. */
	if (p->duration <= 0 ||
	    fabs(o->seen / WAVEFORM_RATE - p->duration) > p->duration * DURATION_OFF)
		run->duration_ms = (int64_t)(o->seen * 1000 / WAVEFORM_RATE);
	json_array(run->metadata, "waveform");
	for (i = 0; i < WAVEFORM_PEAKS; i++)
		json_put_num(run->metadata, NULL, round(o->peaks[i] * 100) / 100);
	json_array_end(run->metadata);
	return true;
}

/* Extracts the picture unchanged and processes it like any other, by its own signature. */
static bool
cover(struct media_run *run, const struct probe *p, struct error *err)
{
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-y" };
	const char *path = media_out_path(run, "cover.bin");
	const struct media_type *type;
	struct child_result result;
	struct picture pic;
	size_t n = 6;
	bool ok;

	n += ffmpeg_input(run, argv + n, 0, false);
	argv[n++] = "-map";
	argv[n++] = arena_printf(run->arena, "0:%d", p->cover);
	argv[n++] = "-c";
	argv[n++] = "copy";
	argv[n++] = "-frames:v";
	argv[n++] = "1";
	argv[n++] = "-f";
	argv[n++] = "rawvideo";
	argv[n++] = path;
	argv[n] = NULL;
	if (!child_run(argv, media_seconds_left(run, COVER_SECONDS), NULL, NULL, &result, err))
		return false;
	ok = result.status == 0 && sniff_file(run->arena, path, &type, err) && type->image &&
	    picture_open(run, path, type->reader, &pic, err) &&
	    picture_decode(run, &pic, COVER_WIDTH, err) &&
	    picture_write(run, &pic, "cover.webp", COVER_WIDTH, err) &&
	    picture_thumbnails(run, &pic, err);
	unlink(path);
	return ok;
}

/*
 * If the cover cannot be read, the song has no cover. If the sound cannot be read, the song fails.
 */
bool
song_process(struct media_run *run, const struct probe *p, struct error *err)
{
	struct error why;

	run->kind = MEDIA_AUDIO;
	run->type = sniff_sound_only(run->type);
	put_details(run, p);
	song_tags(run, p);
	chapters_put(run, p);
	media_step(run, "inspect", "done", NULL);
	if (run->inspect)
		return true;

	error_clear(&why);
	if (p->cover >= 0) {
		media_step(run, "thumbnails", "started", NULL);
		if (cover(run, p, &why))
			media_step(run, "thumbnails", "done", NULL);
		else
			media_step(run, "thumbnails", "failed",
			    "The cover picture could not be read.");
		/* No fault of the song: it would never have one. The job runs again. */
		if (why.code == ERR_STORAGE_FULL) {
			*err = why;
			return false;
		}
	}
	media_step(run, "preview", "started", NULL);
	if (p->duration <= WAVEFORM_LONGEST && !waveform(run, p, err))
		return false;
	media_step(run, "preview", "done", NULL);
	return true;
}
