#include <string.h>

#include "core/arena.h"
#include "core/str.h"
#include "media/live.h"
#include "media/media.h"
#include "media/tiff.h"

#include "core/banned.h"

#define ID_MIN 8
#define ID_MAX 64 /* characters; Apple's are UUIDs */
#define APPLE_NOTE "Apple iOS\0"
#define APPLE_DIRECTORY 14 /* behind name, version and byte order */
#define APPLE_CONTENT_ID 0x11

const char *
live_id(struct media_run *run, const char *text, size_t n)
{
	const char *id;

	n = strnlen(text, n);
	if (n < ID_MIN || n > ID_MAX)
		return NULL;
	id = str_lower(run->arena, arena_strndup(run->arena, text, n));
	return strspn(id, "0123456789abcdef-") == n ? id : NULL;
}

const char *
live_photo_id(struct media_run *run, const unsigned char *exif, size_t n)
{
	struct tiff_entry note, id;
	struct tiff t, maker;
	size_t first;

	if (n > 6 && memcmp(exif, "Exif\0\0", 6) == 0) {
		exif += 6;
		n -= 6;
	}
	if (!tiff_open(exif, n, &t, &first) ||
	    !tiff_find(&t, tiff_get(&t, first, TIFF_EXIF, 0), TIFF_MAKER_NOTE, &note) ||
	    note.size < APPLE_DIRECTORY + 2 ||
	    memcmp(exif + note.at, APPLE_NOTE, sizeof(APPLE_NOTE) - 1) != 0)
		return NULL;
	/* Its offsets count from its own start, in its own byte order. */
	maker = (struct tiff) { exif + note.at, note.size,
		memcmp(exif + note.at + APPLE_DIRECTORY - 2, "MM", 2) == 0 };
	if (!tiff_find(&maker, APPLE_DIRECTORY, APPLE_CONTENT_ID, &id) || id.type != 2)
		return NULL;
	return live_id(run, (const char *)maker.data + id.at, id.size);
}
