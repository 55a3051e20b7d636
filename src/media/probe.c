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
	"codec_tag_string,profile,width,height,sample_aspect_ratio,pix_fmt,field_order," \
	"r_frame_rate,avg_frame_rate,duration,channels,sample_rate,color_range,color_space," \
	"color_transfer,color_primaries:stream_tags:" \
	"stream_disposition=default,attached_pic,timed_thumbnails:stream_side_data=rotation," \
	"dv_profile,dv_level,dv_bl_signal_compatibility_id"
#define CHAPTERS ":chapter=start_time,end_time:chapter_tags=title"
#define DOLBY_HEVC_OWN 5 /* profiles: this one, */
#define DOLBY_AV1 10     /* and this one where it is compatible with nothing */
#define LIST_ARGS 15     /* of ffprobe, for all streams */
#define SIDE_MAX 32768   /* pixels: larger sides mean that the file is damaged */

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

static bool
disposed(const struct cJSON *stream, const char *name)
{
	return json_int(json_get(stream, "disposition"), name, 0) != 0;
}

/* Of several streams the one that the file calls its default, else the first. */
static bool
is_better(const struct cJSON *stream, const struct cJSON *than)
{
	return than == NULL || (disposed(stream, "default") && !disposed(than, "default"));
}

static bool
has_size(const struct cJSON *stream)
{
	double w = json_num(stream, "width", 0), h = json_num(stream, "height", 0);

	return w >= 1 && h >= 1 && w <= SIDE_MAX && h <= SIDE_MAX;
}

static void
measure_video(struct probe *p)
{
	const struct cJSON *stream = p->video;
	double w = json_num(stream, "width", 0), h = json_num(stream, "height", 0),
	       sar = ratio(stream, "sample_aspect_ratio"), t;

	p->rotation = rotation_of(stream);
	p->fps = ratio(stream, "avg_frame_rate");
	/* Where only packets tell it, the stream has none. */
	if (p->fps <= 0)
		p->fps = ratio(stream, "r_frame_rate");
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

/* A picture that belongs to the sound: an attached one, those of chapters, or a still track. */
static bool
is_cover(const struct media_run *run, const struct cJSON *stream)
{
	static const char *const stills[] = { "mjpeg", "png", "bmp", "gif", "webp", "tiff" };
	const char *codec = json_str(stream, "codec_name", "");

	if (disposed(stream, "attached_pic") || disposed(stream, "timed_thumbnails"))
		return true;
	for (size_t i = 0; i < sizeof(stills) / sizeof(stills[0]); i++)
		if (str_eq(codec, stills[i]))
			return sniff_names_sound(run->type);
	return false;
}

/* The front cover comes before all others, pictures of chapters come last. */
static int
cover_rank(const struct cJSON *stream)
{
	const char *comment = json_str(json_get(stream, "tags"), "comment", "");

	return str_ieq(comment, "Cover (front)") ? 3 :
	    disposed(stream, "timed_thumbnails") ? 0 :
	    disposed(stream, "attached_pic")     ? 2 :
						   1;
}

static void
take_stream(struct media_run *run, struct probe *p, const struct cJSON *stream, int *rank)
{
	const char *type = json_str(stream, "codec_type", "");

	if (str_eq(type, "video") && is_cover(run, stream)) {
		if (cover_rank(stream) > *rank) {
			*rank = cover_rank(stream);
			p->cover = (int)json_int(stream, "index", -1);
		}
	} else if (str_eq(type, "video") && has_size(stream) && is_better(stream, p->video)) {
		p->video = stream;
	} else if (str_eq(type, "audio") && is_better(stream, p->audio)) {
		p->audio = stream;
	}
}

static bool
take_streams(struct media_run *run, struct probe *p, const struct cJSON *root, struct error *err)
{
	const struct cJSON *stream;
	int rank = -1;

	cJSON_ArrayForEach (stream, json_get(root, "streams")) {
		if (is_protected(stream))
			return error_slug(err, ERR_UNPROCESSABLE, "protected",
			    "The file is copy-protected. Upload a version without copy"
			    " protection.");
		take_stream(run, p, stream, &rank);
	}
	p->video_tags = json_get(p->video, "tags");
	p->audio_tags = json_get(p->audio, "tags");
	if (p->video != NULL)
		measure_video(p);
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

/*
 * Lists the entries of all streams as JSON, or with their bytes those of one. *root NULL: ffprobe
 * could not, or there is too much.
 */
static bool
list_of(struct media_run *run, const char *stream, const char *entries, const struct cJSON **root,
    struct child_result *result, struct error *err)
{
	const char *url = arena_printf(run->arena, "file:%s", run->file);
	const char *argv[CHILD_ARGS_MAX] = { "ffprobe", "-v", "error", "-protocol_whitelist",
		"file", "-format_whitelist", PROBE_WHITELIST, "-f", run->type->reader, "-of",
		"json", "-show_entries", entries, "-i", url };
	struct buf out;
	struct error ignored;

	if (stream != NULL)
		memcpy(argv + LIST_ARGS,
		    (const char *const[]) { "-show_data", "-select_streams", stream },
		    3 * sizeof(*argv));
	buf_init(&out, run->arena, PROBE_OUTPUT_MAX);
	if (!child_run(argv, media_seconds_left(run, PROBE_SECONDS), collect, &out, result, err))
		return false;
	*root = result->status == 0 && !out.overflow ?
	    json_parse(run->arena, out.data, out.len, &ignored) :
	    NULL;
	return true;
}

static bool
list(struct media_run *run, const char *entries, const struct cJSON **root,
    struct child_result *result, struct error *err)
{
	return list_of(run, NULL, entries, root, result, err);
}

/* A line is "00000000: 0101 6000  text"; the first one is enough. */
static size_t
dumped(const char *dump, unsigned char *bytes, size_t max)
{
	const char *p = dump != NULL ? strstr(dump, ": ") : NULL;
	char pair[3] = "";
	size_t n;

	for (n = 0, p = p != NULL ? p + 2 : ""; n < max && p[0] != '\0'; n++) {
		memcpy(pair, p, 2);
		if (!hex_decode(pair, bytes + n, 1))
			break;
		p += 2 + (p[2] == ' ');
	}
	return n;
}

size_t
probe_extra(struct media_run *run, const struct cJSON *stream, unsigned char *bytes, size_t max)
{
	const char *index = arena_printf(run->arena, "%d", probe_index(stream));
	struct child_result result;
	const struct cJSON *root;
	struct error ignored;

	if (!list_of(run, index, "stream=extradata", &root, &result, &ignored) || root == NULL)
		return 0;
	return dumped(json_str(cJSON_GetArrayItem(json_get(root, "streams"), 0), "extradata", NULL),
	    bytes, max);
}

bool
probe_file(struct media_run *run, struct probe *p, struct error *err)
{
	struct child_result result;
	const struct cJSON *root, *format;

	memset(p, 0, sizeof(*p));
	p->cover = -1;
	if (!list(run, ENTRIES CHAPTERS, &root, &result, err))
		return false;
	/* Too many chapters are no reason to refuse the file. */
	if (root == NULL && result.status == 0 && !list(run, ENTRIES, &root, &result, err))
		return false;
	if (root == NULL)
		return probe_unreadable(run, result.messages, err);
	if (!take_streams(run, p, root, err))
		return false;
	if (p->video == NULL && p->audio == NULL)
		return probe_unreadable(run, result.messages, err);
	format = json_get(root, "format");
	p->format_tags = json_get(format, "tags");
	p->chapters = json_get(root, "chapters");
	p->duration = fmax(0, number(format, "duration"));
	p->start = number(format, "start_time");
	p->bitrate = (int64_t)fmin(number(format, "bit_rate"), (double)JSON_INT_MAX);
	if (p->duration <= 0 || str_eq(run->type->reader, "aac"))
		probe_measure(run, p);
	if (p->duration > PROBE_DURATION_MAX)
		p->duration = 0;
	return true;
}

bool
probe_hdr(const struct probe *p)
{
	const char *transfer = json_str(p->video, "color_transfer", "");

	return str_eq(transfer, "smpte2084") || str_eq(transfer, "arib-std-b67");
}

bool
probe_dolby(const struct cJSON *stream, struct probe_dolby *d)
{
	const struct cJSON *side;

	cJSON_ArrayForEach (side, json_get(stream, "side_data_list"))
		if (json_get(side, "dv_profile") != NULL) {
			d->profile = (int)json_int(side, "dv_profile", 0);
			d->level = (int)json_int(side, "dv_level", 0);
			return d->profile == DOLBY_HEVC_OWN ||
			    (d->profile == DOLBY_AV1 &&
				json_int(side, "dv_bl_signal_compatibility_id", 0) == 0);
		}
	return false;
}

int
probe_index(const struct cJSON *stream)
{
	return (int)json_int(stream, "index", 0);
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
