#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/child.h"
#include "media/media.h"
#include "media/probe.h"
#include "media/sniff.h"

#include "core/banned.h"

#define ENTRIES \
	"format=duration,bit_rate,start_time:format_tags:stream=index,codec_type,codec_name," \
	"codec_tag_string,profile,width,height," \
	"sample_aspect_ratio,pix_fmt,avg_frame_rate,duration,channels,sample_rate,color_transfer:" \
	"stream_tags:" \
	"stream_disposition=attached_pic:stream_side_data=rotation"
#define SIDE_MAX 32768 /* pixels: larger sides mean that the file is damaged */

static void
collect(void *arg, const char *bytes, size_t n)
{
	buf_add(arg, bytes, n);
}

/* ffprobe prints most numbers as strings. */
static double
number(const struct cJSON *object, const char *key)
{
	const char *s = json_str(object, key, NULL);
	double v = s != NULL ? strtod(s, NULL) : 0;

	return isfinite(v) ? v : 0;
}

/* "30000/1001" -> 29.97, "4:3" -> 1.33; 0 when there is none. */
static double
ratio(const struct cJSON *object, const char *key)
{
	const char *s = json_str(object, key, "");
	char *end;
	double num = strtod(s, &end), den = *end == '/' || *end == ':' ? strtod(end + 1, NULL) : 0;

	return den > 0 && num > 0 ? num / den : 0;
}

static int
rotation_of(const struct cJSON *stream)
{
	const struct cJSON *side;
	int degrees = 0;

	cJSON_ArrayForEach (side, json_get(stream, "side_data_list"))
		if (json_get(side, "rotation") != NULL)
			degrees = -(int)json_num(side, "rotation", 0);
	return ((degrees % 360) + 360) % 360;
}

static void
take_video(struct probe *p, const struct cJSON *stream)
{
	double w = json_num(stream, "width", 0), h = json_num(stream, "height", 0),
	       sar = ratio(stream, "sample_aspect_ratio"), t;

	if (w < 1 || h < 1 || w > SIDE_MAX || h > SIDE_MAX)
		return;
	p->video = stream;
	p->video_tags = json_get(stream, "tags");
	p->rotation = rotation_of(stream);
	p->fps = ratio(stream, "avg_frame_rate");
	if (sar > 0.1 && sar < 10)
		w = round(w * sar);
	if (p->rotation % 180 == 90) {
		t = w;
		w = h;
		h = t;
	}
	p->width = (int)w;
	p->height = (int)h;
}

/* Is the track encrypted? Encrypted tracks have special four-character codes. */
static bool
is_protected(const struct cJSON *stream)
{
	static const char *const codes[] = { "drms", "drmi", "encv", "enca" };
	const char *tag = json_str(stream, "codec_tag_string", "");

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (str_eq(tag, codes[i]))
			return true;
	return false;
}

static bool
take_streams(struct probe *p, const struct cJSON *root, struct error *err)
{
	const struct cJSON *stream;
	const char *type;

	cJSON_ArrayForEach (stream, json_get(root, "streams")) {
		type = json_str(stream, "codec_type", "");
		if (is_protected(stream))
			return error_slug(err, ERR_UNPROCESSABLE, "protected",
			    "The file is copy-protected. Upload a version without copy"
			    " protection.");
		if (json_int(json_get(stream, "disposition"), "attached_pic", 0) != 0) {
			if (p->cover < 0)
				p->cover = (int)json_int(stream, "index", -1);
		} else if (str_eq(type, "video") && p->video == NULL) {
			take_video(p, stream);
		} else if (str_eq(type, "audio") && p->audio == NULL) {
			p->audio = stream;
			p->audio_tags = json_get(stream, "tags");
		}
	}
	return true;
}

bool
probe_unreadable(struct media_run *run, const char *messages, struct error *err)
{
	if (strstr(messages, "moov atom not found") != NULL ||
	    strstr(messages, "End of file") != NULL || strstr(messages, "truncat") != NULL)
		error_slug(err, ERR_UNPROCESSABLE, "truncated",
		    "The file is incomplete. Upload it again.");
	else
		error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "The file is damaged and cannot be read. Check the original file.");
	return error_detail(err, "%s",
	    utf8_clean(run->arena, messages, strlen(messages), ERROR_DETAIL_MAX - 1));
}

bool
probe_file(struct media_run *run, struct probe *p, struct error *err)
{
	const char *url = arena_printf(run->arena, "file:%s", run->file);
	const char *argv[] = { "ffprobe", "-v", "error", "-protocol_whitelist", "file",
		"-format_whitelist", PROBE_WHITELIST, "-f", run->type->reader, "-of", "json",
		"-show_entries", ENTRIES, "-i", url, NULL };
	struct child_result result;
	const struct cJSON *root, *format;
	struct buf out;
	struct error ignored;

	memset(p, 0, sizeof(*p));
	p->cover = -1;
	buf_init(&out, run->arena, PROBE_OUTPUT_MAX);
	if (!child_run(argv, media_seconds_left(run, PROBE_SECONDS), collect, &out, &result, err))
		return false;
	root = result.status == 0 && !out.overflow ?
	    json_parse(run->arena, out.data, out.len, &ignored) :
	    NULL;
	if (root == NULL)
		return probe_unreadable(run, result.messages, err);
	if (!take_streams(p, root, err))
		return false;
	if (p->video == NULL && p->audio == NULL)
		return probe_unreadable(run, result.messages, err);
	format = json_get(root, "format");
	p->format_tags = json_get(format, "tags");
	p->duration = fmax(0, number(format, "duration"));
	p->start = number(format, "start_time");
	p->bitrate = (int64_t)fmin(number(format, "bit_rate"), (double)JSON_INT_MAX);
	return true;
}

const char *
probe_tag(const struct probe *p, const char *name)
{
	const struct cJSON *const places[] = { p->format_tags, p->video_tags, p->audio_tags };
	const struct cJSON *tag;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		cJSON_ArrayForEach (tag, places[i])
			if (cJSON_IsString(tag) && tag->valuestring[0] != '\0' &&
			    str_ieq(tag->string, name))
				return tag->valuestring;
	return NULL;
}
