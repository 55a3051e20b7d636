/*
 * Fuzz target: the parsers of medianest-media that are our own: signatures, EXIF, WebP chunks, the
 * directories of raw photographs, segments of JPEGs, boxes, tags of songs.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/arena.h"
#include "media/charset.h"
#include "media/container.h"
#include "media/cr3.h"
#include "media/dates.h"
#include "media/exif.h"
#include "media/heic_part.h"
#include "media/jpeg.h"
#include "media/mapped.h"
#include "media/media.h"
#include "media/motion.h"
#include "media/mpeg_audio.h"
#include "media/part.h"
#include "media/raw.h"
#include "media/sniff.h"
#include "media/tags.h"
#include "media/webp.h"

#include "core/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* It writes into the bytes. */
static void
fill_heic(struct arena *arena, const unsigned char *b, size_t size)
{
	struct mapped file = { arena_alloc(arena, size + 1), size };
	struct media_run run = { .arena = arena };
	struct heic_part part;

	memcpy(file.data, b, size);
	if (heic_fill(&run, &file, &part) && (part.n == 0 || part.shown < 0 || part.shown > 1))
		abort();
}

static void
containers(const unsigned char *b, size_t size)
{
	struct arena arena;
	struct jpeg jpeg;
	struct motion clip;
	struct tone tone;
	size_t n;

	arena_init(&arena);
	(void)raw_detect(b, size);
	(void)raw_is_stamp(b, size);
	if (jpeg_read(b, size, &jpeg) && jpeg.end > size)
		abort();
	if (motion_find(b, size, &clip) && (clip.at > size || clip.size > size - clip.at))
		abort();
	(void)heif_tone(b, size, &tone);
	if (size > 8 && png_tone(b, size, &tone) && tone.primaries > 255)
		abort();
	(void)container_is_cut(b, size);
	(void)gif_is_cut(b, size);
	(void)cr3_exif(&arena, b, size, &n);
	fill_heic(&arena, b, size);
	arena_clear(&arena);
}

/* Every reader of tags takes every file. */
static void
read_tags(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct tags *, int) = { id3_read, flac_read, ogg_read,
		mp4_read, riff_read };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct arena arena;
	struct tags tags;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		arena_init(&arena);
		memset(&tags, 0, sizeof(tags));
		tags.arena = &arena;
		tags_block(&tags);
		readers[i](&tags, fd);
		arena_clear(&arena);
	}
	close(fd);
	arena_init(&arena);
	(void)charset_decode(&arena, charset_guess(&arena, CHARSETS_DEFAULT, data, size), data,
	    size);
	arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size + 1);
	struct exif exif;
	struct media_taken taken;
	size_t n;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	containers(copy, size);
	(void)mpeg_audio_find(copy, size);
	read_tags(copy, size);
	(void)sniff_bytes(copy, size < SNIFF_BYTES ? size : SNIFF_BYTES);
	if (exif_parse(copy, size, &exif)) {
		if (exif.gps &&
		    (exif.latitude < -90 || exif.latitude > 90 || exif.longitude < -180 ||
			exif.longitude > 180))
			abort();
	}
	date_of_photo(&(const struct date_blocks) { &exif, copy, copy, size, size }, &taken);
	/* Stripping a second time changes nothing. */
	n = webp_strip(copy, size);
	if (n > size || (n > 0 && webp_strip(copy, n) != n))
		abort();
	free(copy);
	return 0;
}
