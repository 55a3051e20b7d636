#include <config.h>

#include "media/dates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/str.h"
#include "media/exif.h"

#include "core/banned.h"

#define MINUTE_US (60 * US_PER_SEC)
#define OFFSET_MAX (18 * 60) /* minutes, as in RFC 3339 and beyond every zone */
/* a satellite's time this far from a whole zone is not of the moment of the photo */
#define FIX_AGE_MAX (5 * MINUTE_US)
#define YEAR_1971 (365 * 86400 * US_PER_SEC)
#define XMP_VALUE_MAX 64
#define NOON "12:00:00"

/* One or two digits, of which the first may be a blank. */
static bool
two(const char **s, int *value)
{
	const char *p = *s;

	if ((p[0] != ' ' && (p[0] < '0' || p[0] > '9')) || p[1] < '0' || p[1] > '9')
		return false;
	*value = (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
	*s += 2;
	return true;
}

static bool
one_of(const char **s, const char *set)
{
	if (**s == '\0' || strchr(set, **s) == NULL)
		return false;
	++*s;
	return true;
}

/* "14:00:00", or without seconds in the short form. */
static bool
read_time(const char **s, bool short_form, int hms[3])
{
	hms[2] = 0;
	if (!two(s, &hms[0]) || !one_of(s, ":") || !two(s, &hms[1]))
		return false;
	if (short_form && **s != ':')
		return true;
	if (!one_of(s, ":") || !two(s, &hms[2]))
		return false;
	if (one_of(s, ".,"))
		*s += strspn(*s, "0123456789");
	return true;
}

/* A clock that was never set, or a field that was never written. */
static bool
means_unknown(int64_t local)
{
	static const char *const epochs[] = { "1904-01-01T00:00:00", "1970-01-01T00:00:00" };
	int64_t epoch;

	for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++)
		if (time_parse_local(epochs[i], &epoch) && epoch == local)
			return true;
	return false;
}

static bool
build(const int ymd[3], const int hms[3], int64_t *local)
{
	char text[64];

	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", ymd[0], ymd[1], ymd[2],
	    hms[0], hms[1], hms[2]);
	return time_parse_local(text, local) && !means_unknown(*local);
}

bool
date_read(const char *s, bool short_form, struct media_taken *out)
{
	int ymd[3], hms[3] = { 12, 0, 0 }, century;

	memset(out, 0, sizeof(*out));
	out->offset = DATE_OFFSET_NONE;
	s += strspn(s, " \t\r\n");
	if (!two(&s, &century) || !two(&s, &ymd[0]) || !one_of(&s, ":-/.") || !two(&s, &ymd[1]) ||
	    !one_of(&s, ":-/.") || !two(&s, &ymd[2]))
		return false;
	ymd[0] += century * 100;
	if (*s == '\0' && short_form)
		return (out->has_local = build(ymd, hms, &out->local));
	if (!one_of(&s, " T") || !read_time(&s, short_form, hms))
		return false;
	(void)date_offset_read(s, &out->offset);
	return (out->has_local = build(ymd, hms, &out->local));
}

bool
date_offset_read(const char *s, int *minutes)
{
	int sign, hours, rest = 0;
	const char *p = s + strspn(s, " ");

	if ((p[0] == 'Z' || p[0] == 'z') && p[1 + strspn(p + 1, " ")] == '\0') {
		*minutes = 0;
		return true;
	}
	if (*p != '+' && *p != '-')
		return false;
	sign = *p++ == '-' ? -1 : 1;
	if (!two(&p, &hours)) {
		if (*p < '0' || *p > '9')
			return false;
		hours = *p++ - '0';
	}
	(void)one_of(&p, ":");
	if (*p >= '0' && *p <= '9' && !two(&p, &rest))
		return false;
	if (p[strspn(p, " ")] != '\0' || rest > 59 || hours * 60 + rest > OFFSET_MAX)
		return false;
	*minutes = sign * (hours * 60 + rest);
	return true;
}

/* --- EXIF --------------------------------------------------------------------------------- */

/* What clocks are set to: whole hours from -12 to +14, and the zones between them. */
static bool
is_zone(int minutes)
{
	static const int between[] = { -570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630,
		765, 825 };

	if (minutes % 60 == 0)
		return minutes >= -12 * 60 && minutes <= 14 * 60;
	for (size_t i = 0; i < sizeof(between) / sizeof(between[0]); i++)
		if (minutes == between[i])
			return true;
	return false;
}

/* The offset between a wall clock and the satellites' time, if it is one of a zone. */
static int
offset_by_gps(int64_t local, int64_t at)
{
	int64_t apart = local - at, rest;
	int minutes;

	if (llabs(apart) > OFFSET_MAX * MINUTE_US)
		return DATE_OFFSET_NONE;
	minutes =
	    (int)((apart + (apart < 0 ? -1 : 1) * (15 * MINUTE_US / 2)) / (15 * MINUTE_US)) * 15;
	rest = llabs(apart - minutes * MINUTE_US);
	return is_zone(minutes) && rest <= FIX_AGE_MAX ? minutes : DATE_OFFSET_NONE;
}

static bool
gps_instant(const struct exif *x, int64_t *at)
{
	struct media_taken day;

	if (!x->gps_time || x->gps_date[0] == '\0' || !date_read(x->gps_date, true, &day))
		return false;
	*at = day.local - day.local % (86400 * US_PER_SEC) +
	    (int64_t)(x->gps_seconds * (double)US_PER_SEC);
	return *at > YEAR_1971;
}

/* The dates of a block, in the order in which they count, each with the tag of its offset. */
struct exif_dates {
	struct media_taken dates[3];
	int offsets[3];
	bool found[3];
};
enum { ORIGINAL, DIGITIZED, CHANGED };

static void
read_exif(const struct exif *x, struct exif_dates *d)
{
	const char *const dates[] = { x->taken, x->digitized, x->changed },
			  *const offsets[] = { x->offset, x->offset_digitized, x->offset_changed };

	for (size_t i = 0; i < 3; i++) {
		d->found[i] = date_read(dates[i], false, &d->dates[i]);
		if (!date_offset_read(offsets[i], &d->offsets[i]))
			d->offsets[i] = DATE_OFFSET_NONE;
	}
}

/*
 * The offset of the chosen date: of its own tag, else of another tag whose date says the same or
 * cannot be read; but OffsetTime belongs to DateTime, so it counts only where both say the same.
 */
static int
offset_of(const struct exif_dates *d, int which)
{
	if (d->offsets[which] != DATE_OFFSET_NONE)
		return d->offsets[which];
	if (d->dates[which].offset != DATE_OFFSET_NONE)
		return d->dates[which].offset;
	for (int i = 0; i < 3; i++) {
		bool same = d->found[i] && d->dates[i].local == d->dates[which].local;

		if (d->offsets[i] != DATE_OFFSET_NONE && (same || (i != CHANGED && !d->found[i])))
			return d->offsets[i];
	}
	return DATE_OFFSET_NONE;
}

static bool
take_exif(const struct exif *x, const struct exif_dates *d, int which, struct media_taken *out)
{
	int64_t at;

	if (!d->found[which])
		return false;
	*out = d->dates[which];
	out->source = "exif";
	out->offset = offset_of(d, which);
	if (out->offset == DATE_OFFSET_NONE && which != CHANGED && gps_instant(x, &at))
		out->offset = offset_by_gps(out->local, at);
	return true;
}

/* --- XMP and IPTC ------------------------------------------------------------------------- */

static const char *
find(const char *from, const char *end, const char *what)
{
	return from < end ? memmem(from, (size_t)(end - from), what, strlen(what)) : NULL;
}

/* What follows a name: ="value" of an attribute, or >value< of an element. */
static bool
xmp_value(const char *p, const char *end, char out[XMP_VALUE_MAX])
{
	const char *stop;
	char close = '<';
	size_t n;

	while (p < end && (*p == ' ' || *p == '=' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	if (p >= end || (*p != '"' && *p != '\'' && *p != '>'))
		return false;
	if (*p != '>')
		close = *p;
	p++;
	n = (size_t)(end - p);
	stop = memchr(p, close, n < XMP_VALUE_MAX ? n : XMP_VALUE_MAX);
	n = stop != NULL ? (size_t)(stop - p) : 0;
	if (n == 0 || n >= XMP_VALUE_MAX)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

/* A scan, not a parser: the packet is hostile, and only a date that reads as one counts. */
static bool
take_xmp(const struct date_blocks *b, struct media_taken *out)
{
	static const char *const names[] = { "exif:DateTimeOriginal", "photoshop:DateCreated",
		"xmp:CreateDate", "exif:DateTimeDigitized" };
	const char *packet = (const char *)b->xmp, *end = packet + b->xmp_size, *p;
	char value[XMP_VALUE_MAX];

	if (b->xmp == NULL)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (p = packet; (p = find(p, end, names[i])) != NULL;) {
			p += strlen(names[i]);
			if (xmp_value(p, end, value) && date_read(value, true, out)) {
				out->source = "xmp";
				return true;
			}
		}
	return false;
}

/* The text of a data set of record 2, which begins with 1C 02, its number and its length. */
static bool
iptc_text(const struct date_blocks *b, int number, size_t size, char *out)
{
	const char mark[] = { 0x1c, 2, (char)number, 0, (char)size };
	const unsigned char *p =
	    b->iptc == NULL ? NULL : memmem(b->iptc, b->iptc_size, mark, sizeof(mark));

	if (p == NULL || (size_t)(b->iptc + b->iptc_size - p) < sizeof(mark) + size)
		return false;
	memcpy(out, p + sizeof(mark), size);
	out[size] = '\0';
	return true;
}

/* Date Created "20240701" and Time Created "140000+0200". */
static bool
take_iptc(const struct date_blocks *b, struct media_taken *out)
{
	char date[9], time[12] = "", text[40];

	if (!iptc_text(b, 55, 8, date))
		return false;
	if (iptc_text(b, 60, 11, time))
		snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s%.5s", date, date + 4,
		    date + 6, time, time + 2, time + 4, time + 6);
	else
		snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", date, date + 4, date + 6);
	if (!date_read(text, true, out))
		return false;
	out->source = "iptc";
	return true;
}

/* --- the choice --------------------------------------------------------------------------- */

/*
 * What says when the shutter was released comes first, of whatever standard; EXIF's DateTime is
 * often the last edit of a scan.
 */
void
date_of_photo(const struct date_blocks *b, struct media_taken *out)
{
	struct exif_dates d = { 0 };

	if (b->exif != NULL)
		read_exif(b->exif, &d);
	if (take_exif(b->exif, &d, ORIGINAL, out) || take_exif(b->exif, &d, DIGITIZED, out) ||
	    take_xmp(b, out) || take_iptc(b, out) || take_exif(b->exif, &d, CHANGED, out))
		return;
	memset(out, 0, sizeof(*out));
	out->offset = DATE_OFFSET_NONE;
	if (b->exif != NULL && gps_instant(b->exif, &out->at)) {
		out->source = "gps";
		out->has_at = true;
	}
}

#define TAKEOUT_TIME "\"photoTakenTime\""
#define TAKEOUT_SECONDS "\"timestamp\""
#define TAKEOUT_NEAR 200 /* bytes between the two */
#define UNIX_DIGITS 11

/* {"photoTakenTime": {"timestamp": "1720000000", ...}} */
static bool
take_takeout(const char *text, const char *end, struct media_taken *out)
{
	const char *p = find(text, end, TAKEOUT_TIME), *stop;
	char digits[UNIX_DIGITS + 1];
	int64_t seconds;
	size_t n = 0;

	if (p == NULL)
		return false;
	stop = end - p > TAKEOUT_NEAR ? p + TAKEOUT_NEAR : end;
	p = find(p, stop, TAKEOUT_SECONDS);
	if (p == NULL)
		return false;
	for (p += strlen(TAKEOUT_SECONDS); p < stop && *p != '\0' && strchr(": \"\n", *p) != NULL;)
		p++;
	for (; p < stop && *p >= '0' && *p <= '9' && n < UNIX_DIGITS; p++)
		digits[n++] = *p;
	digits[n] = '\0';
	if ((p < stop && *p >= '0' && *p <= '9') ||
	    !str_to_int(digits, 1, INT64_MAX / US_PER_SEC, &seconds))
		return false;
	memset(out, 0, sizeof(*out));
	out->at = seconds * US_PER_SEC;
	out->has_at = true;
	out->offset = DATE_OFFSET_NONE;
	return true;
}

bool
date_of_sidecar(const unsigned char *text, size_t size, struct media_taken *out)
{
	const struct date_blocks blocks = { .xmp = text, .xmp_size = size };

	if (!take_xmp(&blocks, out) &&
	    !take_takeout((const char *)text, (const char *)text + size, out))
		return false;
	out->source = "sidecar";
	return true;
}

/* Many recorders write their epoch, 1904 or 1970, for 'unknown'; some the first day after it. */
static bool
recorded(const struct media_taken *t)
{
	return t->local > YEAR_1971;
}

void
date_of_video(const struct date_tags *tags, struct media_taken *out)
{
	if ((tags->apple != NULL && date_read(tags->apple, false, out) && recorded(out)) ||
	    (tags->day != NULL && date_read(tags->day, false, out) && recorded(out) &&
		out->offset != DATE_OFFSET_NONE)) {
		out->source = "container";
		return;
	}
	if (tags->created != NULL && date_read(tags->created, false, out) && recorded(out)) {
		/* QuickTime and Matroska count from an instant of UTC. */
		out->at = out->local;
		out->has_at = true;
		out->has_local = false;
		out->offset = DATE_OFFSET_NONE;
		out->source = "container";
		return;
	}
	memset(out, 0, sizeof(*out));
	out->offset = DATE_OFFSET_NONE;
}

void
date_report(struct json *j, const struct media_taken *t)
{
	char local[TIME_LOCAL_MAX];

	if (t->source == NULL)
		return;
	json_object(j, "taken");
	json_put_str(j, "source", t->source);
	if (t->has_at)
		json_put_time(j, "at", t->at);
	if (t->has_local) {
		time_local(t->local, local);
		json_put_str(j, "local", local);
	}
	if (t->offset != DATE_OFFSET_NONE)
		json_put_int(j, "offset", t->offset);
	json_object_end(j);
}
