#include <stdio.h>
#include <string.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/json.h"
#include "core/str.h"
#include "media/exif.h"
#include "media/media.h"
#include "media/photo.h"
#include "media/picture.h"
#include "media/sniff.h"

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

bool
photo_process(struct media_run *run, struct error *err)
{
	struct picture pic;
	struct exif exif;
	bool has_exif;

	if (!picture_open(run, run->file, run->type->reader, &pic, err))
		return false;
	run->kind = MEDIA_IMAGE;
	run->width = pic.width;
	run->height = pic.height;
	json_put_str(run->metadata, "format", run->type->label);
	if (pic.frames > 1)
		json_put_int(run->metadata, "frames", pic.frames);
	if (pic.alpha)
		json_put_bool(run->metadata, "transparent", true);
	if (pic.bits > 8)
		json_put_int(run->metadata, "bits", pic.bits);
	has_exif = pic.exif != NULL && exif_parse(pic.exif, pic.exif_size, &exif);
	if (has_exif)
		put_exif(run, &exif);
	date_of_photo(&(const struct date_blocks) { has_exif ? &exif : NULL, pic.xmp, pic.iptc,
			  pic.xmp_size, pic.iptc_size },
	    &run->taken);
	media_step(run, "inspect", "done", NULL);

	media_step(run, "thumbnails", "started", NULL);
	if (!picture_decode(run, &pic, PICTURE_WIDEST, err) || !picture_thumbnails(run, &pic, err))
		return false;
	media_step(run, "thumbnails", "done", NULL);
	return true;
}
