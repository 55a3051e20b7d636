#include "service/catalogue/upload_type.h"

#include <stddef.h>
#include <string.h>

#include "core/arena.h"
#include "core/str.h"

#include "core/banned.h"

/* The usual name, other names for the same, and the endings of such files. */
static const struct {
	const char *type;
	const char *aliases[6], *endings[4];
} types[] = {
	{ "image/jpeg", { "image/jpg", "image/pjpeg" }, { "jpg", "jpeg" } },
	{ "image/png", { "image/x-png" }, { "png" } },
	{ "image/webp", { NULL }, { "webp" } },
	{ "image/gif", { NULL }, { "gif" } },
	{ "image/heic", { "image/heic-sequence" }, { "heic" } },
	{ "image/heif", { "image/heif-sequence" }, { "heif" } },
	{ "image/avif", { "image/avif-sequence" }, { "avif" } },
	{ "image/tiff", { "image/tif", "image/x-tiff" }, { "tif", "tiff" } },
	{ "video/mp4", { "video/x-m4v", "video/m4v", "application/mp4" }, { "mp4", "m4v" } },
	{ "video/quicktime", { "video/x-quicktime" }, { "mov", "qt" } },
	{ "video/x-matroska", { "video/matroska", "video/x-mkv", "video/mkv" }, { "mkv" } },
	{ "video/webm", { NULL }, { "webm" } },
	{ "video/x-msvideo", { "video/avi", "video/msvideo", "video/vnd.avi" }, { "avi" } },
	{ "video/mpeg", { "video/mpg", "video/x-mpeg" }, { "mpg", "mpeg" } },
	{ "video/ogg", { "video/x-ogg" }, { "ogv" } },
	{ "audio/mpeg", { "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3" }, { "mp3" } },
	{ "audio/flac", { "audio/x-flac" }, { "flac" } },
	{ "audio/ogg", { "audio/opus", "audio/x-ogg", "application/ogg" },
	    { "ogg", "oga", "opus" } },
	{ "audio/mp4", { "audio/m4a", "audio/x-m4a" }, { "m4a" } },
	{ "audio/aac", { "audio/x-aac", "audio/aacp" }, { "aac" } },
	{ "audio/wav", { "audio/x-wav", "audio/wave", "audio/vnd.wave" }, { "wav" } },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool
among(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n && words[i] != NULL; i++)
		if (str_ieq(words[i], word))
			return true;
	return false;
}

static const char *
type_of_ending(const char *filename)
{
	const char *dot = strrchr(filename, '.');

	for (size_t i = 0; i < COUNT(types) && dot != NULL; i++)
		if (among(types[i].endings, COUNT(types[i].endings), dot + 1))
			return types[i].type;
	return NULL;
}

const char *
upload_type(struct arena *arena, const char *said, const char *filename)
{
	char *type = str_trim(arena, arena_strndup(arena, said, strcspn(said, ";")));
	const char *known;

	if (str_ieq(type, "application/octet-stream") || *type == '\0') {
		known = type_of_ending(filename);
		return known != NULL ? known : "application/octet-stream";
	}
	for (size_t i = 0; i < COUNT(types); i++)
		if (among(types[i].aliases, COUNT(types[i].aliases), type))
			return types[i].type;
	return str_lower(arena, type);
}
