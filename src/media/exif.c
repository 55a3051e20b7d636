#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/str.h"
#include "media/exif.h"
#include "media/tiff.h"

#include "core/banned.h"

enum directory { DIR_IMAGE, DIR_EXIF, DIR_GPS };

/* The i-th rational; 0 for a zero denominator and for other types. */
static double
entry_ratio(const struct tiff *t, const struct tiff_entry *e, uint32_t i)
{
	double num, den;

	if ((e->type != TIFF_RATIONAL && e->type != TIFF_SRATIONAL) || i >= e->count)
		return 0;
	num = tiff_u32(t, e->at + 8 * (size_t)i);
	den = tiff_u32(t, e->at + 8 * (size_t)i + 4);
	return den > 0 ? num / den : 0;
}

static void
entry_text(const struct tiff *t, const struct tiff_entry *e, char out[EXIF_TEXT])
{
	size_t n = e->count, i;

	if (e->type != TIFF_ASCII)
		return;
	if (n > EXIF_TEXT - 1)
		n = EXIF_TEXT - 1;
	memcpy(out, t->data + e->at, n);
	out[n] = '\0';
	for (i = strlen(out);
	    i > 0 && (out[i - 1] == ' ' || out[i - 1] == '\n' || out[i - 1] == '\r'); i--)
		out[i - 1] = '\0';
}

static double
degrees(const struct tiff *t, const struct tiff_entry *e)
{
	return entry_ratio(t, e, 0) + entry_ratio(t, e, 1) / 60 + entry_ratio(t, e, 2) / 3600;
}

struct gps_parts {
	char latitude_ref, longitude_ref;
	double latitude, longitude;
	bool has_latitude, has_longitude, below;
};

static void
take_gps_time(const struct tiff *t, const struct tiff_entry *e, struct exif *x)
{
	double hour = entry_ratio(t, e, 0), minute = entry_ratio(t, e, 1),
	       second = entry_ratio(t, e, 2);

	x->gps_time =
	    e->type == TIFF_RATIONAL && e->count >= 3 && hour < 24 && minute < 60 && second < 61;
	x->gps_seconds = x->gps_time ? hour * 3600 + minute * 60 + second : 0;
}

static void
take_gps(const struct tiff *t, const struct tiff_entry *e, struct exif *x, struct gps_parts *g)
{
	switch (e->tag) {
	case 1: g->latitude_ref = (char)t->data[e->at]; break;
	case 2:
		g->latitude = degrees(t, e);
		g->has_latitude = e->count >= 3;
		break;
	case 3: g->longitude_ref = (char)t->data[e->at]; break;
	case 4:
		g->longitude = degrees(t, e);
		g->has_longitude = e->count >= 3;
		break;
	case 5: g->below = tiff_number(t, e, 0) == 1; break;
	case 6:
		x->altitude = entry_ratio(t, e, 0);
		x->gps_altitude = true;
		break;
	case 7: take_gps_time(t, e, x); break;
	case 29: entry_text(t, e, x->gps_date); break;
	default: break;
	}
}

static void
take_photo(const struct tiff *t, const struct tiff_entry *e, struct exif *x)
{
	switch (e->tag) {
	case 0x829a: x->exposure = entry_ratio(t, e, 0); break;
	case 0x829d: x->aperture = entry_ratio(t, e, 0); break;
	case 0x8827: x->iso = (int)(tiff_number(t, e, 0) & 0x7fffffff); break;
	case 0x9003: entry_text(t, e, x->taken); break;
	case 0x9004: entry_text(t, e, x->digitized); break;
	case 0x9010: entry_text(t, e, x->offset_changed); break;
	case 0x9011: entry_text(t, e, x->offset); break;
	case 0x9012: entry_text(t, e, x->offset_digitized); break;
	case 0x9209: x->flash = tiff_number(t, e, 0) & 1; break;
	case 0x920a: x->focal_length = entry_ratio(t, e, 0); break;
	case 0xa405: x->focal_length_35 = tiff_number(t, e, 0); break;
	case 0xa434: entry_text(t, e, x->lens); break;
	default: break;
	}
}

static void
take_image(const struct tiff *t, const struct tiff_entry *e, struct exif *x)
{
	switch (e->tag) {
	case 0x010e: entry_text(t, e, x->description); break;
	case 0x010f: entry_text(t, e, x->make); break;
	case 0x0110: entry_text(t, e, x->model); break;
	case 0x0112: x->orientation = (int)tiff_number(t, e, 0); break;
	case 0x0131: entry_text(t, e, x->software); break;
	case 0x0132: entry_text(t, e, x->changed); break;
	default: break;
	}
}

/*
 * Reads one directory. Sub-directories are read only from the main one and only once, so that there
 * can be no loop.
 */
static void
read_directory(const struct tiff *t, size_t at, enum directory which, struct exif *x,
    struct gps_parts *g)
{
	struct tiff_entry e;
	unsigned n = tiff_u16(t, at), i;

	if (n > TIFF_ENTRIES_MAX)
		return;
	for (i = 0; i < n; i++) {
		if (!tiff_entry(t, at, i, &e))
			continue;
		if (which == DIR_EXIF)
			take_photo(t, &e, x);
		else if (which == DIR_GPS)
			take_gps(t, &e, x, g);
		else if (e.tag == 0x8769)
			read_directory(t, tiff_number(t, &e, 0), DIR_EXIF, x, g);
		else if (e.tag == 0x8825)
			read_directory(t, tiff_number(t, &e, 0), DIR_GPS, x, g);
		else
			take_image(t, &e, x);
	}
}

bool
exif_parse(const unsigned char *data, size_t size, struct exif *x)
{
	struct gps_parts g = { 0 };
	struct tiff t;
	size_t first;

	memset(x, 0, sizeof(*x));
	if (size >= 6 && memcmp(data, "Exif\0\0", 6) == 0) {
		data += 6;
		size -= 6;
	}
	if (!tiff_open(data, size, &t, &first))
		return false;
	read_directory(&t, first, DIR_IMAGE, x, &g);
	if (x->orientation < 1 || x->orientation > 8)
		x->orientation = 0;
	x->gps = g.has_latitude && g.has_longitude && g.latitude <= 90 && g.longitude <= 180 &&
	    (g.latitude > 0 || g.longitude > 0);
	x->latitude = g.latitude_ref == 'S' ? -g.latitude : g.latitude;
	x->longitude = g.longitude_ref == 'W' ? -g.longitude : g.longitude;
	if (g.below)
		x->altitude = -x->altitude;
	return true;
}
