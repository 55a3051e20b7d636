#include "media/part.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <webp/decode.h>

#include "core/arena.h"
#include "core/error.h"
#include "media/mapped.h"
#include "media/media.h"
#include "media/picture.h"

#include "core/banned.h"

static bool
within(const struct media_run *run, int64_t width, int64_t height)
{
	return width > 0 && height > 0 && width <= run->max_pixels / height;
}

/* All black, or transparent; NULL: not so much memory. */
static unsigned char *
canvas(struct media_run *run, size_t width, size_t height, size_t bands)
{
	unsigned char *pixels = calloc(height, width * bands);

	if (pixels != NULL)
		arena_defer(run->pictures, free, pixels);
	return pixels;
}

static void
free_webp(void *decoder)
{
	WebPIDelete(decoder);
}

bool
part_webp(struct media_run *run, const struct mapped *file, struct picture *pic, double *shown,
    struct error *err)
{
	WebPDecoderConfig config;
	WebPRGBABuffer *out = &config.output.u.RGBA;
	WebPIDecoder *decoder;
	int bands, rows = 0;

	if (!WebPInitDecoderConfig(&config) ||
	    WebPGetFeatures(file->data, file->size, &config.input) != VP8_STATUS_OK ||
	    config.input.has_animation || !within(run, config.input.width, config.input.height))
		return false;
	bands = config.input.has_alpha ? 4 : 3;
	config.output.colorspace = bands == 4 ? MODE_RGBA : MODE_RGB;
	config.output.is_external_memory = 1;
	out->stride = config.input.width * bands;
	out->size = (size_t)out->stride * (size_t)config.input.height;
	out->rgba =
	    canvas(run, (size_t)config.input.width, (size_t)config.input.height, (size_t)bands);
	if (out->rgba == NULL || (decoder = WebPINewDecoder(&config.output)) == NULL)
		return false;
	arena_defer(run->pictures, free_webp, decoder);
	(void)WebPIUpdate(decoder, file->data, file->size);
	if (WebPIDecGetRGB(decoder, &rows, NULL, NULL, NULL) == NULL)
		return false;
	*shown = (double)rows / config.input.height;
	return *shown >= PICTURE_SHOWN_MIN &&
	    picture_from_pixels(run,
		&(const struct picture_pixels) {
		    out->rgba, config.input.width, config.input.height, bands },
		1, pic, err);
}

struct png_part {
	struct media_run *run;
	unsigned char *pixels;
	size_t width, height, bands, stride;
	size_t there; /* pixels that have come */
};

/* Pixels of a row in a pass of Adam7 (PNG, section 8.2). */
static size_t
pass_width(size_t width, int pass)
{
	size_t start = PNG_PASS_START_COL(pass), shift = PNG_PASS_COL_SHIFT(pass);

	return width <= start ? 0 : ((width - start - 1) >> shift) + 1;
}

/* libpng calls these; what goes wrong in one leaves by longjmp. */
static void
png_header(png_structp png, png_infop info)
{
	struct png_part *p = png_get_progressive_ptr(png);

	p->width = png_get_image_width(png, info);
	p->height = png_get_image_height(png, info);
	if (png_get_interlace_type(png, info) != PNG_INTERLACE_ADAM7 ||
	    !within(p->run, (int64_t)p->width, (int64_t)p->height))
		png_error(png, "not for us");
	png_set_expand(png);
	png_set_strip_16(png);
	png_set_gray_to_rgb(png);
	png_set_interlace_handling(png);
	png_read_update_info(png, info);
	p->bands = png_get_channels(png, info);
	p->stride = p->width * p->bands;
	if (p->bands < 3 || png_get_rowbytes(png, info) != p->stride ||
	    (p->pixels = canvas(p->run, p->width, p->height, p->bands)) == NULL)
		png_error(png, "no memory");
}

static void
png_row(png_structp png, png_bytep row, png_uint_32 number, int pass)
{
	struct png_part *p = png_get_progressive_ptr(png);

	if (row == NULL || number >= p->height)
		return;
	/* A row of a pass stands for those around it until they come. */
	png_progressive_combine_row(png, p->pixels + number * p->stride, row);
	if (PNG_ROW_IN_INTERLACE_PASS(number, pass))
		p->there += pass_width(p->width, pass);
}

static void
png_silent(png_structp png, png_const_charp text)
{
}

static void
png_leave(png_structp png, png_const_charp text)
{
	png_longjmp(png, 1);
}

static void
png_feed(struct png_part *p, const struct mapped *file)
{
	png_structp png =
	    png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_leave, png_silent);
	png_infop info = png != NULL ? png_create_info_struct(png) : NULL;

	if (info != NULL && setjmp(png_jmpbuf(png)) == 0) {
		png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
		png_set_crc_action(png, PNG_CRC_WARN_DISCARD, PNG_CRC_QUIET_USE);
		png_set_progressive_read_fn(png, p, png_header, png_row, NULL);
		png_process_data(png, info, file->data, file->size);
	}
	png_destroy_read_struct(&png, &info, NULL);
}

bool
part_png(struct media_run *run, const struct mapped *file, struct picture *pic, double *shown,
    struct error *err)
{
	struct png_part p = { .run = run };
	struct picture before = *pic;

	png_feed(&p, file);
	if (p.pixels == NULL)
		return false;
	*shown = (double)p.there / ((double)p.width * (double)p.height);
	if (*shown < PICTURE_SHOWN_MIN ||
	    !picture_from_pixels(run,
		&(const struct picture_pixels) {
		    p.pixels, (int)p.width, (int)p.height, (int)p.bands },
		1, pic, err))
		return false;
	/* Bare pixels: a profile of the file is not attached to them. */
	before.whole = pic->whole;
	before.profile = false;
	before.bits = 8;
	*pic = before;
	return true;
}

#define GIF_HEADER 13
#define GIF_TABLE(flags) (((flags) & 0x80) != 0 ? 3u << (((flags) & 7) + 1) : 0u)
#define GIF_IMAGE 10 /* from its mark to its own table of colours */

/* The place behind sub-blocks that begin at `at`; 0: they do not end (GIF89a, section 15). */
static size_t
gif_blocks_end(const unsigned char *b, size_t size, size_t at)
{
	while (at < size && b[at] != 0) {
		if (size - at <= b[at])
			return 0;
		at += 1 + (size_t)b[at];
	}
	return at < size ? at + 1 : 0;
}

bool
gif_is_cut(const unsigned char *b, size_t size)
{
	size_t at = GIF_HEADER;

	if (size < GIF_HEADER || memcmp(b, "GIF8", 4) != 0)
		return false;
	at += GIF_TABLE(b[10]);
	while (at < size && (b[at] == ',' || b[at] == '!')) {
		bool image = b[at] == ',';

		if (image && size - at < GIF_IMAGE)
			return true;
		at += image ? GIF_IMAGE + GIF_TABLE(b[at + 9]) + 1 : 2;
		at = gif_blocks_end(b, size, at);
		if (at == 0)
			return true;
	}
	return false;
}
