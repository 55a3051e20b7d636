#include "service/processing/taken.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/clock.h"
#include "core/str.h"

#include "core/banned.h"

#define EARLIEST "1970-01-02T00:00:00" /* of a name */
#define EARLIEST_MS 946684800000LL     /* 2000: smaller numbers are not times */
#define YEAR_DIGITS 4
#define MS_DIGITS 13

/*
 * How programs name files: a prefix, of which the case does not matter, then a shape.
 *
 *	YYYY MM DD hh mm ss	digits		h	one or two digits
 *	E			Unix time in milliseconds, of 13 digits
 *
 * anything else stands for itself. What follows a shape is no digit, unless the row says so.
 */
#define UTC 1u   /* the program writes the time of UTC */
#define MORE 2u  /* digits follow: of the second's fraction, or a number */
#define WHOLE 4u /* nothing follows but blanks and the ending */
static const struct name_pattern {
	const char *prefix, *shape;
	unsigned flags;
} patterns[] = {
	/* WhatsApp: a day and a number */
	{ "IMG-", "YYYYMMDD-WA", MORE },
	{ "VID-", "YYYYMMDD-WA", MORE },
	{ "STK-", "YYYYMMDD-WA", MORE },
	{ "WhatsApp Image ", "YYYY-MM-DD at h.mm.ss", 0 },
	{ "WhatsApp Video ", "YYYY-MM-DD at h.mm.ss", 0 },
	{ "PHOTO-", "YYYY-MM-DD-hh-mm-ss", 0 },
	{ "VIDEO-", "YYYY-MM-DD-hh-mm-ss", 0 },
	/* Pixel phones */
	{ "PXL_", "YYYYMMDD_hhmmss", UTC | MORE },
	/* phones and cameras */
	{ "IMG_", "YYYYMMDD_hhmmss", MORE },
	{ "IMG_", "YYYYMMDDhhmmss", 0 },
	{ "IMG-", "YYYYMMDD-hhmmss", 0 },
	{ "IMG_", "YYYY-MM-DD-hh-mm-ss", MORE },
	{ "IMG", "YYYYMMDDhhmmss", 0 },
	{ "VID_", "YYYYMMDD_hhmmss", MORE },
	{ "VID_", "YYYYMMDDhhmmss", 0 },
	{ "VID", "YYYYMMDDhhmmss", 0 },
	{ "VID-", "YYYYMMDD-hhmmss", 0 },
	{ "MVIMG_", "YYYYMMDD_hhmmss", MORE },
	{ "PANO_", "YYYYMMDD_hhmmss", MORE },
	{ "BURST", "YYYYMMDDhhmmss", MORE },
	{ "DSC_", "YYYYMMDD_hhmmss", MORE },
	{ "SAVE_", "YYYYMMDD_hhmmss", 0 },
	{ "Photo_", "YYYYMMDD_hhmmss", 0 },
	{ "CIMG_", "YYYYMMDD_hhmmss", 0 },
	{ "C360_", "YYYY-MM-DD-hh-mm-ss", MORE },
	{ "WIN_", "YYYYMMDD_hh_mm_ss", 0 },
	{ "DJI_", "YYYYMMDDhhmmss", 0 },
	{ "DJI_", "YYYYMMDD_hhmmss", 0 },
	{ "Snapchat-", "YYYYMMDDhhmmss", 0 },
	{ "TRIM_", "YYYYMMDD_hhmmss", 0 },
	/* pictures of screens */
	{ "Screenshot_", "YYYYMMDD-hhmmss", MORE },
	{ "Screenshot_", "YYYYMMDD_hhmmss", MORE },
	{ "Screenshot_", "YYYY-MM-DD-hh-mm-ss", MORE },
	{ "Screenshot-", "YYYYMMDD-hhmmss", 0 },
	{ "Screenshot from ", "YYYY-MM-DD hh-mm-ss", 0 },
	{ "Screenshot ", "YYYY-MM-DD at h.mm.ss", 0 },
	{ "Screenshot ", "YYYY-MM-DD hh-mm-ss", 0 },
	{ "Screenshot ", "YYYY-MM-DD hhmmss", 0 },
	{ "Screen Shot ", "YYYY-MM-DD at h.mm.ss", 0 },
	{ "Screen Recording ", "YYYY-MM-DD at h.mm.ss", 0 },
	{ "Screenrecorder-", "YYYY-MM-DD-hh-mm-ss", MORE },
	{ "Screen_Recording_", "YYYYMMDD-hhmmss", 0 },
	{ "Screenrecording_", "YYYYMMDD_hhmmss", 0 },
	{ "screen-", "YYYYMMDD-hhmmss", 0 },
	{ "SVID_", "YYYYMMDD_hhmmss", 0 },
	{ "Bildschirmfoto ", "YYYY-MM-DD um h.mm.ss", 0 },
	/* messengers and clouds */
	{ "signal-", "YYYY-MM-DD-hhmmss", MORE },
	{ "signal-", "YYYY-MM-DD-hh-mm-ss", MORE },
	{ "photo_", "YYYY-MM-DD_hh-mm-ss", 0 },
	{ "video_", "YYYY-MM-DD_hh-mm-ss", 0 },
	{ "photo_", "E", UTC },
	{ "FB_IMG_", "E", UTC },
	{ "mmexport", "E", UTC },
	{ "IMG_", "E", UTC },
	{ "VID_", "E", UTC },
	{ "image_", "E", UTC },
	{ "Camera_", "E", UTC },
	{ "", "E", UTC | WHOLE },
	/* names that begin with the time */
	{ "", "YYYYMMDD_hhmmss", MORE },
	{ "", "YYYYMMDD-hhmmss", MORE },
	{ "", "YYYYMMDDhhmmss", 0 },
	{ "", "YYYY-MM-DD hh.mm.ss", 0 },
	{ "", "YYYY-MM-DD_hh-mm-ss", 0 },
	{ "", "YYYY-MM-DD_hh.mm.ss", 0 },
	{ "", "YYYY-MM-DD-hh-mm-ss", 0 },
	{ "", "YYYY-MM-DD hh-mm-ss", 0 },
	{ "", "YYYY-MM-DDThh-mm-ss", 0 },
	{ "", "YYYY-MM-DDThh_mm_ss", 0 },
	/* a day alone */
	{ "IMG_", "YYYYMMDD", WHOLE },
	{ "IMG_", "YYYYMMDD_", MORE },
	{ "", "YYYY-MM-DD", 0 },
	{ "", "YYYY_MM_DD", 0 },
	{ "", "YYYY.MM.DD", 0 },
	{ "", "YYYYMMDD", WHOLE },
};

struct reading {
	int64_t year, month, day, hour, minute, second, ms;
	bool has_time, has_ms, twelve;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
digits(const char **s, size_t least, size_t most, int64_t *value)
{
	size_t n;

	*value = 0;
	for (n = 0; n < most && is_digit(**s); n++)
		*value = *value * 10 + *(*s)++ - '0';
	return n >= least;
}

/* Reads one element of a shape; *shape moves past it. */
static bool
element(const char **shape, const char **s, struct reading *r)
{
	struct {
		const char *mark;
		size_t least, most;
		int64_t *value;
	} const elements[] = {
		{ "YYYY", YEAR_DIGITS, YEAR_DIGITS, &r->year },
		{ "MM", 2, 2, &r->month },
		{ "DD", 2, 2, &r->day },
		{ "hh", 2, 2, &r->hour },
		{ "h.", 1, 2, &r->hour },
		{ "mm", 2, 2, &r->minute },
		{ "ss", 2, 2, &r->second },
		{ "E", MS_DIGITS, MS_DIGITS, &r->ms },
	};

	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
		size_t n = strlen(elements[i].mark);

		if (strncmp(*shape, elements[i].mark, n) != 0)
			continue;
		r->has_time |= elements[i].value == &r->hour;
		r->has_ms |= elements[i].value == &r->ms;
		r->twelve |= elements[i].least != elements[i].most;
		/* the point of "h." stands for itself */
		*shape += elements[i].least != elements[i].most ? n - 1 : n;
		return digits(s, elements[i].least, elements[i].most, elements[i].value);
	}
	return *(*s)++ == *(*shape)++;
}

/* "9.41.07 PM", as some systems write it: after a blank, or a narrow no-break space. */
static void
afternoon(const char **s, struct reading *r)
{
	static const char *const blanks[] = { " ", "\xe2\x80\xaf", "\xc2\xa0" };

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		size_t n = strlen(blanks[i]);
		const char *p = *s + n;

		if (strncmp(*s, blanks[i], n) != 0 ||
		    (strncasecmp(p, "AM", 2) != 0 && strncasecmp(p, "PM", 2) != 0) || r->hour < 1 ||
		    r->hour > 12)
			continue;
		r->hour = r->hour % 12 + (*p == 'P' || *p == 'p' ? 12 : 0);
		*s = p + 2;
		return;
	}
}

static bool
ends(const char *s, unsigned flags)
{
	s += (flags & MORE) != 0 ? strspn(s, "0123456789") : 0;
	if (is_digit(*s))
		return false;
	return (flags & WHOLE) == 0 || *s == '\0' || strchr(" .(", *s) != NULL;
}

static bool
matches(const struct name_pattern *pattern, const char *name, struct reading *r)
{
	size_t n = strlen(pattern->prefix);
	const char *s = name + n, *shape = pattern->shape;

	*r = (struct reading) { .hour = 12 };
	if (strncasecmp(name, pattern->prefix, n) != 0)
		return false;
	while (*shape != '\0')
		if (*s == '\0' || !element(&shape, &s, r))
			return false;
	if (r->twelve)
		afternoon(&s, r);
	return ends(s, pattern->flags);
}

/* False: there is no such day, or it is too early or too late to be meant. */
static bool
meant(const struct reading *r, unsigned flags, int64_t latest, struct taken *out)
{
	char text[64];
	int64_t us, earliest;

	if (r->has_ms) {
		us = r->ms * US_PER_MS;
		if (r->ms < EARLIEST_MS)
			return false;
	} else {
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", (int)r->year,
		    (int)r->month, (int)r->day, (int)r->hour, (int)r->minute, (int)r->second);
		if (!time_parse_local(text, &us) || !time_parse_local(EARLIEST, &earliest) ||
		    us < earliest)
			return false;
	}
	if (us > latest)
		return false;
	*out = (struct taken) { .source = TAKEN_NAME, .offset = TAKEN_OFFSET_NONE };
	if ((flags & UTC) != 0)
		out->at = us;
	else
		out->local = us;
	return true;
}

bool
taken_from_name(const char *filename, int64_t latest, struct taken *out)
{
	struct reading r;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (matches(&patterns[i], filename, &r) &&
		    meant(&r, patterns[i].flags, latest, out))
			return true;
	return false;
}

struct taken
taken_choose(const struct taken_clues *c)
{
	int64_t latest = c->uploaded_at + TAKEN_AHEAD_US;
	const struct taken *f = c->file;
	struct taken t;

	if (f->source != NULL && f->at <= latest && f->local <= latest)
		return *f;
	if (c->filename != NULL && taken_from_name(c->filename, latest, &t))
		return t;
	t = (struct taken) {
		.source = TAKEN_UPLOADED, .at = c->uploaded_at, .offset = TAKEN_OFFSET_NONE
	};
	if (c->modified_at != 0 && c->modified_at <= latest) {
		t.source = TAKEN_MODIFIED;
		t.at = c->modified_at;
	}
	return t;
}

struct taken
taken_of_kind(const char *kind, const struct taken_clues *c)
{
	return str_eq(kind, "audio") ? (struct taken) { .offset = TAKEN_OFFSET_NONE } :
				       taken_choose(c);
}
