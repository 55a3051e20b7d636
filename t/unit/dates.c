/*
 * Dates of photos and videos: a table of what files say and of what a person expects. Each row is a
 * kind of file that some program writes, or that some library dated wrongly.
 */
#include "core/clock.h"
#include "media/dates.h"
#include "media/exif.h"
#include "t/unit/tap.h"

#include "core/banned.h"

/* The texts of an EXIF block, by the names of its tags. */
struct photo_row {
	const char *what;
	const char *original, *created, *changed; /* DateTimeOriginal, CreateDate, DateTime */
	const char *offset, *offset_created,
	    *offset_time; /* OffsetTimeOriginal, Digitized, OffsetTime */
	const char *gps_date;
	int gps_seconds; /* -1: none */
	const char *xmp, *iptc;
	/* expected: the wall clock, or the instant; minutes, or NONE */
	const char *local, *at;
	int minutes;
	const char *source;
};
#define NONE DATE_OFFSET_NONE
#define NO_GPS .gps_seconds = -1
#define ORIGINAL(text) .original = (text), NO_GPS
#define UNKNOWN .minutes = NONE, .source = NULL
#define EXIF_SAYS(wall, off) .local = (wall), .minutes = (off), .source = "exif"
#define IPTC_DAY \
	"\x1c\x02\x37\x00\x08" \
	"20120520"
#define IPTC_TIME \
	"\x1c\x02\x3c\x00\x0b" \
	"101112+0200"

static const struct photo_row photos[] = {
	{ "DateTimeOriginal alone", ORIGINAL("2023:05:06 12:34:56"),
	    EXIF_SAYS("2023-05-06T12:34:56", NONE) },
	{ "with its offset", ORIGINAL("2023:05:06 12:34:56"), .offset = "+02:00",
	    EXIF_SAYS("2023-05-06T12:34:56", 120) },
	{ "west, half an hour", ORIGINAL("2023:05:06 12:34:56"), .offset = "-03:30",
	    EXIF_SAYS("2023-05-06T12:34:56", -210) },
	{ "an offset of Z", ORIGINAL("2023:05:06 12:34:56"), .offset = "Z",
	    EXIF_SAYS("2023-05-06T12:34:56", 0) },
	{ "an offset of blanks", ORIGINAL("2023:05:06 12:34:56"), .offset = "   :  ",
	    EXIF_SAYS("2023-05-06T12:34:56", NONE) },
	{ "OffsetTime where DateTime is the same", ORIGINAL("2024:07:01 14:00:00"),
	    .changed = "2024:07:01 14:00:00", .offset_time = "+02:00",
	    EXIF_SAYS("2024-07-01T14:00:00", 120) },
	{ "OffsetTime of a later edit in another zone", ORIGINAL("2024:07:01 14:00:00"),
	    .changed = "2024:09:20 08:00:00", .offset_time = "-05:00",
	    EXIF_SAYS("2024-07-01T14:00:00", NONE) },
	{ "the original's offset before OffsetTime", ORIGINAL("2024:07:01 14:00:00"),
	    .changed = "2024:07:01 14:00:00", .offset = "+09:00", .offset_time = "+02:00",
	    EXIF_SAYS("2024-07-01T14:00:00", 540) },
	{ "OffsetTimeDigitized of the same moment", ORIGINAL("2024:07:01 14:00:00"),
	    .created = "2024:07:01 14:00:00", .offset_created = "+02:00",
	    EXIF_SAYS("2024-07-01T14:00:00", 120) },
	{ "OffsetTimeDigitized of a scan", ORIGINAL("1974:07:01 14:00:00"),
	    .created = "2024:07:01 14:00:00", .offset_created = "+02:00",
	    EXIF_SAYS("1974-07-01T14:00:00", NONE) },
	{ "the offset in the text", ORIGINAL("2025:01:08 07:18:55+0200"),
	    EXIF_SAYS("2025-01-08T07:18:55", 120) },
	{ "the offset in the text, with a colon", ORIGINAL("2025:01:08 07:18:55+02:00"),
	    EXIF_SAYS("2025-01-08T07:18:55", 120) },
	{ "the offset in the text, after a blank", ORIGINAL("2025:01:08 07:18:55 -0800"),
	    EXIF_SAYS("2025-01-08T07:18:55", -480) },
	{ "a fraction and an offset in the text", ORIGINAL("2025:01:08 07:18:55.123+02:00"),
	    EXIF_SAYS("2025-01-08T07:18:55", 120) },
	{ "Z in the text", ORIGINAL("2025:01:08 07:18:55Z"), EXIF_SAYS("2025-01-08T07:18:55", 0) },
	{ "a tag before the text", ORIGINAL("2025:01:08 07:18:55+0200"), .offset = "+03:00",
	    EXIF_SAYS("2025-01-08T07:18:55", 180) },
	{ "words behind the time", ORIGINAL("2025:01:08 07:18:55 local"),
	    EXIF_SAYS("2025-01-08T07:18:55", NONE) },
	{ "RFC 3339's separators", ORIGINAL("2025-01-08T07:18:55"),
	    EXIF_SAYS("2025-01-08T07:18:55", NONE) },
	{ "slashes", ORIGINAL("2025/01/08 07:18:55"), EXIF_SAYS("2025-01-08T07:18:55", NONE) },
	{ "blanks before and behind", ORIGINAL("  2025:01:08 07:18:55   "),
	    EXIF_SAYS("2025-01-08T07:18:55", NONE) },
	{ "numbers padded with blanks", ORIGINAL("2009: 1: 2  3: 4: 5"),
	    EXIF_SAYS("2009-01-02T03:04:05", NONE) },
	{ "cut, and CreateDate is whole", ORIGINAL("2022:09:02 14:28:"),
	    .created = "2022:09:02 14:28:00", .offset = "+02:00",
	    EXIF_SAYS("2022-09-02T14:28:00", 120) },
	{ "cut with blanks", ORIGINAL("2022:09:02 14:28:  "), .changed = "2022:09:02 14:28:09",
	    EXIF_SAYS("2022-09-02T14:28:09", NONE) },
	{ "zeros, and DateTime is whole", ORIGINAL("0000:00:00 00:00:00"),
	    .created = "0000:00:00 00:00:00", .changed = "2011:02:03 04:05:06",
	    EXIF_SAYS("2011-02-03T04:05:06", NONE) },
	{ "colons alone", ORIGINAL("    :  :     :  :  "), UNKNOWN },
	{ "empty", ORIGINAL(""), UNKNOWN },
	{ "garbage", ORIGINAL("\x01\xff\x80?"), UNKNOWN },
	{ "a thirteenth month", ORIGINAL("2023:13:06 12:34:56"), UNKNOWN },
	{ "the 31st of February", ORIGINAL("2023:02:31 12:34:56"), .created = "2023:03:01 12:34:56",
	    EXIF_SAYS("2023-03-01T12:34:56", NONE) },
	{ "the 29th of February of a leap year", ORIGINAL("2024:02:29 23:59:59"),
	    EXIF_SAYS("2024-02-29T23:59:59", NONE) },
	{ "24 o'clock", ORIGINAL("2023:02:01 24:00:00"), UNKNOWN },
	{ "the epoch of Unix", ORIGINAL("1970:01:01 00:00:00"), UNKNOWN },
	{ "the epoch of QuickTime", ORIGINAL("1904:01:01 00:00:00"), UNKNOWN },
	{ "a photo of 1912", ORIGINAL("1912:04:10 12:00:00"),
	    EXIF_SAYS("1912-04-10T12:00:00", NONE) },
	{ "a day without a time", ORIGINAL("2023:05:06"), UNKNOWN },
	{ "CreateDate alone", .created = "2019:05:06 07:08:09", NO_GPS,
	    EXIF_SAYS("2019-05-06T07:08:09", NONE) },
	{ "DateTime alone", .changed = "2019:05:06 07:08:09", NO_GPS,
	    EXIF_SAYS("2019-05-06T07:08:09", NONE) },
	{ "DateTime with OffsetTime", .changed = "2019:05:06 07:08:09", .offset_time = "+01:00",
	    NO_GPS, EXIF_SAYS("2019-05-06T07:08:09", 60) },
	{ "the original before all others", ORIGINAL("2001:01:01 01:01:01"),
	    .created = "2002:02:02 02:02:02", .changed = "2003:03:03 03:03:03",
	    EXIF_SAYS("2001-01-01T01:01:01", NONE) },

	{ "the offset by the satellites", .original = "2024:07:01 00:30:00",
	    .gps_date = "2024:06:30", .gps_seconds = 81000, EXIF_SAYS("2024-07-01T00:30:00", 120) },
	{ "a fix that is a minute old", .original = "2024:07:01 14:01:02", .gps_date = "2024:07:01",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-01T14:01:02", 120) },
	{ "a fix that is twenty minutes old", .original = "2024:07:01 14:20:00",
	    .gps_date = "2024:07:01", .gps_seconds = 43200,
	    EXIF_SAYS("2024-07-01T14:20:00", NONE) },
	{ "Nepal", .original = "2024:07:01 17:45:00", .gps_date = "2024:07:01",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-01T17:45:00", 345) },
	{ "Newfoundland", .original = "2024:07:01 09:30:00", .gps_date = "2024:07:01",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-01T09:30:00", -150) },
	{ "no zone is a quarter past", .original = "2024:07:01 14:15:00", .gps_date = "2024:07:01",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-01T14:15:00", NONE) },
	{ "a satellite's day with dashes", .original = "2024:07:01 14:00:00",
	    .gps_date = "2024-07-01", .gps_seconds = 43200, EXIF_SAYS("2024-07-01T14:00:00", 120) },
	{ "a fix of last week", .original = "2024:07:08 14:00:00", .gps_date = "2024:07:01",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-08T14:00:00", NONE) },
	{ "a tag before the satellites", .original = "2024:07:01 14:00:00", .offset = "+03:00",
	    .gps_date = "2024:07:01", .gps_seconds = 43200, EXIF_SAYS("2024-07-01T14:00:00", 180) },
	{ "a satellite's time without its day", .original = "2024:07:01 14:00:00",
	    .gps_seconds = 43200, EXIF_SAYS("2024-07-01T14:00:00", NONE) },
	{ "the satellites alone", .gps_date = "2024:06:30", .gps_seconds = 81000,
	    .at = "2024-06-30T22:30:00.000Z", .minutes = NONE, .source = "gps" },

	{ "XMP, an attribute", NO_GPS,
	    .xmp = "<rdf:Description exif:DateTimeOriginal=\"2012-05-20T10:11:12+02:00\"/>",
	    .local = "2012-05-20T10:11:12", .minutes = 120, .source = "xmp" },
	{ "XMP, an element", NO_GPS,
	    .xmp = "<photoshop:DateCreated>2012-05-20T10:11:12</photoshop:DateCreated>",
	    .local = "2012-05-20T10:11:12", .minutes = NONE, .source = "xmp" },
	{ "XMP without seconds", NO_GPS, .xmp = "<x xmp:CreateDate='2012-05-20T10:11Z'>",
	    .local = "2012-05-20T10:11:00", .minutes = 0, .source = "xmp" },
	{ "XMP of a day: noon", NO_GPS, .xmp = "<x photoshop:DateCreated=\"2012-05-20\">",
	    .local = "2012-05-20T12:00:00", .minutes = NONE, .source = "xmp" },
	{ "XMP: the original before the creation", NO_GPS,
	    .xmp = "<x xmp:CreateDate=\"2020-01-01T00:00:01\""
		   " exif:DateTimeOriginal=\"2012-05-20T10:11:12\">",
	    .local = "2012-05-20T10:11:12", .minutes = NONE, .source = "xmp" },
	{ "XMP that is cut", NO_GPS, .xmp = "<x photoshop:DateCreated=\"2012-05-2", UNKNOWN },
	{ "XMP of a day that there is not", NO_GPS, .xmp = "<x xmp:CreateDate=\"2012-15-20\">",
	    UNKNOWN },
	{ "EXIF's original before XMP", ORIGINAL("2023:05:06 12:34:56"),
	    .xmp = "<x photoshop:DateCreated=\"2012-05-20\">",
	    EXIF_SAYS("2023-05-06T12:34:56", NONE) },
	{ "XMP's creation before EXIF's last change", .changed = "2023:05:06 12:34:56", NO_GPS,
	    .xmp = "<x photoshop:DateCreated=\"1974-05-20\">", .local = "1974-05-20T12:00:00",
	    .minutes = NONE, .source = "xmp" },

	{ "IPTC, a day and a time", NO_GPS, .iptc = IPTC_DAY IPTC_TIME,
	    .local = "2012-05-20T10:11:12", .minutes = 120, .source = "iptc" },
	{ "IPTC, a day", NO_GPS, .iptc = "8BIM" IPTC_DAY, .local = "2012-05-20T12:00:00",
	    .minutes = NONE, .source = "iptc" },
	{ "IPTC that is cut", NO_GPS,
	    .iptc = "\x1c\x02\x37\x00\x08"
		    "2012",
	    UNKNOWN },
};

static void
text_of(char to[EXIF_TEXT], const char *text)
{
	snprintf(to, EXIF_TEXT, "%s", text != NULL ? text : "");
}

/* The end of a text that the literal's NULs are a part of. */
static size_t
iptc_size(const struct photo_row *row)
{
	return row->iptc == NULL ? 0 :
	    strcmp(row->source != NULL ? row->source : "", "iptc") != 0 ? 9 :
	    row->minutes == 120 ? sizeof(IPTC_DAY IPTC_TIME) - 1 :
				  sizeof("8BIM" IPTC_DAY) - 1;
}

static void
is_taken(const char *what, const struct media_taken *t, const char *local, const char *at,
    int minutes, const char *source)
{
	char text[RFC3339_MAX] = "";

	is_str(t->source != NULL ? t->source : "unknown", source != NULL ? source : "unknown",
	    "%s: how it is known", what);
	if (local != NULL && t->has_local) {
		time_local(t->local, text);
		is_str(text, local, "%s: the wall clock", what);
	} else if (at != NULL && t->has_at) {
		time_rfc3339(t->at, text);
		is_str(text, at, "%s: the instant", what);
	} else {
		ok(local == NULL && at == NULL && source == NULL, "%s: nothing", what);
	}
	if (source != NULL)
		ok(t->offset == minutes, "%s: offset %d", what, t->offset);
}

static void
test_photo(const struct photo_row *row)
{
	struct exif x = { .gps_time = row->gps_seconds >= 0, .gps_seconds = row->gps_seconds };
	const struct date_blocks blocks = { &x, (const unsigned char *)row->xmp,
		(const unsigned char *)row->iptc, row->xmp != NULL ? strlen(row->xmp) : 0,
		iptc_size(row) };
	struct media_taken t;

	text_of(x.taken, row->original);
	text_of(x.digitized, row->created);
	text_of(x.changed, row->changed);
	text_of(x.offset, row->offset);
	text_of(x.offset_digitized, row->offset_created);
	text_of(x.offset_changed, row->offset_time);
	text_of(x.gps_date, row->gps_date);
	date_of_photo(&blocks, &t);
	is_taken(row->what, &t, row->local, row->at, row->minutes, row->source);
}

static const struct video_row {
	const char *what, *apple, *day, *created;
	const char *local, *at;
	int minutes;
} videos[] = {
	{ "Apple: local time with an offset", "2024-07-01T00:30:00+0200", NULL,
	    "2024-06-30T22:30:00.000000Z", "2024-07-01T00:30:00", NULL, 120 },
	{ "Apple, without an offset", "2024-07-01T00:30:00", NULL, NULL, "2024-07-01T00:30:00",
	    NULL, NONE },
	{ "everybody else: UTC", NULL, NULL, "2024-06-30T22:30:00.000000Z", NULL,
	    "2024-06-30T22:30:00.000Z", NONE },
	{ "'date' with an offset", NULL, "2019-05-06T07:08:09+0900", "2024-06-30T22:30:00Z",
	    "2019-05-06T07:08:09", NULL, 540 },
	{ "'date' of a film is its year", NULL, "2003", "2024-06-30T22:30:00Z", NULL,
	    "2024-06-30T22:30:00.000Z", NONE },
	{ "QuickTime's epoch", NULL, NULL, "1904-01-01T00:00:00.000000Z", NULL, NULL, NONE },
	{ "a day after QuickTime's epoch", NULL, NULL, "1904-01-02T00:00:00.000000Z", NULL, NULL,
	    NONE },
	{ "Unix's epoch", NULL, NULL, "1970-01-01T00:00:00.000000Z", NULL, NULL, NONE },
	{ "an hour after Unix's epoch", NULL, NULL, "1970-01-01T01:00:00Z", NULL, NULL, NONE },
	{ "a damaged Apple date", "0000-00-00T00:00:00+0200", NULL, "2024-06-30T22:30:00Z", NULL,
	    "2024-06-30T22:30:00.000Z", NONE },
	{ "nothing", NULL, NULL, NULL, NULL, NULL, NONE },
	{ "garbage", "x", "y", "z", NULL, NULL, NONE },
};

static const struct {
	const char *text;
	int minutes;
} offsets[] = { { "+02:00", 120 }, { "+0200", 120 }, { "+02", 120 }, { "+2", 120 }, { "Z", 0 },
	{ "-00:00", 0 }, { "+05:45", 345 }, { "-09:30", -570 }, { "+02:00 ", 120 },
	{ "+14:00", 840 }, { "", NONE }, { "02:00", NONE }, { "+19:00", NONE }, { "+02:60", NONE },
	{ "+", NONE }, { "Zulu", NONE }, { "+02:00x", NONE }, { "CET", NONE } };

static const struct {
	const char *what, *text, *local, *at;
} sidecars[] = {
	{ "a sidecar of XMP", "<rdf:Description exif:DateTimeOriginal=\"2012-05-20T10:11:12\"/>",
	    "2012-05-20T10:11:12", NULL },
	{ "Takeout",
	    "{\"title\": \"a.jpg\", \"photoTakenTime\": {\n \"timestamp\": \"1720000000\","
	    "\"formatted\": \"x\"}}",
	    NULL, "2024-07-03T09:46:40.000Z" },
	{ "Takeout, when it was added", "{\"creationTime\": {\"timestamp\": \"1720000000\"}}", NULL,
	    NULL },
	{ "Takeout that is cut", "{\"photoTakenTime\": {\"timestamp\": \"", NULL, NULL },
	{ "Takeout with too large a number",
	    "{\"photoTakenTime\": {\"timestamp\": \"999999999999999\"}}", NULL, NULL },
	{ "a sidecar of something else", "hello", NULL, NULL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(sidecars) / sizeof(sidecars[0]); i++) {
		struct media_taken t = { .source = NULL };

		(void)date_of_sidecar((const unsigned char *)sidecars[i].text,
		    strlen(sidecars[i].text), &t);
		is_taken(sidecars[i].what, &t, sidecars[i].local, sidecars[i].at, NONE,
		    sidecars[i].local != NULL || sidecars[i].at != NULL ? "sidecar" : NULL);
	}
	for (size_t i = 0; i < sizeof(photos) / sizeof(photos[0]); i++)
		test_photo(&photos[i]);
	for (size_t i = 0; i < sizeof(videos) / sizeof(videos[0]); i++) {
		const struct video_row *v = &videos[i];
		struct media_taken t;

		date_of_video(&(const struct date_tags) { v->apple, v->day, v->created }, &t);
		is_taken(v->what, &t, v->local, v->at, v->minutes,
		    v->local != NULL || v->at != NULL ? "container" : NULL);
	}
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		int minutes = NONE;

		(void)date_offset_read(offsets[i].text, &minutes);
		ok(minutes == offsets[i].minutes, "offset '%s': %d", offsets[i].text, minutes);
	}
	return done_testing();
}
