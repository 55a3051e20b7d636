#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "media/media.h"
#include "media/picture.h"
#include "media/look.h"
#include "media/thumbhash.h"
#include "media/webp.h"

#include "core/banned.h"

/* libvips writes larger pictures to a file; the sandbox limits memory instead */
#define DISC_THRESHOLD "4g"

#define JPEG_LOADER "VipsForeignLoadJpeg"
#define PART_ROWS 16 /* rows that are tried at a time in a picture that is cut off */

static const int sizes[] = { 1280, 640, 320 };
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static const char *const loaders[] = { JPEG_LOADER, "VipsForeignLoadPng", "VipsForeignLoadWebp",
	"VipsForeignLoadNsgif", "VipsForeignLoadHeif", "VipsForeignLoadTiff" };

bool
picture_start(struct error *err)
{
	setenv("VIPS_DISC_THRESHOLD", DISC_THRESHOLD, 1);
	setenv("VIPS_WARNING", "0", 1); /* important warnings are returned as errors */
	if (VIPS_INIT("medianest-media") != 0)
		return error_slug(err, ERR_INTERNAL, "internal", "libvips could not be started.");
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_block_untrusted_set(TRUE);
	vips_operation_block_set("VipsForeignLoad", TRUE);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		vips_operation_block_set(loaders[i], FALSE);
	return true;
}

static void
unref(void *object)
{
	g_object_unref(object);
}

static void *
owned(struct media_run *run, void *object)
{
	arena_defer(run->pictures, unref, object);
	return object;
}

/* libvips reports errors only as text. */
static bool
vips_failed(struct media_run *run, struct error *err)
{
	static const char *const cut[] = { "premature", "truncated", "end of file", "end-of-file",
		"end of stream", "too short", "unexpected end", "out of data", "read error", "eof",
		"insufficient" };
	char *lower = str_lower(run->arena, vips_error_buffer());

	vips_error_clear();
	if (strstr(lower, "out of memory") != NULL || strstr(lower, "unable to allocate") != NULL ||
	    strstr(lower, "memory allocation") != NULL) {
		error_slug(err, ERR_UNPROCESSABLE, "resource_limit",
		    "The picture needs more memory than is allowed for one file.");
		return error_detail(err, "%s", lower);
	}
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		if (strstr(lower, cut[i]) == NULL)
			continue;
		error_slug(err, ERR_UNPROCESSABLE, "truncated",
		    "The picture is incomplete. Upload the file again.");
		return error_detail(err, "%s", lower);
	}
	if (strstr(lower, "not supported") != NULL || strstr(lower, "unsupported") != NULL)
		error_slug(err, ERR_UNPROCESSABLE, "unsupported_type",
		    "This variant of the picture's format is not supported. Upload the picture in"
		    " another format.");
	else
		error_slug(err, ERR_UNPROCESSABLE, "unreadable",
		    "The picture is damaged and cannot be read. Check the original file.");
	return error_detail(err, "%s", lower);
}

/*
 * libvips reads loader options from the end of a file name. Empty options keep it from finding some
 * in the path.
 */
static const char *
plain_name(struct media_run *run, const char *path)
{
	return arena_printf(run->arena, "%s[]", path);
}

/* The loader that libvips chooses must be the one that belongs to the signature. */
static bool
loader_matches(struct media_run *run, const char *path, const char *reader)
{
	const char *found = vips_foreign_find_load(plain_name(run, path));

	if (found == NULL)
		return false;
	if (!str_starts(found, reader)) {
		vips_error("medianest", "%s instead of %s", found, reader);
		return false;
	}
	return true;
}

static int
header_int(VipsImage *image, const char *name, int fallback)
{
	int value = fallback;

	if (vips_image_get_typeof(image, name) != G_TYPE_INT ||
	    vips_image_get_int(image, name, &value) != 0)
		return fallback;
	return value;
}

static const unsigned char *
header_blob(struct media_run *run, VipsImage *image, const char *name, size_t *size)
{
	const void *blob;

	*size = 0;
	if (vips_image_get_typeof(image, name) == 0 ||
	    vips_image_get_blob(image, name, &blob, size) != 0)
		return NULL;
	return arena_memdup(run->arena, blob, *size);
}

static bool
within_limit(const struct media_run *run, const struct picture *pic, struct error *err)
{
	if ((int64_t)pic->width * pic->height <= run->max_pixels)
		return true;
	return error_slug(err, ERR_UNPROCESSABLE, "too_many_pixels",
	    "The picture has %d x %d pixels; the limit is %lld million. Upload a smaller version.",
	    pic->width, pic->height, (long long)(run->max_pixels / 1000000));
}

bool
picture_open(struct media_run *run, const char *path, const char *reader, struct picture *pic,
    struct error *err)
{
	VipsImage *image = NULL;
	bool swap;

	memset(pic, 0, sizeof(*pic));
	pic->path = path;
	pic->reader = reader;
	if (loader_matches(run, path, reader))
		image = vips_image_new_from_file(plain_name(run, path), "access",
		    VIPS_ACCESS_SEQUENTIAL, NULL);
	if (image == NULL)
		return vips_failed(run, err);
	swap = vips_image_get_orientation_swap(image);
	pic->width = swap ? image->Ysize : image->Xsize;
	pic->height = swap ? image->Xsize : image->Ysize;
	pic->frames = header_int(image, VIPS_META_N_PAGES, 1);
	pic->alpha = vips_image_hasalpha(image);
	pic->bits = header_int(image, "heif-bitdepth", (int)vips_format_sizeof(image->BandFmt) * 8);
	pic->exif = header_blob(run, image, VIPS_META_EXIF_NAME, &pic->exif_size);
	pic->xmp = header_blob(run, image, VIPS_META_XMP_NAME, &pic->xmp_size);
	pic->iptc = header_blob(run, image, VIPS_META_IPTC_NAME, &pic->iptc_size);
	pic->profile = vips_image_get_typeof(image, VIPS_META_ICC_NAME) != 0 ||
	    image->Type == VIPS_INTERPRETATION_CMYK;
	g_object_unref(image);
	return within_limit(run, pic, err);
}

bool
picture_from_pixels(struct media_run *run, const struct picture_pixels *p, int orientation,
    struct picture *pic, struct error *err)
{
	VipsImage *image;

	memset(pic, 0, sizeof(*pic));
	image = vips_image_new_from_memory(p->data,
	    (size_t)p->width * (size_t)p->height * (size_t)p->bands, p->width, p->height, p->bands,
	    VIPS_FORMAT_UCHAR);
	if (image == NULL)
		return vips_failed(run, err);
	owned(run, image);
	if (vips_copy(image, &pic->whole, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return vips_failed(run, err);
	owned(run, pic->whole);
	vips_image_set_int(pic->whole, VIPS_META_ORIENTATION, orientation);
	pic->width = orientation >= 5 ? p->height : p->width;
	pic->height = orientation >= 5 ? p->width : p->height;
	pic->alpha = p->bands == 4;
	pic->frames = 1;
	pic->bits = 8;
	return within_limit(run, pic, err);
}

static void
release_pixels(void *data)
{
	g_free(data);
}

/* Copies only the pixels to memory, without the file's other data. */
static bool
strip(struct media_run *run, VipsImage *in, VipsImage **out, struct error *err)
{
	VipsImage *srgb, *bytes, *bare;
	size_t size;
	void *data;

	if (vips_colourspace(in, &srgb, VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return vips_failed(run, err);
	owned(run, srgb);
	if (vips_cast(srgb, &bytes, VIPS_FORMAT_UCHAR, NULL) != 0)
		return vips_failed(run, err);
	owned(run, bytes);
	data = vips_image_write_to_memory(bytes, &size);
	if (data == NULL)
		return vips_failed(run, err);
	arena_defer(run->pictures, release_pixels, data);
	bare = vips_image_new_from_memory(data, size, bytes->Xsize, bytes->Ysize, bytes->Bands,
	    VIPS_FORMAT_UCHAR);
	if (bare == NULL)
		return vips_failed(run, err);
	owned(run, bare);
	if (vips_copy(bare, out, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return vips_failed(run, err);
	owned(run, *out);
	return true;
}

/*
 * At most `width` across once it is turned, upright as its file says, in its own colours where
 * these are of high dynamic range, else in sRGB.
 */
static bool
thumbnail(struct media_run *run, const struct picture *pic, int width, VipsFailOn fail_on,
    VipsImage **out, struct error *err)
{
	bool lies = pic->turn % 180 != 0; /* what is to be turned onto its side lies now */
	int across = lies ? width * PICTURE_TALLEST : width,
	    tallest = lies ? width : width * PICTURE_TALLEST;
	int failed;

	/*
	 * Not from a VipsSource: libvips 8.14 ignores fail_on there and would accept a truncated
	 * picture. Without a profile there is nothing to export from: libvips would take its own
	 * idea of sRGB, which turns blue into violet.
	 */
	if (pic->whole != NULL)
		failed = vips_thumbnail_image(pic->whole, out, across, "height", tallest, "size",
		    VIPS_SIZE_DOWN, pic->profile ? "export_profile" : NULL, "srgb", NULL);
	else if (!loader_matches(run, pic->path, pic->reader))
		failed = -1;
	else
		failed = vips_thumbnail(plain_name(run, pic->path), out, across, "height", tallest,
		    "size", VIPS_SIZE_DOWN, "fail_on", fail_on,
		    pic->profile && !tone_is_hdr(&pic->tone) ? "export_profile" : NULL, "srgb",
		    NULL);
	if (failed != 0)
		return vips_failed(run, err);
	owned(run, *out);
	return true;
}

/* Colours that the container describes, to sRGB. An ICC profile, which libvips knows, decides. */
static bool
to_srgb(struct media_run *run, const struct picture *pic, VipsImage **image, struct error *err)
{
	const struct tone *tone = &pic->tone;
	bool bytes = (*image)->BandFmt == VIPS_FORMAT_UCHAR;
	struct tone_pixels pixels = { .bands = (*image)->Bands,
		.full = bytes      ? 255 :
		    pic->bits < 16 ? 65536 - (1 << (16 - pic->bits)) :
				     65535 };
	VipsImage *out;
	void *data;
	size_t size;

	if (!tone_differs(tone) || (pic->profile && !tone_is_hdr(tone)) ||
	    (!bytes && (*image)->BandFmt != VIPS_FORMAT_USHORT) || pixels.bands < 3 ||
	    pixels.bands > 4)
		return true;
	data = vips_image_write_to_memory(*image, &size);
	if (data == NULL)
		return vips_failed(run, err);
	pixels.data = data;
	pixels.n = (size_t)(*image)->Xsize * (size_t)(*image)->Ysize;
	arena_defer(run->pictures, release_pixels, data);
	out = vips_image_new_from_memory(tone_srgb(run->pictures, tone, &pixels),
	    pixels.n * (size_t)pixels.bands, (*image)->Xsize, (*image)->Ysize, pixels.bands,
	    VIPS_FORMAT_UCHAR);
	if (out == NULL)
		return vips_failed(run, err);
	owned(run, out);
	if (vips_copy(out, image, "interpretation", VIPS_INTERPRETATION_sRGB, NULL) != 0)
		return vips_failed(run, err);
	owned(run, *image);
	return true;
}

bool
picture_decode(struct media_run *run, struct picture *pic, int width, struct error *err)
{
	VipsImage *small;

	return thumbnail(run, pic, width, VIPS_FAIL_ON_TRUNCATED, &small, err) &&
	    to_srgb(run, pic, &small, err) && strip(run, small, &pic->pixels, err);
}

/* libjpeg leaves what it did not read at the grey of the middle. */
static bool
is_unread(const VipsPel *p)
{
	return abs(p[0] - p[1]) <= 3 && abs(p[1] - p[2]) <= 3 && p[1] > 96 && p[1] < 160;
}

/* Is the line of n pixels, `step` bytes apart, of one colour that unread pixels may have? */
static bool
line_unread(const VipsPel *p, int n, size_t step)
{
	for (int i = 0; i < n; i++)
		if (!is_unread(p + step * (size_t)i) || memcmp(p, p + step * (size_t)i, 3) != 0)
			return false;
	return true;
}

/*
 * The part of a JPEG that is not there, from the edge where it ends: the lower one, or another one
 * if the picture has been turned.
 */
static double
unread_part(VipsImage *image)
{
	size_t pel = (size_t)image->Bands, row = pel * (size_t)image->Xsize;
	int w = image->Xsize, h = image->Ysize, n[4] = { 0 };
	const VipsPel *b;

	if (image->Bands < 3 || vips_image_wio_input(image) != 0)
		return 0;
	b = VIPS_IMAGE_ADDR(image, 0, 0);
	while (n[0] < h && line_unread(b + row * (size_t)(h - 1 - n[0]), w, pel))
		n[0]++;
	while (n[1] < h && line_unread(b + row * (size_t)n[1], w, pel))
		n[1]++;
	while (n[2] < w && line_unread(b + pel * (size_t)(w - 1 - n[2]), h, row))
		n[2]++;
	while (n[3] < w && line_unread(b + pel * (size_t)n[3], h, row))
		n[3]++;
	return fmax((double)VIPS_MAX(n[0], n[1]) / h, (double)VIPS_MAX(n[2], n[3]) / w);
}

/* How many rows from the top can be decoded. */
static int
height_there(struct media_run *run, const struct picture *pic)
{
	VipsImage *image = vips_image_new_from_file(plain_name(run, pic->path), "access",
	    VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
	VipsRegion *region = image != NULL ? vips_region_new(image) : NULL;
	VipsRect rows = { 0, 0, 0, PART_ROWS };

	if (region != NULL) {
		rows.width = image->Xsize;
		for (; rows.top < image->Ysize; rows.top += rows.height) {
			rows.height = VIPS_MIN(PART_ROWS, image->Ysize - rows.top);
			if (vips_region_prepare(region, &rows) != 0)
				break;
		}
		g_object_unref(region);
	}
	if (image != NULL)
		g_object_unref(image);
	vips_error_clear();
	return rows.top;
}

/* The rows that are there, on a canvas of the whole size. */
static bool
on_canvas(struct media_run *run, const struct picture *pic, int rows, VipsImage **out,
    struct error *err)
{
	VipsImage *image = vips_image_new_from_file(plain_name(run, pic->path), "access",
	    VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL);
	VipsImage *top;

	if (image == NULL)
		return vips_failed(run, err);
	owned(run, image);
	if (vips_extract_area(image, &top, 0, 0, image->Xsize, rows, NULL) != 0)
		return vips_failed(run, err);
	owned(run, top);
	if (vips_embed(top, out, 0, 0, image->Xsize, image->Ysize, "extend", VIPS_EXTEND_BLACK,
		NULL) != 0)
		return vips_failed(run, err);
	owned(run, *out);
	return true;
}

static bool
decode_jpeg_part(struct media_run *run, struct picture *pic, int width, double *shown,
    struct error *err)
{
	VipsImage *small;

	if (!thumbnail(run, pic, width, VIPS_FAIL_ON_NONE, &small, err) ||
	    !strip(run, small, &pic->pixels, err))
		return false;
	*shown = 1 - unread_part(pic->pixels);
	return true;
}

bool
picture_decode_part(struct media_run *run, struct picture *pic, int width, double *shown,
    struct error *err)
{
	struct error cut = *err;
	int rows, height = pic->height;

	*shown = 0;
	error_clear(err);
	if (pic->whole == NULL && str_eq(pic->reader, JPEG_LOADER)) {
		if (!decode_jpeg_part(run, pic, width, shown, err))
			return false;
	} else if (pic->whole == NULL && (rows = height_there(run, pic)) > 0) {
		VipsImage *canvas;

		if (!on_canvas(run, pic, rows, &canvas, err))
			return false;
		height = vips_image_get_orientation_swap(canvas) ? pic->width : pic->height;
		*shown = (double)rows / height;
		pic->whole = canvas;
		if (*shown >= PICTURE_SHOWN_MIN && !picture_decode(run, pic, width, err))
			return false;
	}
	if (*shown >= PICTURE_SHOWN_MIN)
		return true;
	*err = cut;
	return false;
}

bool
picture_turn(struct media_run *run, struct picture *pic, struct error *err)
{
	VipsImage *turned;

	if (pic->turn == 0)
		return true;
	if (vips_rot(pic->pixels, &turned, (VipsAngle)(VIPS_ANGLE_D0 + pic->turn / 90), NULL) != 0)
		return vips_failed(run, err);
	owned(run, turned);
	media_turn_size(run, &pic->width, &pic->height);
	return strip(run, turned, &pic->pixels, err);
}

static bool
shrink(struct media_run *run, VipsImage *in, int width, VipsImage **out, struct error *err)
{
	VipsImage *small;

	if (in->Xsize <= width && in->Ysize <= width * PICTURE_TALLEST) {
		*out = in;
		return true;
	}
	if (vips_thumbnail_image(in, &small, width, "height", width * PICTURE_TALLEST, "size",
		VIPS_SIZE_DOWN, "no_rotate", TRUE, NULL) != 0)
		return vips_failed(run, err);
	owned(run, small);
	return strip(run, small, out, err);
}

static bool
write_file(const char *path, const unsigned char *bytes, size_t n)
{
	FILE *f = fopen(path, "we");
	bool ok;

	if (f == NULL)
		return false;
	ok = fwrite(bytes, 1, n, f) == n;
	return fclose(f) == 0 && ok;
}

static bool
save(struct media_run *run, VipsImage *image, const char *name, struct error *err)
{
	void *bytes = NULL;
	size_t size = 0;

	if (vips_webpsave_buffer(image, &bytes, &size, "Q", PICTURE_QUALITY, "effort",
		PICTURE_EFFORT, "strip", TRUE, NULL) != 0)
		error_detail(err, "%s", vips_error_buffer());
	else
		arena_defer(run->pictures, release_pixels, bytes);
	size = bytes != NULL ? webp_strip(bytes, size) : 0;
	if (size == 0)
		return error_slug(err, ERR_INTERNAL, "internal", "A preview could not be saved.");
	if (!write_file(media_out_path(run, name), bytes, size))
		return error_set(err, ERR_STORAGE_FULL, "A preview could not be written.");
	media_asset_add(run, name, "image/webp", image->Xsize, image->Ysize);
	return true;
}

bool
picture_write(struct media_run *run, const struct picture *pic, const char *name, int width,
    struct error *err)
{
	VipsImage *image;

	return shrink(run, pic->pixels, width, &image, err) && save(run, image, name, err);
}

/* ThumbHash needs RGBA of at most THUMBHASH_SIDE pixels on each side. */
static bool
placeholder(struct media_run *run, VipsImage *in, struct error *err)
{
	unsigned char hash[THUMBHASH_MAX];
	VipsImage *small, *rgba;
	uint64_t look;
	void *data;
	size_t size;

	if (vips_thumbnail_image(in, &small, THUMBHASH_SIDE, "height", THUMBHASH_SIDE, "size",
		VIPS_SIZE_DOWN, "no_rotate", TRUE, NULL) != 0)
		return vips_failed(run, err);
	owned(run, small);
	if (vips_image_hasalpha(small))
		rgba = small;
	else if (vips_bandjoin_const1(small, &rgba, 255, NULL) == 0)
		owned(run, rgba);
	else
		return vips_failed(run, err);
	if (!strip(run, rgba, &rgba, err))
		return false;
	data = vips_image_write_to_memory(rgba, &size);
	if (data == NULL || size < (size_t)rgba->Xsize * (size_t)rgba->Ysize * 4)
		return error_slug(err, ERR_INTERNAL, "internal",
		    "The placeholder could not be created.");
	run->thumbhash =
	    base64_encode(run->arena, hash, thumbhash_encode(rgba->Xsize, rgba->Ysize, data, hash));
	if (look_of(data, rgba->Xsize, rgba->Ysize, &look))
		run->look = arena_printf(run->arena, "%016llx", (unsigned long long)look);
	g_free(data);
	return true;
}

bool
picture_thumbnails(struct media_run *run, struct picture *pic, struct error *err)
{
	VipsImage *image = pic->pixels;

	for (size_t i = 0; i < NSIZES; i++) {
		/* Write a size only if the picture is wider than the next smaller one. */
		if (i + 1 < NSIZES && pic->width <= sizes[i + 1])
			continue;
		if (!shrink(run, image, sizes[i], &image, err) ||
		    !save(run, image, arena_printf(run->arena, "%d.webp", sizes[i]), err))
			return false;
	}
	return placeholder(run, image, err);
}

bool
picture_sprite(struct media_run *run, struct picture *tiles, size_t n, int columns, int tile_w,
    int tile_h, const char *name, struct error *err)
{
	VipsImage *images[MEDIA_TILES_MAX], *sheet;
	size_t i;

	for (i = 0; i < n && i < MEDIA_TILES_MAX; i++) {
		if (vips_gravity(tiles[i].pixels, &images[i], VIPS_COMPASS_DIRECTION_CENTRE, tile_w,
			tile_h, NULL) != 0)
			return vips_failed(run, err);
		owned(run, images[i]);
	}
	if (vips_arrayjoin(images, &sheet, (int)i, "across", columns < (int)i ? columns : (int)i,
		NULL) != 0)
		return vips_failed(run, err);
	owned(run, sheet);
	return save(run, sheet, name, err);
}
