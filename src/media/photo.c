#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/container.h"
#include "media/cr3.h"
#include "media/exif.h"
#include "media/heic_part.h"
#include "media/live.h"
#include "media/mapped.h"
#include "media/media.h"
#include "media/motion.h"
#include "media/part.h"
#include "media/photo.h"
#include "media/picture.h"
#include "media/raw.h"
#include "media/sniff.h"
#include "media/tiff.h"

#include "core/banned.h"

/* "1/250", "2.5": as cameras write it, in seconds. */
static const char *
exposure_text(struct media_run *run, double seconds)
{
	if (seconds < 0.3)
		return arena_printf(run->arena, "1/%.0f", 1 / seconds);
	return arena_printf(run->arena, "%.3g", seconds);
}

static void
put_text(struct media_run *run, const char *key, const char *text)
{
	const char *clean = media_text(run, text, strlen(text));

	json_opt_str(run->metadata, key, clean);
}

static void
put_exposure(struct media_run *run, const struct exif *x)
{
	struct json *m = run->metadata;

	if (x->exposure <= 0 && x->aperture <= 0 && x->iso <= 0 && x->focal_length <= 0)
		return;
	json_object(m, "exposure");
	if (x->exposure > 0)
		json_put_str(m, "time", exposure_text(run, x->exposure));
	if (x->aperture > 0)
		json_put_num(m, "aperture", x->aperture);
	if (x->iso > 0)
		json_put_int(m, "iso", x->iso);
	if (x->focal_length > 0)
		json_put_num(m, "focalLength", x->focal_length);
	if (x->focal_length_35 > 0)
		json_put_num(m, "focalLength35", x->focal_length_35);
	json_put_bool(m, "flash", x->flash);
	json_object_end(m);
}

/* The place is stored in the row, for the owner; derived files do not contain it. */
static void
put_gps(struct media_run *run, const struct exif *x)
{
	struct json *m = run->metadata;

	if (!x->gps)
		return;
	json_object(m, "gps");
	json_put_num(m, "latitude", x->latitude);
	json_put_num(m, "longitude", x->longitude);
	if (x->gps_altitude)
		json_put_num(m, "altitude", x->altitude);
	json_object_end(m);
}

static void
put_exif(struct media_run *run, const struct exif *x)
{
	struct json *m = run->metadata;

	if (x->make[0] != '\0' || x->model[0] != '\0') {
		json_object(m, "camera");
		put_text(run, "make", x->make);
		put_text(run, "model", x->model);
		json_object_end(m);
	}
	put_text(run, "lens", x->lens);
	put_text(run, "software", x->software);
	put_text(run, "description", x->description);
	put_exposure(run, x);
	put_gps(run, x);
}

/* Raw photographs are opened by the picture in them. */
static bool
open_photo(struct media_run *run, struct mapped *file, struct picture *pic, struct error *err)
{
	if (sniff_is_raw(run->type) ||
	    (str_eq(run->type->extension, "tif") && raw_is_stamp(file->data, file->size)))
		return raw_open(run, file, pic, err);
	return picture_open(run, run->file, run->type->reader, pic, err);
}

/* What libvips does not read: EXIF of TIFF files and PNG, colours of PNG and HEIF. */
static void
read_container(struct media_run *run, const struct mapped *file, struct picture *pic)
{
	const char *ending = run->type->extension;
	const unsigned char *exif;
	struct tiff tiff;
	size_t n;

	if (str_eq(ending, "png")) {
		png_tone(file->data, file->size, &pic->tone);
		exif = png_chunk(file->data, file->size, "eXIf", &n);
		if (exif != NULL) {
			pic->exif = exif;
			pic->exif_size = n;
		}
	} else if (str_eq(ending, "heic") || str_eq(ending, "avif")) {
		heif_tone(file->data, file->size, &pic->tone);
	} else if (str_eq(ending, "cr3")) {
		pic->exif = cr3_exif(run->arena, file->data, file->size, &pic->exif_size);
	} else if (tiff_open(file->data, file->size, &tiff, &n)) {
		/* such a file is an EXIF block itself, but for the signatures of some makers */
		file->data[2] = tiff.big_endian ? 0 : 42;
		file->data[3] = tiff.big_endian ? 42 : 0;
		pic->exif = file->data;
		pic->exif_size = file->size;
	}
}

/* A file that was cut off is told apart from one that is damaged: sending it again helps. */
static bool
failed(const struct mapped *file, struct error *err)
{
	if (!str_eq(error_slug_of(err), "unreadable") || !container_is_cut(file->data, file->size))
		return false;
	return error_slug(err, ERR_UNPROCESSABLE, "truncated",
	    "The picture is incomplete. Upload the file again.");
}

static void
incomplete(struct media_run *run, double shown)
{
	run->incomplete = true;
	json_put_num(run->metadata, "shown", floor(shown * 100) / 100);
}

/* A WebP that is cut off cannot even be opened by libvips. */
static bool
open_part(struct media_run *run, const struct mapped *file, struct picture *pic, struct error *err)
{
	double shown;

	if (!container_is_cut(file->data, file->size) || !part_webp(run, file, pic, &shown, err))
		return false;
	incomplete(run, shown);
	return true;
}

/* After picture_decode() has failed. */
static bool
decode_part(struct media_run *run, const struct mapped *file, struct picture *pic, double *shown,
    struct error *err)
{
	if (picture_decode_part(run, pic, PICTURE_WIDEST, shown, err))
		return true;
	return str_eq(run->type->extension, "png") && part_png(run, file, pic, shown, err) &&
	    picture_decode(run, pic, PICTURE_WIDEST, err);
}

/* HEIC that is cut off is opened with tiles in place of those that are missing. */
static bool
open_heic(struct media_run *run, struct mapped *file, struct heic_part *part, struct picture *pic,
    struct error *err)
{
	const char *path;

	if (!str_eq(run->type->extension, "heic") || !heic_fill(run, file, part))
		return false;
	path = heic_write(run, file, err);
	if (path == NULL || !picture_open(run, path, run->type->reader, pic, err)) {
		part->n = 0;
		return false;
	}
	incomplete(run, part->shown);
	return true;
}

static bool
open_any(struct media_run *run, struct mapped *file, struct heic_part *part, struct picture *pic,
    struct error *err)
{
	error_clear(err);
	if (open_heic(run, file, part, pic, err))
		return true;
	/* A full disk is no fault of the file. */
	return err->code != ERR_STORAGE_FULL &&
	    (open_photo(run, file, pic, err) || open_part(run, file, pic, err));
}

static bool
decode(struct media_run *run, const struct mapped *file, const struct heic_part *part,
    struct picture *pic, struct error *err)
{
	double shown;

	if (part->n > 0)
		return picture_decode(run, pic, PICTURE_WIDEST, err) &&
		    heic_blacken(run, part, pic, err);
	if (picture_decode(run, pic, PICTURE_WIDEST, err)) {
		run->incomplete |= gif_is_cut(file->data, file->size);
		return true;
	}
	failed(file, err);
	if (!str_eq(error_slug_of(err), "truncated") || !decode_part(run, file, pic, &shown, err))
		return false;
	incomplete(run, shown);
	return true;
}

static void
put_details(struct media_run *run, const struct picture *pic)
{
	struct json *m = run->metadata;
	struct exif exif;
	bool has_exif;

	json_put_str(m, "format", run->type->label);
	if (pic->frames > 1)
		json_put_int(m, "frames", pic->frames);
	if (pic->alpha)
		json_put_bool(m, "transparent", true);
	if (pic->bits > 8)
		json_put_int(m, "bits", pic->bits);
	if (tone_is_hdr(&pic->tone))
		json_put_bool(m, "hdr", true);
	has_exif = pic->exif != NULL && exif_parse(pic->exif, pic->exif_size, &exif);
	if (has_exif)
		put_exif(run, &exif);
	date_of_photo(&(const struct date_blocks) { has_exif ? &exif : NULL, pic->xmp, pic->iptc,
			  pic->xmp_size, pic->iptc_size },
	    &run->taken);
	people_of_xmp(run, pic->xmp, pic->xmp_size);
	if (pic->exif != NULL)
		run->content_id = live_photo_id(run, pic->exif, pic->exif_size);
}

/* A clip that cannot be read leaves the photo as it is. */
static bool
motion(struct media_run *run, const struct mapped *file, struct error *err)
{
	struct motion clip;
	struct error why;

	if (!motion_find(file->data, file->size, &clip))
		return true;
	media_step(run, "preview", "started", NULL);
	error_clear(&why);
	if (motion_write(run, &clip, &why))
		media_step(run, "preview", "done", NULL);
	else
		media_step(run, "preview", "failed", why.message);
	/* No fault of the file: the item would never have it. The job runs again. */
	if (why.code == ERR_STORAGE_FULL)
		*err = why;
	return why.code != ERR_STORAGE_FULL;
}

bool
photo_process(struct media_run *run, struct error *err)
{
	struct heic_part part = { .n = 0 };
	struct mapped file;
	struct picture pic;

	if (!mapped_open(run->arena, run->file, &file))
		return error_slug(err, ERR_INTERNAL, "internal", "The file could not be opened.");
	if (!open_any(run, &file, &part, &pic, err))
		return failed(&file, err);
	run->kind = MEDIA_IMAGE;
	run->width = pic.width;
	run->height = pic.height;
	media_turn_size(run, &run->width, &run->height);
	pic.turn = run->turn;
	read_container(run, &file, &pic);
	put_details(run, &pic);
	media_step(run, "inspect", "done", NULL);
	if (run->inspect)
		return true;

	media_step(run, "thumbnails", "started", NULL);
	if (!decode(run, &file, &part, &pic, err) || !picture_turn(run, &pic, err) ||
	    !picture_thumbnails(run, &pic, err))
		return failed(&file, err);
	raw_close(run);
	if (part.n > 0)
		media_discard(pic.path);
	media_release_pictures(run);
	media_step(run, "thumbnails", "done", NULL);
	return motion(run, &file, err);
}
