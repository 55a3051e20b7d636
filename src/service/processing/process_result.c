#include "service/processing/process_result.h"

#include <string.h>

#include <cJSON.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "service/catalogue/media.h"
#include "service/catalogue/upload_type.h"

#include "core/banned.h"

#define DURATION_MAX_MS (1000LL * 86400 * 1000)
#define THUMBHASH_TEXT_MAX 64
#define YEAR_MIN 1000
#define YEAR_MAX 2999

/* Returns the literal of the list that equals s, or NULL. */
static const char *
one_of(const char *s, const char *const *list)
{
	for (; s != NULL && *list != NULL; list++)
		if (str_eq(s, *list))
			return *list;
	return NULL;
}

static const char *const kinds[] = { "image", "video", "audio", NULL };
static const char *const sources[] = { TAKEN_EXIF, TAKEN_GPS, TAKEN_XMP, TAKEN_IPTC,
	TAKEN_CONTAINER, TAKEN_SIDECAR, NULL };
static const char *const steps[] = { "inspect", "thumbnails", "preview", "transcode", NULL };
static const char *const states[] = { "started", "done", "failed", NULL };
static const char *const codes[] = { "unsupported_type", "unreadable", "truncated",
	"too_many_pixels", "raw_without_picture", "empty", "protected", "timeout", "resource_limit",
	NULL };
static const struct process_asset asset_names[] = { { "320.webp", "image/webp" },
	{ "640.webp", "image/webp" }, { "1280.webp", "image/webp" },
	{ "poster.webp", "image/webp" }, { "sprite.webp", "image/webp" },
	{ "cover.webp", "image/webp" }, { "preview.mp4", "video/mp4" },
	{ "motion.mp4", "video/mp4" }, { RESULT_PLAYBACK "mp4", "video/mp4" },
	{ RESULT_PLAYBACK "m4a", "audio/mp4" } };

static bool
garbage(struct error *err, const char *what)
{
	error_slug(err, ERR_INTERNAL, "sandbox_failed", "The file could not be processed.");
	return error_detail(err, "medianest-media returned an invalid %s", what);
}

static bool
in_range(int64_t v, int64_t max)
{
	return v >= 0 && v <= max;
}

static bool
take_assets(const struct cJSON *list, struct process_result *r, struct error *err)
{
	const struct cJSON *item;
	const char *name;
	size_t i;

	cJSON_ArrayForEach (item, list) {
		name = json_str(item, "name", "");
		for (i = 0; i < sizeof(asset_names) / sizeof(asset_names[0]); i++)
			if (str_eq(name, asset_names[i].name))
				break;
		if (i == sizeof(asset_names) / sizeof(asset_names[0]) ||
		    r->nassets == RESULT_ASSETS_MAX)
			return garbage(err, "asset");
		r->assets[r->nassets++] = asset_names[i];
	}
	return true;
}

static bool
take_sprite_times(struct arena *arena, const struct cJSON *list, struct process_result *r,
    struct error *err)
{
	const struct cJSON *item;

	cJSON_ArrayForEach (item, list) {
		if (!cJSON_IsNumber(item) || item->valuedouble < 0 ||
		    item->valuedouble > INT32_MAX || r->nsprite_times == RESULT_TILES_MAX)
			return garbage(err, "sprite time");
		r->sprite_times[r->nsprite_times++] =
		    arena_printf(arena, "%.0f", item->valuedouble);
	}
	return true;
}

static void
add_genre(struct arena *arena, const char *genre, struct process_result *r)
{
	const char *clean =
	    genre != NULL ? utf8_clean(arena, genre, strlen(genre), MEDIA_TAG_MAX) : "";

	if (clean[0] != '\0' && r->ngenres < RESULT_GENRES_MAX)
		r->genres[r->ngenres++] = clean;
}

/* `genres` has each of them, `genre` is the text for show. */
static void
take_genres(struct arena *arena, const struct cJSON *metadata, struct process_result *r)
{
	const struct cJSON *genre;

	cJSON_ArrayForEach (genre, json_get(metadata, "genres"))
		add_genre(arena, cJSON_GetStringValue(genre), r);
	if (r->ngenres == 0)
		add_genre(arena, json_str(metadata, "genre", NULL), r);
}

/* Names become tags, so they have the bounds of tags; more of them are left out. */
static void
take_people(struct arena *arena, const struct cJSON *list, struct process_result *r)
{
	const struct cJSON *item;
	const char *name;

	cJSON_ArrayForEach (item, list) {
		name = cJSON_GetStringValue(item);
		if (name == NULL || r->npeople == RESULT_PEOPLE_MAX)
			continue;
		name = str_trim(arena, utf8_clean(arena, name, strlen(name), MEDIA_TAG_MAX));
		if (name[0] != '\0')
			r->people[r->npeople++] = name;
	}
}

/*
 * The metadata object is kept as it is for people to see; searchable values get their own columns.
 */
static bool
take_metadata(struct arena *arena, const struct cJSON *metadata, struct process_result *r,
    struct error *err)
{
	char *text;

	if (!cJSON_IsObject(metadata) || (text = cJSON_PrintUnformatted(metadata)) == NULL)
		return garbage(err, "metadata");
	arena_defer(arena, cJSON_free, text);
	if (strlen(text) > RESULT_METADATA_MAX)
		return garbage(err, "metadata");
	r->metadata = text;
	r->year = json_int(metadata, "year", -1);
	if (r->year < YEAR_MIN || r->year > YEAR_MAX)
		r->year = -1;
	take_genres(arena, metadata, r);
	r->video_codec = json_str(metadata, "videoCodec", NULL);
	r->video_profile = json_str(metadata, "videoProfile", NULL);
	r->audio_codec = json_str(metadata, "audioCodec", NULL);
	return true;
}

/* A date that is not one, is left out. */
static void
take_taken(const struct cJSON *o, struct taken *t)
{
	const char *at = json_str(o, "at", NULL), *local = json_str(o, "local", NULL);

	*t = (struct taken) { .source = one_of(json_str(o, "source", NULL), sources),
		.offset = json_int(o, "offset", TAKEN_OFFSET_NONE) };
	if (t->offset < -TAKEN_OFFSET_MAX || t->offset > TAKEN_OFFSET_MAX)
		t->offset = TAKEN_OFFSET_NONE;
	if ((at != NULL && !time_parse_rfc3339(at, &t->at)) ||
	    (local != NULL && !time_parse_local(local, &t->local)) || (t->at == 0 && t->local == 0))
		t->source = NULL;
}

static bool
content_id_valid(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n <= RESULT_CONTENT_ID_MAX && strspn(id, "0123456789abcdef-") == n;
}

/* Of pictures only: a poster of a video says little about the video. */
static bool
take_look(const struct cJSON *o, struct process_result *r, struct error *err)
{
	const char *look = json_str(o, "look", NULL);
	unsigned char bytes[8];
	uint64_t bits = 0;

	if (look == NULL || !str_eq(r->kind, "image"))
		return true;
	if (!hex_decode(look, bytes, sizeof(bytes)))
		return garbage(err, "look");
	for (size_t i = 0; i < sizeof(bytes); i++)
		bits = bits << 8 | bytes[i];
	memcpy(&r->look, &bits, sizeof(bits));
	r->has_look = true;
	return true;
}

static bool
take_found(struct arena *arena, const struct cJSON *o, struct process_result *r, struct error *err)
{
	const char *title = json_str(o, "title", NULL);

	r->kind = json_str(o, "kind", NULL);
	r->content_type = json_str(o, "contentType", NULL);
	r->thumbhash = json_str(o, "thumbhash", NULL);
	r->width = json_int(o, "width", 0);
	r->height = json_int(o, "height", 0);
	r->duration_ms = json_int(o, "durationMs", -1);
	if (one_of(r->kind, kinds) == NULL || r->content_type == NULL ||
	    !upload_type_known(r->content_type))
		return garbage(err, "type");
	if (!in_range(r->width, RESULT_SIDE_MAX) || !in_range(r->height, RESULT_SIDE_MAX) ||
	    r->duration_ms > DURATION_MAX_MS)
		return garbage(err, "size");
	if (r->duration_ms < 0)
		r->duration_ms = -1;
	if (r->thumbhash != NULL && strlen(r->thumbhash) > THUMBHASH_TEXT_MAX)
		return garbage(err, "placeholder");
	r->incomplete = json_bool(o, "incomplete", false);
	r->content_id = json_str(o, "contentId", NULL);
	if (r->content_id != NULL && !content_id_valid(r->content_id))
		return garbage(err, "content id");
	if (!take_look(o, r, err))
		return false;
	if (title != NULL)
		r->title = utf8_clean(arena, title, strlen(title), MEDIA_TITLE_MAX);
	if (!take_metadata(arena, json_get(o, "metadata"), r, err))
		return false;
	take_people(arena, json_get(o, "people"), r);
	take_taken(json_get(o, "taken"), &r->taken);
	return take_assets(json_get(o, "assets"), r, err) &&
	    take_sprite_times(arena, json_get(o, "spriteTimes"), r, err);
}

static bool
take_failure(struct arena *arena, const struct cJSON *failure, struct process_result *r,
    struct error *err)
{
	const char *code = json_str(failure, "code", ""),
		   *message = json_str(failure, "message", "");

	r->failure_code = one_of(code, codes);
	if (r->failure_code == NULL) {
		error_slug(err, ERR_INTERNAL, "sandbox_failed", "The file could not be processed.");
		return error_detail(err, "medianest-media: %s",
		    utf8_clean(arena, message, strlen(message), RESULT_MESSAGE_MAX));
	}
	r->failure_message = utf8_clean(arena, message, strlen(message), RESULT_MESSAGE_MAX);
	return true;
}

bool
process_line_parse(struct arena *arena, const char *line, size_t len, struct process_line *out,
    struct error *err)
{
	struct error ignored;
	const struct cJSON *root = json_parse(arena, line, len, &ignored), *result;
	const char *message;

	memset(out, 0, sizeof(*out));
	if (root == NULL)
		return garbage(err, "line");
	result = json_get(root, "result");
	if (result == NULL) {
		out->step = json_str(root, "step", NULL);
		out->state = json_str(root, "state", NULL);
		message = json_str(root, "message", NULL);
		out->progress = (int)json_int(root, "progress", -1);
		if (out->progress < 0 || out->progress > 100)
			out->progress = -1;
		if (message != NULL)
			out->message =
			    utf8_clean(arena, message, strlen(message), RESULT_MESSAGE_MAX);
		return (one_of(out->step, steps) != NULL && one_of(out->state, states) != NULL) ||
		    garbage(err, "step");
	}
	out->result.present = true;
	out->result.ok = json_bool(result, "ok", false);
	return out->result.ok ? take_found(arena, result, &out->result, err) :
				take_failure(arena, json_get(result, "failure"), &out->result, err);
}
