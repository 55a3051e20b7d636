#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
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
#include "media/video.h"

#include "core/banned.h"

/* "+48.8577+002.2950+035.0/" (ISO 6709): stored in the row, for the owner. */
static void
put_location(struct media_run *run, const struct probe *p)
{
	const char *text = probe_tag(p, "com.apple.quicktime.location.ISO6709");
	double latitude, longitude, altitude;
	int n;

	if (text == NULL)
		text = probe_tag(p, "location");
	if (text == NULL)
		return;
	n = sscanf(text, "%lf%lf%lf", &latitude, &longitude, &altitude);
	if (n < 2 || fabs(latitude) > 90 || fabs(longitude) > 180)
		return;
	json_object(run->metadata, "gps");
	json_put_num(run->metadata, "latitude", latitude);
	json_put_num(run->metadata, "longitude", longitude);
	if (n == 3)
		json_put_num(run->metadata, "altitude", altitude);
	json_object_end(run->metadata);
}

static void
put_details(struct media_run *run, const struct probe *p)
{
	struct json *m = run->metadata;
	struct probe_dolby dolby;
	const char *make = probe_tag(p, "com.apple.quicktime.make"),
		   *model = probe_tag(p, "com.apple.quicktime.model");

	json_put_str(m, "format", run->type->label);
	json_opt_str(m, "videoCodec", json_str(p->video, "codec_name", NULL));
	json_opt_str(m, "videoProfile", json_str(p->video, "profile", NULL));
	json_opt_str(m, "audioCodec", json_str(p->audio, "codec_name", NULL));
	json_opt_str(m, "codecs", codecs_of(run, p));
	if (p->fps > 0)
		json_put_num(m, "fps", round(p->fps * 1000) / 1000);
	if (p->bitrate > 0)
		json_put_int(m, "bitrate", p->bitrate);
	if (p->rotation != 0)
		json_put_int(m, "rotation", p->rotation);
	if (probe_hdr(p))
		json_put_bool(m, "hdr", true);
	if (probe_dolby(p->video, &dolby))
		json_put_bool(m, "coloursUnknown", true);
	if (make != NULL || model != NULL) {
		json_object(m, "camera");
		json_opt_str(m, "make", make != NULL ? media_text(run, make, strlen(make)) : NULL);
		json_opt_str(m, "model",
		    model != NULL ? media_text(run, model, strlen(model)) : NULL);
		json_object_end(m);
	}
	date_of_video(&(const struct date_tags) { probe_tag(p, "com.apple.quicktime.creationdate"),
			  probe_tag(p, "date"), probe_tag(p, "creation_time") },
	    &run->taken);
	put_location(run, p);
	people_of_video(run);
}

static bool
poster(struct media_run *run, const struct probe *p, struct error *err)
{
	struct frame frame;
	int w, h;

	memset(&frame, 0, sizeof(frame));
	media_fit(p->width, p->height, PICTURE_POSTER_WIDTH, PICTURE_POSTER_WIDTH * 2, &w, &h);
	if (!frame_at(run, p, fmin(p->duration * 0.1, 10), w, h, &frame, err) ||
	    !picture_write(run, &frame.picture, "poster.webp", PICTURE_POSTER_WIDTH, err))
		return false;
	return picture_thumbnails(run, &frame.picture, err);
}

static bool
sprite(struct media_run *run, const struct probe *p, struct error *err)
{
	struct frame frames[MEDIA_TILES_MAX];
	struct picture pictures[MEDIA_TILES_MAX];
	struct json *m = run->metadata;
	size_t n;
	int w, h;

	memset(frames, 0, sizeof(frames));
	media_fit(p->width, p->height, SPRITE_TILE, SPRITE_TILE_TALLEST, &w, &h);
	if (!frames_spread(run, p, w, h, MEDIA_TILES_MAX, frames, &n, err))
		return false;
	if (n == 0)
		return error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "No pictures for the time line could be read.");
	for (size_t i = 0; i < n; i++)
		pictures[i] = frames[i].picture;
	if (!picture_sprite(run, pictures, n, SPRITE_COLUMNS, w, h, "sprite.webp", err))
		return false;
	for (size_t i = 0; i < n; i++)
		run->sprite_times[i] = frames[i].at_ms;
	run->nsprite_times = n;
	json_object(m, "sprite");
	json_put_int(m, "columns", n < SPRITE_COLUMNS ? (int64_t)n : SPRITE_COLUMNS);
	json_put_int(m, "rows", (int64_t)((n + SPRITE_COLUMNS - 1) / SPRITE_COLUMNS));
	json_put_int(m, "tileWidth", w);
	json_put_int(m, "tileHeight", h);
	json_object_end(m);
	return true;
}

static int
even(int v)
{
	return v < 2 ? 2 : v & ~1;
}

static void
preview_size(const struct probe *p, int *w, int *h)
{
	int shorter = p->width < p->height ? p->width : p->height;
	double scale = shorter > PREVIEW_SIDE ? (double)PREVIEW_SIDE / shorter : 1;

	*w = even((int)(p->width * scale + 0.5));
	*h = even((int)(p->height * scale + 0.5));
}

/* Output of the segments, one after the other. */
struct segments {
	int fd;
	bool ok; /* all of it was written */
};

static void
append(void *arg, const char *bytes, size_t n)
{
	struct segments *to = arg;
	ssize_t wrote;

	for (; to->ok && n > 0; bytes += wrote, n -= (size_t)wrote) {
		wrote = write(to->fd, bytes, n);
		if (wrote < 0 && errno == EINTR)
			wrote = 0;
		to->ok = wrote >= 0;
	}
}

static const char *
segment_filters(struct media_run *run, const struct probe *p)
{
	int w, h;

	preview_size(p, &w, &h);
	return arena_printf(run->arena, "%s%s,format=yuv420p",
	    p->fps > PREVIEW_FPS ? "fps=30," : "", frame_filters(run, p, w, h));
}

/*
 * Encodes one segment as MPEG-TS, whose streams may be joined byte by byte. One process for each:
 * it holds the pictures of one decoder, and only few for the encoder to look ahead.
 */
static bool
segment(struct media_run *run, const struct probe *p, int i, int n, struct segments *to,
    struct error *err)
{
	static const char *const output[] = { "-an", "-sn", "-dn", "-map_metadata", "-1",
		"-map_chapters", "-1", "-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast",
		"-crf", "28", "-x264-params", "bframes=0:rc-lookahead=1:sync-lookahead=0",
		"-threads", "1", "-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts", "pipe:1" };
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-t", n == 1 ? "6" : "1" };
	struct child_result result;
	size_t args = 7;

	args +=
	    ffmpeg_input(run, argv + args, n == 1 ? 0 : p->duration * (i + 0.5) / n - 0.5, false);
	argv[args++] = "-map";
	argv[args++] = arena_printf(run->arena, "0:%d", probe_index(p->video));
	argv[args++] = "-filter_threads";
	argv[args++] = "1";
	argv[args++] = "-vf";
	argv[args++] = segment_filters(run, p);
	argv[args++] = "-output_ts_offset";
	argv[args++] = arena_printf(run->arena, "%d", i);
	memcpy(argv + args, output, sizeof(output));
	if (!child_run(argv, media_seconds_left(run, PREVIEW_SECONDS), append, to, &result, err))
		return false;
	if (!to->ok)
		return error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	return result.status == 0 || probe_unreadable(run, result.messages, err);
}

/* Puts the joined segments into a file that plays while it is being fetched. */
static bool
wrap(struct media_run *run, const char *from, const char *path, struct error *err)
{
	const char *const argv[] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error",
		"-y", "-protocol_whitelist", "file", "-format_whitelist", "mpegts", "-f", "mpegts",
		"-i", arena_printf(run->arena, "file:%s", from), "-c", "copy", "-map_metadata",
		"-1", "-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4", path, NULL };
	struct child_result result;
	struct stat st;

	if (!child_run(argv, media_seconds_left(run, PREVIEW_SECONDS), NULL, NULL, &result, err))
		return false;
	return (result.status == 0 && stat(path, &st) == 0 && st.st_size > 0) ||
	    probe_unreadable(run, result.messages, err);
}

/* Six segments of one second, or the beginning of a short video; without sound and metadata. */
static bool
preview(struct media_run *run, const struct probe *p, struct error *err)
{
	const char *parts = media_out_path(run, "preview.ts"),
		   *path = media_out_path(run, "preview.mp4");
	const int segments = p->duration > PREVIEW_WHOLE ? PREVIEW_SEGMENTS : 1;
	struct segments to = { open(parts, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), true };
	bool ok = true;
	int w, h;

	if (to.fd < 0)
		return error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	for (int i = 0; ok && i < segments; i++)
		ok = segment(run, p, i, segments, &to, err);
	close(to.fd);
	ok = ok && wrap(run, parts, path, err);
	media_discard(parts);
	if (!ok)
		return false;
	preview_size(p, &w, &h);
	media_asset_add(run, "preview.mp4", "video/mp4", w, h);
	return true;
}

/*
 * A video needs a poster. If the file is to blame that the sprite or the preview fails (damaged
 * further on, a very slow codec), the item has none, and the timeline says so.
 */
bool
video_process(struct media_run *run, const struct probe *file, struct error *err)
{
	struct probe turned = *file, *p = &turned;
	struct error why;
	bool ok;

	media_turn_size(run, &p->width, &p->height);
	run->kind = MEDIA_VIDEO;
	run->width = p->width;
	run->height = p->height;
	if ((int64_t)p->width * p->height > run->max_pixels)
		return error_slug(err, ERR_UNPROCESSABLE, "too_many_pixels",
		    "The video has %d x %d pixels, which is over the limit. Upload a smaller"
		    " version.",
		    p->width, p->height);
	put_details(run, p);
	chapters_put(run, p);
	media_step(run, "inspect", "done", NULL);
	if (run->inspect)
		return true;

	media_step(run, "thumbnails", "started", NULL);
	if (!poster(run, p, err))
		return false;
	media_release_pictures(run);
	media_step(run, "thumbnails", "done", NULL);

	media_step(run, "preview", "started", NULL);
	error_clear(&why);
	ok = sprite(run, p, &why);
	media_release_pictures(run);
	if (ok && preview(run, p, &why))
		media_step(run, "preview", "done", NULL);
	else
		media_step(run, "preview", "failed", why.message);
	/* No fault of the file: the item would never have them. The job runs again. */
	if (why.code == ERR_STORAGE_FULL)
		*err = why;
	return why.code != ERR_STORAGE_FULL;
}
