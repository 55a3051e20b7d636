#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vips/vips.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/str.h"
#include "media/media.h"
#include "media/picture.h"
#include "media/thumbhash.h"
#include "media/webp.h"

#include "core/banned.h"

/* libvips writes larger pictures to a file; the sandbox limits memory instead */
#define DISC_THRESHOLD "4g"

static const int sizes[] = { 1280, 640, 320 };
#define NSIZES (sizeof(sizes) / sizeof(sizes[0]))

static const char *const loaders[] = { "VipsForeignLoadJpeg", "VipsForeignLoadPng",
	"VipsForeignLoadWebp", "VipsForeignLoadNsgif", "VipsForeignLoadHeif",
	"VipsForeignLoadTiff" };

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

bool
picture_formats(FILE *out)
{
	static const struct {
		const char *name, *loader;
	} formats[] = { { "jpeg", "jpegload" }, { "png", "pngload" }, { "webp", "webpload" },
		{ "gif", "gifload" }, { "heif", "heifload" }, { "tiff", "tiffload" } };
	struct error err;

	if (!picture_start(&err))
		return false;
	fprintf(out, "libvips %s\n", vips_version_string());
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (vips_type_find("VipsForeignLoad", formats[i].loader) != 0)
			fprintf(out, " %s\n", formats[i].name);
	return fflush(out) == 0;
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

bool
picture_open(struct media_run *run, const char *path, const char *reader, struct picture *pic,
    struct error *err)
{
	VipsImage *image = NULL;
	int64_t pixels;
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
	g_object_unref(image);
	pixels = (int64_t)pic->width * pic->height;
	if (pixels > run->max_pixels)
		return error_slug(err, ERR_UNPROCESSABLE, "too_many_pixels",
		    "The picture has %d x %d pixels; the limit is %lld million. Upload a smaller"
		    " version.",
		    pic->width, pic->height, (long long)(run->max_pixels / 1000000));
	return true;
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

bool
picture_decode(struct media_run *run, struct picture *pic, int width, struct error *err)
{
	VipsImage *small;

	/*
	 * Not from a VipsSource: libvips 8.14 ignores fail_on there and would accept a truncated
	 * picture.
	 */
	if (!loader_matches(run, pic->path, pic->reader) ||
	    vips_thumbnail(plain_name(run, pic->path), &small, width, "height",
		width * PICTURE_TALLEST, "size", VIPS_SIZE_DOWN, "export_profile", "srgb",
		"fail_on", VIPS_FAIL_ON_TRUNCATED, NULL) != 0)
		return vips_failed(run, err);
	owned(run, small);
	return strip(run, small, &pic->pixels, err);
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
