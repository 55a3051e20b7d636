/*
 * Dates in file names, and which of all clues counts. Each row is a name that some program gives to
 * its files, or one that looks like it and means nothing.
 */
#include "core/clock.h"
#include "service/processing/taken.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define NOW "2026-11-27T12:00:00" /* of the upload */

/* `at` counts as UTC; both NULL: the name says nothing. */
static const struct {
	const char *name, *local, *at;
} names[] = {
	{ "IMG-20240117-WA0003.jpg", "2024-01-17T12:00:00", NULL },
	{ "VID-20240117-WA0042.mp4", "2024-01-17T12:00:00", NULL },
	{ "WhatsApp Image 2023-01-05 at 10.11.12.jpeg", "2023-01-05T10:11:12", NULL },
	{ "WhatsApp Image 2023-01-05 at 9.41.07 PM.jpeg", "2023-01-05T21:41:07", NULL },
	{ "WhatsApp Video 2023-01-05 at 12.01.02 AM (1).mp4", "2023-01-05T00:01:02", NULL },
	{ "PHOTO-2023-01-05-10-11-12.jpg", "2023-01-05T10:11:12", NULL },
	{ "PXL_20230815_123456789.jpg", NULL, "2023-08-15T12:34:56.000Z" },
	{ "PXL_20230815_123456789.PORTRAIT.jpg", NULL, "2023-08-15T12:34:56.000Z" },
	{ "PXL_20230815_123456789~2.jpg", NULL, "2023-08-15T12:34:56.000Z" },
	{ "IMG_20230815_123456.jpg", "2023-08-15T12:34:56", NULL },
	{ "IMG_20230815_123456_HDR.jpg", "2023-08-15T12:34:56", NULL },
	{ "IMG_20230815_123456789.jpg", "2023-08-15T12:34:56", NULL },
	{ "img_20230815_123456.JPG", "2023-08-15T12:34:56", NULL },
	{ "IMG_20230815_123456 (2).jpg", "2023-08-15T12:34:56", NULL },
	{ "VID_20230815_123456.mp4", "2023-08-15T12:34:56", NULL },
	{ "VID20230815123456.mp4", "2023-08-15T12:34:56", NULL },
	{ "IMG20230815123456.jpg", "2023-08-15T12:34:56", NULL },
	{ "MVIMG_20190203_040506.jpg", "2019-02-03T04:05:06", NULL },
	{ "PANO_20190203_040506.jpg", "2019-02-03T04:05:06", NULL },
	{ "00000IMG_00000_BURST20190203040506_COVER.jpg", NULL, NULL },
	{ "BURST20190203040506.jpg", "2019-02-03T04:05:06", NULL },
	{ "WIN_20190203_04_05_06_Pro.jpg", "2019-02-03T04:05:06", NULL },
	{ "DJI_20190203040506_0001_D.JPG", "2019-02-03T04:05:06", NULL },
	{ "Screenshot_20230105-101112.png", "2023-01-05T10:11:12", NULL },
	{ "Screenshot_20230105_101112_Chrome.jpg", "2023-01-05T10:11:12", NULL },
	{ "Screenshot_2023-01-05-10-11-12-345_com.app.jpg", "2023-01-05T10:11:12", NULL },
	{ "Screenshot from 2023-01-05 10-11-12.png", "2023-01-05T10:11:12", NULL },
	{ "Screenshot 2023-01-05 at 10.11.12.png", "2023-01-05T10:11:12", NULL },
	{ "Screenshot 2023-01-05 at 1.11.12\xe2\x80\xafPM.png", "2023-01-05T13:11:12", NULL },
	{ "Screen Shot 2023-01-05 at 10.11.12 AM.png", "2023-01-05T10:11:12", NULL },
	{ "Screen Recording 2023-01-05 at 10.11.12.mov", "2023-01-05T10:11:12", NULL },
	{ "Bildschirmfoto 2023-01-05 um 10.11.12.png", "2023-01-05T10:11:12", NULL },
	{ "signal-2023-01-05-101112.jpg", "2023-01-05T10:11:12", NULL },
	{ "signal-2023-01-05-10-11-12-345.jpg", "2023-01-05T10:11:12", NULL },
	{ "photo_2023-01-05_10-11-12.jpg", "2023-01-05T10:11:12", NULL },
	{ "1705500000000.jpg", NULL, "2024-01-17T14:00:00.000Z" },
	{ "1705500000000 (1).jpg", NULL, "2024-01-17T14:00:00.000Z" },
	{ "FB_IMG_1705500000000.jpg", NULL, "2024-01-17T14:00:00.000Z" },
	{ "mmexport1705500000000.jpg", NULL, "2024-01-17T14:00:00.000Z" },
	{ "20230815_123456.jpg", "2023-08-15T12:34:56", NULL },
	{ "20230815-123456.jpg", "2023-08-15T12:34:56", NULL },
	{ "20230815123456.jpg", "2023-08-15T12:34:56", NULL },
	{ "2023-08-15 12.34.56.jpg", "2023-08-15T12:34:56", NULL },
	{ "2023-08-15_12-34-56_001.jpg", "2023-08-15T12:34:56", NULL },
	{ "2012-05-20 Birthday.jpg", "2012-05-20T12:00:00", NULL },
	{ "2012_05_20.jpg", "2012-05-20T12:00:00", NULL },
	{ "20120520.jpg", "2012-05-20T12:00:00", NULL },
	{ "IMG_20120520_001.jpg", "2012-05-20T12:00:00", NULL },
	{ "IMG_20230815_126099.jpg", "2023-08-15T12:00:00", NULL },
	/* nothing */
	{ "IMG_1234.JPG", NULL, NULL },
	{ "DSC01234.ARW", NULL, NULL },
	{ "DSC_0001.jpg", NULL, NULL },
	{ "GX010042.MP4", NULL, NULL },
	{ "holiday.jpg", NULL, NULL },
	{ "", NULL, NULL },
	{ ".jpg", NULL, NULL },
	{ "IMG-20241317-WA0003.jpg", NULL, NULL },
	{ "IMG-20230230-WA0003.jpg", NULL, NULL },
	{ "99991231_235959.jpg", NULL, NULL },
	{ "Screenshot_20991231-235959.png", NULL, NULL },
	{ "12345678.jpg", NULL, NULL },
	{ "201205201.jpg", NULL, NULL },
	{ "20120520123.jpg", NULL, NULL },
	{ "9999999999999.jpg", NULL, NULL },
	{ "0000000000001.jpg", NULL, NULL },
	{ "123456789012345678.jpg", NULL, NULL },
	{ "received_1705500000000123.jpeg", NULL, NULL },
	{ "1917.mkv", NULL, NULL },
};

static int64_t
us_of(const char *local)
{
	int64_t us = 0;

	if (local != NULL)
		(void)time_parse_local(local, &us);
	return us;
}

static void
test_name(size_t i)
{
	struct taken t = { 0 };
	bool found = taken_from_name(names[i].name, us_of(NOW), &t);
	char text[RFC3339_MAX] = "";

	if (names[i].local == NULL && names[i].at == NULL) {
		ok(!found, "'%s' says nothing", names[i].name);
		return;
	}
	if (names[i].local != NULL)
		time_local(t.local, text);
	else
		time_rfc3339(t.at, text);
	is_str(text, names[i].local != NULL ? names[i].local : names[i].at, "'%s'", names[i].name);
	ok(found && (t.local == 0) == (names[i].local == NULL) && t.offset == TAKEN_OFFSET_NONE,
	    "'%s': %s", names[i].name, names[i].local != NULL ? "a wall clock" : "an instant");
}

/* What of the file (a year), its name and its client counts. */
static const struct {
	const char *what, *file, *name, *modified, *source;
} clues[] = {
	{ "the file before all", "2001-02-03T04:05:06", "IMG_20120520_101112.jpg",
	    "2015-01-01T00:00:00", TAKEN_EXIF },
	{ "the name before the client", NULL, "IMG_20120520_101112.jpg", "2015-01-01T00:00:00",
	    TAKEN_NAME },
	{ "the client's word", NULL, "holiday.jpg", "2011-06-05T04:03:02", TAKEN_MODIFIED },
	{ "the upload, if nothing else", NULL, "holiday.jpg", NULL, TAKEN_UPLOADED },
	{ "no name", NULL, NULL, NULL, TAKEN_UPLOADED },
	{ "a camera whose clock is years ahead", "2040-02-06T00:00:00", "holiday.jpg",
	    "2015-01-01T00:00:00", TAKEN_MODIFIED },
	{ "a camera of the other side of the world", "2026-11-28T01:00:00", "holiday.jpg", NULL,
	    TAKEN_EXIF },
	{ "a client whose clock is years ahead", NULL, "holiday.jpg", "2040-01-01T00:00:00",
	    TAKEN_UPLOADED },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		test_name(i);
	for (size_t i = 0; i < sizeof(clues) / sizeof(clues[0]); i++) {
		const struct taken file = { clues[i].file != NULL ? TAKEN_EXIF : NULL, 0,
			us_of(clues[i].file), TAKEN_OFFSET_NONE };
		const struct taken t = taken_choose(&(const struct taken_clues) {
		    &file, clues[i].name, us_of(clues[i].modified), us_of(NOW) });

		is_str(t.source, clues[i].source, "%s", clues[i].what);
	}
	return done_testing();
}
