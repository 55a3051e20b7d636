#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "media/box.h"
#include "media/bytes.h"
#include "media/jpeg.h"
#include "media/mapped.h"
#include "media/media.h"
#include "media/picture.h"
#include "media/raw.h"
#include "media/sniff.h"
#include "media/tiff.h"

#include "core/banned.h"

#define RAF_SIGNATURE "FUJIFILMCCD-RAW "
#define RAF_JPEG 84 /* offset and size of the picture, big-endian */
#define RAF_HEADER 92
#define EMBEDDED "embedded.jpg"
#define ORIENTATION_AT 28 /* in the segment that write_jpeg() adds */
#define COMPRESSION_NONE 1
#define COMPRESSION_JPEG_OLD 6
#define COMPRESSION_JPEG 7
#define PHOTOMETRIC_RGB 2

/* A picture within the file. */
struct found {
	const unsigned char *data; /* NULL: none yet */
	size_t size;
	int width, height;
	bool jpeg; /* otherwise bare RGB */
};

static bool
at(const unsigned char *b, size_t size, size_t offset, const char *bytes, size_t n)
{
	return offset + n <= size && memcmp(b + offset, bytes, n) == 0;
}

static bool
made_by(const struct tiff *t, size_t first, const char *make)
{
	struct tiff_entry e;

	return tiff_find(t, first, TIFF_MAKE, &e) && e.type == 2 && e.size >= strlen(make) &&
	    memcmp(t->data + e.at, make, strlen(make)) == 0;
}

static bool
is_reduced(const struct tiff *t, size_t directory)
{
	return (tiff_get(t, directory, TIFF_SUBFILE_TYPE, 0) & 1) != 0;
}

static enum raw_kind
detect_tiff(const unsigned char *b, size_t size)
{
	struct tiff_entry e;
	struct tiff t;
	size_t first;

	if (!tiff_open(b, size, &t, &first))
		return RAW_NONE;
	if (at(b, size, 2, "RO", 2) || at(b, size, 2, "RS", 2) || at(b, size, 2, "OR", 2))
		return RAW_ORF;
	if (at(b, size, 2, "U\0", 2))
		return RAW_RW2;
	if (at(b, size, 8, "CR\2", 3))
		return RAW_CR2;
	if (tiff_find(&t, first, TIFF_DNG_VERSION, &e))
		return RAW_DNG;
	if (!is_reduced(&t, first) || !tiff_find(&t, first, TIFF_SUB_DIRECTORIES, &e))
		return RAW_NONE;
	return made_by(&t, first, "NIKON") ? RAW_NEF :
	    made_by(&t, first, "SONY")     ? RAW_ARW :
					     RAW_NONE;
}

enum raw_kind
raw_detect(const unsigned char *b, size_t size)
{
	if (at(b, size, 0, RAF_SIGNATURE, strlen(RAF_SIGNATURE)))
		return RAW_RAF;
	if (at(b, size, 4, "ftypcrx ", 8))
		return RAW_CR3;
	return detect_tiff(b, size);
}

bool
raw_is_stamp(const unsigned char *b, size_t size)
{
	struct tiff_entry e;
	struct tiff t;
	size_t first;

	return tiff_open(b, size, &t, &first) && is_reduced(&t, first) &&
	    tiff_find(&t, first, TIFF_SUB_DIRECTORIES, &e);
}

static void
keep_larger(struct found *best, const struct found *other)
{
	if ((int64_t)other->width * other->height > (int64_t)best->width * best->height)
		*best = *other;
}

static void
take_jpeg(const unsigned char *data, size_t size, struct found *best)
{
	struct jpeg j;

	if (jpeg_read(data, size, &j) && !j.lossless)
		keep_larger(best, &(const struct found) { data, j.end, j.width, j.height, true });
}

static void
take_range(const struct tiff *t, size_t from, size_t size, struct found *best)
{
	if (from < t->size && size <= t->size - from)
		take_jpeg(t->data + from, size, best);
}

/* Bare RGB whose strips follow each other. */
static void
take_rgb(const struct tiff *t, size_t directory, const struct tiff_entry *offsets,
    const struct tiff_entry *sizes, struct found *best)
{
	struct tiff_entry bits;
	uint64_t w = tiff_get(t, directory, TIFF_WIDTH, 0),
		 h = tiff_get(t, directory, TIFF_HEIGHT, 0);
	size_t from = tiff_number(t, offsets, 0), to = from;

	if (tiff_get(t, directory, TIFF_PHOTOMETRIC, 0) != PHOTOMETRIC_RGB ||
	    tiff_get(t, directory, TIFF_SAMPLES, 1) != 3 ||
	    tiff_get(t, directory, TIFF_PLANAR, 1) != 1 ||
	    !tiff_find(t, directory, TIFF_BITS, &bits) || tiff_number(t, &bits, 0) != 8)
		return;
	for (uint32_t i = 0; i < offsets->count && i < sizes->count; i++) {
		if (tiff_number(t, offsets, i) != to)
			return;
		to += tiff_number(t, sizes, i);
	}
	if (w == 0 || h == 0 || w > INT16_MAX || h > INT16_MAX || to > t->size ||
	    to - from < w * h * 3)
		return;
	keep_larger(best,
	    &(const struct found) { t->data + from, w * h * 3, (int)w, (int)h, false });
}

static void
take_directory(const struct tiff *t, size_t directory, struct found *best)
{
	uint32_t compression = tiff_get(t, directory, TIFF_COMPRESSION, COMPRESSION_NONE);
	struct tiff_entry offsets, sizes;

	take_range(t, tiff_get(t, directory, TIFF_JPEG_AT, 0),
	    tiff_get(t, directory, TIFF_JPEG_SIZE, 0), best);
	if (tiff_find(t, directory, TIFF_PANASONIC_JPEG, &offsets) && offsets.type == 7)
		take_range(t, offsets.at, offsets.size, best);
	if (!tiff_find(t, directory, TIFF_STRIP_OFFSETS, &offsets) ||
	    !tiff_find(t, directory, TIFF_STRIP_SIZES, &sizes))
		return;
	if (compression == COMPRESSION_NONE)
		take_rgb(t, directory, &offsets, &sizes, best);
	else if ((compression == COMPRESSION_JPEG_OLD || compression == COMPRESSION_JPEG) &&
	    offsets.count == 1)
		take_range(t, tiff_number(t, &offsets, 0), tiff_number(t, &sizes, 0), best);
}

/* All directories: the chain, and those below. As many as there may be, so no loop lasts. */
static void
search_directories(const struct tiff *t, size_t first, struct found *best)
{
	size_t todo[RAW_DIRECTORIES_MAX] = { first }, n = 1, next;
	struct tiff_entry e;

	for (size_t i = 0; i < n; i++) {
		take_directory(t, todo[i], best);
		next = tiff_next(t, todo[i]);
		if (next != 0 && n < RAW_DIRECTORIES_MAX)
			todo[n++] = next;
		if (!tiff_find(t, todo[i], TIFF_SUB_DIRECTORIES, &e))
			continue;
		for (uint32_t s = 0; s < e.count && n < RAW_DIRECTORIES_MAX; s++)
			todo[n++] = tiff_number(t, &e, s);
	}
}

/* Where no directory says where pictures are: ORF has that in a note of its maker. */
static void
search_bytes(const unsigned char *b, size_t size, struct found *best)
{
	const unsigned char *p = b, *end = b + size;
	struct jpeg j;

	while ((p = memmem(p, (size_t)(end - p), "\xff\xd8\xff", 3)) != NULL) {
		if (jpeg_read(p, (size_t)(end - p), &j) && j.whole && !j.lossless) {
			take_jpeg(p, (size_t)(end - p), best);
			p += j.end;
		} else {
			p += 3;
		}
	}
}

static void
search(const unsigned char *b, size_t size, struct found *best)
{
	enum raw_kind kind = raw_detect(b, size);
	struct tiff t;
	size_t first;

	if (kind == RAW_RAF) {
		if (size >= RAF_HEADER && bytes_big(b + RAF_JPEG, 4) < size)
			take_jpeg(b + bytes_big(b + RAF_JPEG, 4), size - bytes_big(b + RAF_JPEG, 4),
			    best);
		return;
	}
	if (kind != RAW_CR3 && tiff_open(b, size, &t, &first))
		search_directories(&t, first, best);
	if (kind == RAW_CR3 || kind == RAW_ORF)
		search_bytes(b, size, best);
}

static bool
write_all(int fd, const unsigned char *b, size_t n)
{
	ssize_t wrote;

	for (; n > 0; b += wrote, n -= (size_t)wrote) {
		wrote = write(fd, b, n);
		if (wrote < 0 && errno == EINTR)
			wrote = 0;
		if (wrote < 0)
			return false;
	}
	return true;
}

/*
 * The picture as a file. One without EXIF of its own is turned as the raw file says, which is put
 * in front of it.
 */
static bool
write_jpeg(struct media_run *run, const struct found *f, int orientation, struct error *err)
{
	unsigned char turned[] =
	    "\xff\xe1\0\x22"
	    "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0";
	const char *path = media_out_path(run, EMBEDDED);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct jpeg j;
	bool ok;

	if (fd < 0)
		return error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	turned[ORIENTATION_AT] = (unsigned char)orientation;
	ok = write_all(fd, f->data, 2);
	if (jpeg_read(f->data, f->size, &j) && j.exif == NULL && orientation > 1)
		ok = ok && write_all(fd, turned, sizeof(turned) - 1);
	ok = ok && write_all(fd, f->data + 2, f->size - 2);
	if (close(fd) != 0 || !ok)
		return error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	return true;
}

static int
orientation_of(const struct mapped *m)
{
	struct tiff t;
	size_t first;
	uint32_t v = 1;

	if (tiff_open(m->data, m->size, &t, &first))
		v = tiff_get(&t, first, TIFF_ORIENTATION, 1);
	return v >= 1 && v <= 8 ? (int)v : 1;
}

bool
raw_open(struct media_run *run, const struct mapped *m, struct picture *pic, struct error *err)
{
	struct found best = { .data = NULL };
	const char *path;

	search(m->data, m->size, &best);
	if (best.data == NULL ||
	    (best.width > best.height ? best.width : best.height) < RAW_SIDE_MIN)
		return error_slug(err, ERR_UNPROCESSABLE, "raw_without_picture",
		    "This %s file has no picture in it that could be shown. Export it as JPEG and"
		    " upload that.",
		    run->type->label);
	if (!best.jpeg)
		return picture_from_pixels(run,
		    &(const struct picture_pixels) { best.data, best.width, best.height, 3 },
		    orientation_of(m), pic, err);
	if (!write_jpeg(run, &best, orientation_of(m), err))
		return false;
	path = media_out_path(run, EMBEDDED);
	return picture_open(run, path, "VipsForeignLoadJpeg", pic, err);
}

void
raw_close(struct media_run *run)
{
	const char *path = media_out_path(run, EMBEDDED);

	if (access(path, F_OK) == 0)
		media_discard(path);
}
