#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/child.h"
#include "media/exif.h"
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

/* Apple writes local time with an offset ("+0200"); everyone else UTC. */
static void
put_taken(struct media_run *run, const struct probe *p)
{
	const char *text = probe_tag(p, "com.apple.quicktime.creationdate");
	char date[20], offset[7];
	int64_t us;

	if (text == NULL)
		text = probe_tag(p, "creation_time");
	if (text == NULL || !exif_date(text, date))
		return;
	offset[0] = '\0';
	if (strlen(text) >= 24 && (text[19] == '+' || text[19] == '-'))
		snprintf(offset, sizeof(offset), "%.3s:%.2s", text + 19, text + 22);
	run->taken_at =
	    arena_printf(run->arena, "%s%s", date, exif_offset_valid(offset) ? offset : "Z");
	/* For 'unknown', many recorders write their epoch, 1904 or 1970. */
	if (!time_parse_rfc3339(run->taken_at, &us) || us <= 365LL * 86400 * US_PER_SEC)
		run->taken_at = NULL;
	else if (exif_offset_valid(offset))
		json_put_str(run->metadata, "takenAtOffset", offset);
}

static void
put_details(struct media_run *run, const struct probe *p)
{
	struct json *m = run->metadata;
	const char *make = probe_tag(p, "com.apple.quicktime.make"),
		   *model = probe_tag(p, "com.apple.quicktime.model");

	json_put_str(m, "format", run->type->label);
	json_opt_str(m, "videoCodec", json_str(p->video, "codec_name", NULL));
	json_opt_str(m, "videoProfile", json_str(p->video, "profile", NULL));
	json_opt_str(m, "audioCodec", json_str(p->audio, "codec_name", NULL));
	if (p->fps > 0)
		json_put_num(m, "fps", round(p->fps * 1000) / 1000);
	if (p->bitrate > 0)
		json_put_int(m, "bitrate", p->bitrate);
	if (p->rotation != 0)
		json_put_int(m, "rotation", p->rotation);
	if (str_eq(json_str(p->video, "color_transfer", ""), "smpte2084") ||
	    str_eq(json_str(p->video, "color_transfer", ""), "arib-std-b67"))
		json_put_bool(m, "hdr", true);
	if (make != NULL || model != NULL) {
		json_object(m, "camera");
		json_opt_str(m, "make", make != NULL ? media_text(run, make, strlen(make)) : NULL);
		json_opt_str(m, "model",
		    model != NULL ? media_text(run, model, strlen(model)) : NULL);
		json_object_end(m);
	}
	put_taken(run, p);
	put_location(run, p);
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
		return true;
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

/* Filters that scale the segments to one size and concatenate them. */
static const char *
preview_filters(struct media_run *run, const struct probe *p, int segments)
{
	struct buf f;
	int w, h;

	preview_size(p, &w, &h);
	buf_init(&f, run->arena, 0);
	for (int i = 0; i < segments; i++)
		buf_addf(&f, "[%d:V:0]%sscale=%d:%d,setsar=1,format=yuv420p[v%d];", i,
		    p->fps > PREVIEW_FPS ? "fps=30," : "", w, h, i);
	for (int i = 0; i < segments; i++)
		buf_addf(&f, "[v%d]", i);
	buf_addf(&f, "concat=n=%d:v=1:a=0[out]", segments);
	return f.data;
}

/* Six segments of one second, or the beginning of a short video; without sound and metadata. */
static bool
preview(struct media_run *run, const struct probe *p, struct error *err)
{
	const char *argv[CHILD_ARGS_MAX * 2] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-y" };
	static const char *const output[] = { "-map", "[out]", "-an", "-sn", "-dn", "-map_metadata",
		"-1", "-map_chapters", "-1", "-c:v", "libx264", "-preset", "veryfast", "-crf", "28",
		"-threads", "1", "-movflags", "+faststart", "-fflags", "+bitexact", "-f", "mp4" };
	const char *path = media_out_path(run, "preview.mp4");
	int segments = p->duration > PREVIEW_WHOLE ? PREVIEW_SEGMENTS : 1, i, w, h;
	struct child_result result;
	struct stat st;
	size_t n = 6;

	for (i = 0; i < segments; i++) {
		argv[n++] = "-t";
		argv[n++] = segments == 1 ? "6" : "1";
		n += ffmpeg_input(run, argv + n,
		    segments == 1 ? 0 : p->duration * (i + 0.5) / segments - 0.5, false);
	}
	argv[n++] = "-filter_complex_threads";
	argv[n++] = "1";
	argv[n++] = "-filter_complex";
	argv[n++] = preview_filters(run, p, segments);
	memcpy(argv + n, output, sizeof(output));
	n += sizeof(output) / sizeof(output[0]);
	argv[n++] = path;
	argv[n] = NULL;
	if (!child_run(argv, media_seconds_left(run, PREVIEW_SECONDS), NULL, NULL, &result, err))
		return false;
	if (result.status != 0 || stat(path, &st) != 0 || st.st_size == 0)
		return probe_unreadable(run, result.messages, err);
	preview_size(p, &w, &h);
	media_asset_add(run, "preview.mp4", "video/mp4", w, h);
	return true;
}

/*
 * A video needs a poster. If only the sprite or the preview fails (a file damaged further on, a
 * very slow codec), the item has none, and the timeline says so.
 */
bool
video_process(struct media_run *run, const struct probe *p, struct error *err)
{
	struct error why;

	run->kind = MEDIA_VIDEO;
	run->width = p->width;
	run->height = p->height;
	if ((int64_t)p->width * p->height > run->max_pixels)
		return error_slug(err, ERR_UNPROCESSABLE, "too_many_pixels",
		    "The video has %d x %d pixels, which is over the limit. Upload a smaller"
		    " version.",
		    p->width, p->height);
	put_details(run, p);
	media_step(run, "inspect", "done", NULL);

	media_step(run, "thumbnails", "started", NULL);
	if (!poster(run, p, err))
		return false;
	media_step(run, "thumbnails", "done", NULL);

	media_step(run, "preview", "started", NULL);
	error_clear(&why);
	if (sprite(run, p, &why) && preview(run, p, &why))
		media_step(run, "preview", "done", NULL);
	else
		media_step(run, "preview", "failed", why.message);
	return true;
}
