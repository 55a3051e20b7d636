#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/error.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/child.h"
#include "media/frames.h"
#include "media/jpeg.h"
#include "media/media.h"
#include "media/motion.h"
#include "media/probe.h"

#include "core/banned.h"

#define FTYP_MAX 256 /* bytes of a box of brands */

/* How much of the bytes is a whole MP4: boxes that follow each other, with an index. */
static size_t
mp4_size(const unsigned char *b, size_t size)
{
	bool index = false, data = false;
	struct box box;
	size_t at = 0;

	while (box_read(b + at, size - at, &box)) {
		/* "to the end of the file" may be too far: something may follow */
		if (box.whole == size - at && bytes_big(b + at, 4) == 0)
			break;
		if (at > 0 && strcmp(box.type, "ftyp") == 0)
			break;
		index = index || strcmp(box.type, "moov") == 0;
		data = data || strcmp(box.type, "mdat") == 0;
		at += box.whole;
	}
	return index && data ? at : 0;
}

static bool
take(const unsigned char *b, size_t from, size_t size, struct motion *m)
{
	m->at = from;
	m->size = mp4_size(b + from, size);
	m->playable = m->size > 0 && memmem(b + from, m->size, "avc1", 4) != NULL;
	return m->size > 0;
}

/* The first MP4 from `from` on. */
static bool
search(const unsigned char *b, size_t size, size_t from, struct motion *m)
{
	const unsigned char *p;

	while ((p = memmem(b + from, size - from, "ftyp", 4)) != NULL) {
		size_t name = (size_t)(p - b);

		if (name >= from + 4 && bytes_big(p - 4, 4) <= FTYP_MAX &&
		    take(b, name - 4, size - name + 4, m))
			return true;
		from = name + 4;
	}
	return false;
}

static bool
search_heif(const unsigned char *b, size_t size, struct motion *m)
{
	struct box box;
	size_t at = 0;

	for (; box_read(b + at, size - at, &box); at += box.whole) {
		if (at > 0 && strcmp(box.type, "ftyp") == 0)
			break;
		/* Google's box for it ("motion photo video data") */
		if (strcmp(box.type, "mpvd") == 0 &&
		    search(b, (size_t)(box.data - b) + box.size, (size_t)(box.data - b), m))
			return true;
	}
	return at > 0 && search(b, size, at, m);
}

bool
motion_find(const unsigned char *b, size_t size, struct motion *m)
{
	struct jpeg j;

	if (jpeg_read(b, size, &j))
		return j.whole && search(b, size, j.end, m);
	return size > 8 && memcmp(b + 4, "ftyp", 4) == 0 && search_heif(b, size, m);
}

bool
motion_write(struct media_run *run, const struct motion *m, struct error *err)
{
	const char *path = media_out_path(run, MOTION_ASSET);
	const char *argv[CHILD_ARGS_MAX] = { "ffmpeg", "-nostdin", "-hide_banner", "-loglevel",
		"error", "-y", "-threads", "1", "-protocol_whitelist", "file,subfile",
		"-format_whitelist", "mov,mp4", "-t", MOTION_LENGTH, "-f", "mov", "-i",
		arena_printf(run->arena, "subfile,,start,%zu,end,%zu,,:file:%s", m->at,
		    m->at + m->size, run->file) };
	static const char *const copy[] = { "-c:v", "copy", NULL };
	static const char *const encode[] = { "-c:v", "libx264", "-preset", "veryfast", "-crf",
		"26", "-threads", "1", "-pix_fmt", "yuv420p", NULL };
	const char *const filters[] = { "-vf",
		arena_printf(run->arena,
		    "scale='trunc(iw*min(1,1080/min(iw,ih))/2)*2'"
		    ":'trunc(ih*min(1,1080/min(iw,ih))/2)*2'%s",
		    frame_turn(run)),
		NULL };
	static const char *const none[] = { NULL };
	const bool as_it_is = m->playable && run->turn == 0;
	static const char *const output[] = { "-map", "0:V:0", "-map", "0:a:0?", "-c:a", "aac",
		"-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-fflags",
		"+bitexact", "-f", "mp4", NULL };
	const char *const *parts[] = { as_it_is ? copy : encode, as_it_is ? none : filters,
		output };
	struct child_result result;
	struct stat st;
	size_t n = 18;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (const char *const *p = parts[i]; *p != NULL; p++)
			argv[n++] = *p;
	argv[n] = path;
	if (!child_run(argv, media_seconds_left(run, MOTION_SECONDS), NULL, NULL, &result, err))
		return false;
	if (result.status != 0 || stat(path, &st) != 0 || st.st_size == 0) {
		if (stat(path, &st) == 0)
			media_discard(path);
		return probe_unreadable(run, result.messages, err);
	}
	media_asset_add(run, MOTION_ASSET, "video/mp4", run->width, run->height);
	return true;
}
