#include "service/catalogue/playable.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

/* Codecs of a type, separated by spaces. */
static const struct {
	const char *type, *video, *audio;
} files[] = {
	{ "video/mp4", "h264 vp9 av1", "aac mp3 opus flac" },
	{ "video/quicktime", "h264", "aac mp3" },
	{ "video/webm", "vp8 vp9 av1", "vorbis opus" },
	{ "audio/mpeg", "", "mp3" },
	{ "audio/mp4", "", "aac mp3 opus flac" },
	{ "audio/aac", "", "aac" },
	{ "audio/ogg", "", "vorbis opus flac" },
	{ "audio/flac", "", "flac" },
	{ "audio/wav", "", "pcm_u8 pcm_s16le pcm_s24le pcm_f32le" },
	{ "audio/webm", "", "vorbis opus" },
};

/* Profiles of H.264 with more than 8 bits, or with more colour than 4:2:0. */
static const char *const rich_profiles[] = { "10", "4:2:2", "4:4:4", "Intra" };

static bool
among(const char *words, const char *word)
{
	size_t want = strlen(word), len;

	for (; *words != '\0'; words += len + (words[len] == ' ')) {
		len = strcspn(words, " ");
		if (len == want && strncmp(words, word, len) == 0)
			return true;
	}
	return false;
}

static bool
is_rich(const struct playable_file *f)
{
	if (f->profile == NULL || !str_eq(f->video, "h264"))
		return false;
	for (size_t i = 0; i < sizeof(rich_profiles) / sizeof(rich_profiles[0]); i++)
		if (strstr(f->profile, rich_profiles[i]) != NULL)
			return true;
	return false;
}

enum playable
playable_of(const struct playable_file *f)
{
	const bool video = str_eq(f->kind, "video");

	if ((!video && !str_eq(f->kind, "audio")) || f->content_type == NULL)
		return PLAYABLE_UNKNOWN;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!str_eq(files[i].type, f->content_type))
			continue;
		/* A video may be silent. */
		if (video)
			return f->video != NULL && among(files[i].video, f->video) && !is_rich(f) &&
				(f->audio == NULL || among(files[i].audio, f->audio)) ?
			    PLAYABLE_YES :
			    PLAYABLE_NO;
		return f->audio != NULL && among(files[i].audio, f->audio) ? PLAYABLE_YES :
									     PLAYABLE_NO;
	}
	return PLAYABLE_NO;
}

const char *
playable_type(const char *content_type)
{
	return str_eq(content_type, "video/quicktime") ? "video/mp4" : content_type;
}

/* What the sandbox reports is a file's word: names with dots and dashes, and commas between. */
static bool
are_codecs(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= PLAYABLE_CODECS_MAX &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-, ") == n;
}

const char *
playable_file_type(struct arena *arena, const char *content_type, const char *codecs)
{
	if (content_type == NULL || codecs == NULL || !are_codecs(codecs))
		return NULL;
	return arena_printf(arena, "%s; codecs=\"%s\"", playable_type(content_type), codecs);
}
