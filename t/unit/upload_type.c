/* What clients call their files, and what is made of it. */
#include "core/arena.h"
#include "core/config.h"
#include "core/error.h"
#include "core/media_types.h"
#include "core/str.h"
#include "service/catalogue/upload_type.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static const struct {
	const char *said, *filename, *type;
	bool accepted;
} rows[] = {
	{ "image/jpg", "a.bin", "image/jpeg", true },
	{ "IMAGE/JPEG; q=1", "a.bin", "image/jpeg", true },
	{ "application/octet-stream", "DJI_0001", UPLOAD_TYPE_UNKNOWN, true },
	{ "", "Screenshot 2023.01.05", UPLOAD_TYPE_UNKNOWN, true },
	{ NULL, "sunset.at the beach", UPLOAD_TYPE_UNKNOWN, true },
	{ NULL, "a.JPG", "image/jpeg", true },
	{ "", "IMG_0001.HEIC", "image/heic", true },
	{ "image/heif", "a", "image/heic", true },
	{ "application/octet-stream", "a.nef", "image/x-nikon-nef", true },
	{ "image/x-raw", "a.CR3", "image/x-canon-cr3", true },
	{ "image/x-dng", "a", "image/x-adobe-dng", true },
	{ "image/tiff", "a.nef", "image/tiff", true },
	{ "video/matroska", "a", "video/x-matroska", true },
	{ "", "00001.MTS", "video/mp2t", true },
	{ "video/3gpp", "a", "video/3gpp", true },
	{ "", "VIDEO.3G2", "video/3gpp2", true },
	{ "video/x-ms-asf", "a.wmv", "video/x-ms-wmv", true },
	{ "", "VTS_01_1.VOB", "video/mpeg", true },
	{ "", "Book.m4b", "audio/mp4", true },
	{ "application/octet-stream", "a.pdf", UPLOAD_TYPE_UNKNOWN, false },
	{ "text/html", "a.jpg", "text/html", false },
	{ "image/svg+xml", "a.png", "image/svg+xml", false },
	{ "image/x-unheard-of", "a", "image/x-unheard-of", false },
	{ "application/zip", "a.zip", "application/zip", false },
};

int
main(void)
{
	struct arena arena;
	struct config *config;
	struct error err;
	const char *type;

	arena_init(&arena);
	error_clear(&err);
	config = config_load("/dev/null", &err);
	ok(config != NULL, "settings");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		type = upload_type(&arena, rows[i].said, rows[i].filename);
		is_str(type, rows[i].type, "'%s', %s", rows[i].said != NULL ? rows[i].said : "none",
		    rows[i].filename);
		ok(upload_type_accepted(&arena, config, type, rows[i].filename) == rows[i].accepted,
		    "... %s", rows[i].accepted ? "may be sent" : "is refused");
	}
	ok(upload_type_known("video/mp2t") && !upload_type_known("video/mts"),
	    "the worker reports usual names only");
	ok(config_override(config, CFG_UPLOAD_TYPES, "image/jpg, image/heif", &err) &&
		upload_type_allowed(&arena, config, "image/jpeg") &&
		upload_type_allowed(&arena, config, "image/heic") &&
		!upload_type_allowed(&arena, config, "image/png"),
	    "an operator may use other names of a type");
	config_free(config);
	arena_clear(&arena);
	return done_testing();
}
