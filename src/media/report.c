#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/charset.h"
#include "media/media.h"
#include "media/sniff.h"

#include "core/banned.h"

#define LINE_MAX_BYTES (256UL << 10)

static const char *const kind_names[] = {
	[MEDIA_IMAGE] = "image",
	[MEDIA_VIDEO] = "video",
	[MEDIA_AUDIO] = "audio",
};

void
media_run_init(struct media_run *run, struct arena *arena, struct arena *pictures, const char *file,
    const char *out)
{
	memset(run, 0, sizeof(*run));
	run->arena = arena;
	run->pictures = pictures;
	run->file = file;
	run->out = out;
	run->max_pixels = MEDIA_PIXELS_DEFAULT;
	run->tag_charsets = CHARSETS_DEFAULT;
	run->deadline = clock_monotonic() + MEDIA_TIMEOUT_DEFAULT * US_PER_SEC;
	run->duration_ms = -1;
	run->threads = 1;
	run->metadata = json_new(arena, MEDIA_METADATA_MAX);
	json_object(run->metadata, NULL);
}

/*
 * Writes whole lines only, so that the reader never sees a part of one. The run ends if the reader
 * is gone.
 */
static void
write_line(struct json *line)
{
	const char *p;
	size_t left;
	ssize_t n;

	buf_addc(&line->buf, '\n');
	for (p = line->buf.data, left = line->buf.len; left > 0; p += n, left -= (size_t)n) {
		n = write(STDOUT_FILENO, p, left);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			_exit(1);
	}
}

void
media_step(struct media_run *run, const char *step, const char *state, const char *message)
{
	struct json *line = json_new(run->arena, LINE_MAX_BYTES);

	json_object(line, NULL);
	json_put_str(line, "step", step);
	json_put_str(line, "state", state);
	json_opt_str(line, "message", message);
	json_object_end(line);
	write_line(line);
}

void
media_progress(struct media_run *run, int percent)
{
	struct json *line = json_new(run->arena, LINE_MAX_BYTES);

	json_object(line, NULL);
	json_put_str(line, "step", "transcode");
	json_put_str(line, "state", "started");
	json_put_int(line, "progress", percent);
	json_object_end(line);
	write_line(line);
}

static void
report_found(struct media_run *run, struct json *line)
{
	json_put_str(line, "kind", kind_names[run->kind]);
	json_put_str(line, "contentType", run->type->content_type);
	json_put_str(line, "extension", run->type->extension);
	if (run->width > 0) {
		json_put_int(line, "width", run->width);
		json_put_int(line, "height", run->height);
	}
	if (run->duration_ms >= 0)
		json_put_int(line, "durationMs", run->duration_ms);
	date_report(line, &run->taken);
	json_opt_str(line, "title", run->title);
	if (run->npeople > 0)
		json_put_strs(line, "people", run->people, run->npeople);
	json_opt_str(line, "thumbhash", run->thumbhash);
	if (run->incomplete)
		json_put_bool(line, "incomplete", true);
	json_opt_str(line, "contentId", run->content_id);
	json_opt_str(line, "look", run->look);
	json_object_end(run->metadata);
	json_put_raw(line, "metadata",
	    run->metadata->buf.overflow ? "{}" : run->metadata->buf.data);
	json_array(line, "assets");
	for (size_t i = 0; i < run->nassets; i++) {
		json_object(line, NULL);
		json_put_str(line, "name", run->assets[i].name);
		json_put_str(line, "contentType", run->assets[i].content_type);
		json_put_int(line, "width", run->assets[i].width);
		json_put_int(line, "height", run->assets[i].height);
		json_object_end(line);
	}
	json_array_end(line);
	json_array(line, "spriteTimes");
	for (size_t i = 0; i < run->nsprite_times; i++)
		json_put_int(line, NULL, run->sprite_times[i]);
	json_array_end(line);
}

void
media_report(struct media_run *run, bool ok, const struct error *err)
{
	struct json *line = json_new(run->arena, LINE_MAX_BYTES);

	json_object(line, NULL);
	json_object(line, "result");
	json_put_bool(line, "ok", ok);
	if (ok) {
		report_found(run, line);
	} else {
		json_object(line, "failure");
		json_put_str(line, "code", error_slug_of(err));
		json_put_str(line, "message", err->message);
		json_object_end(line);
	}
	json_object_end(line);
	json_object_end(line);
	write_line(line);
}

void
media_asset_add(struct media_run *run, const char *name, const char *content_type, int width,
    int height)
{
	if (run->nassets == MEDIA_ASSETS_MAX)
		return;
	run->assets[run->nassets++] =
	    (struct media_asset) { arena_strdup(run->arena, name), content_type, width, height };
}

const char *
media_out_path(struct media_run *run, const char *name)
{
	return arena_printf(run->arena, "%s/%s", run->out, name);
}

void
media_discard(const char *path)
{
	if (unlink(path) != 0 && truncate(path, 0) != 0)
		_exit(1);
}

void
media_release_pictures(struct media_run *run)
{
	arena_reset(run->pictures);
	malloc_trim(0);
}

const char *
media_text(struct media_run *run, const char *text, size_t len)
{
	const char *s = str_trim(run->arena, utf8_clean(run->arena, text, len, MEDIA_TEXT_MAX));

	return s[0] != '\0' ? s : NULL;
}

int
media_seconds_left(const struct media_run *run, int most)
{
	int64_t left = (run->deadline - clock_monotonic()) / US_PER_SEC;

	return left < 1 ? 1 : left > most ? most : (int)left;
}

void
media_turn_size(const struct media_run *run, int *w, int *h)
{
	int was = *w;

	if (run->turn % 180 == 0)
		return;
	*w = *h;
	*h = was;
}

void
media_fit(int w, int h, int box_w, int box_h, int *out_w, int *out_h)
{
	double scale = 1;

	if (w > box_w)
		scale = (double)box_w / w;
	if (h * scale > box_h)
		scale = (double)box_h / h;
	*out_w = (int)(w * scale + 0.5);
	*out_h = (int)(h * scale + 0.5);
	if (*out_w < 1)
		*out_w = 1;
	if (*out_h < 1)
		*out_h = 1;
}
