#include "service/processing/zip_out.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"

#include "core/banned.h"

#define ZONE_TEXT 32
#define ZONE_MAX (24 * 3600 - 1) /* seconds: POSIX zones */
#define FILE_MODE 0644

struct zip_out {
	struct archive *archive;
	struct arena *arena;
	struct zip_sink sink;
	struct error sunk; /* why the sink took no more */
	locale_t utf8;
};

static void
release(void *arg)
{
	struct zip_out *zip = arg;

	/* Not archive_write_close(): what was not closed is not to be completed. */
	archive_write_fail(zip->archive);
	archive_write_free(zip->archive);
	freelocale(zip->utf8);
}

static la_ssize_t
on_write(struct archive *archive, void *context, const void *data, size_t size)
{
	struct zip_out *zip = context;

	if (zip->sink.take(zip->sink.context, data, size, &zip->sunk))
		return (la_ssize_t)size;
	archive_set_error(archive, EIO, "the sink takes no more");
	return -1;
}

static bool
failed(struct zip_out *zip, struct error *err)
{
	const char *why = archive_error_string(zip->archive);

	if (zip->sunk.code != ERR_NONE) {
		*err = zip->sunk;
		return false;
	}
	error_set(err, ERR_INTERNAL, "The archive could not be written.");
	return error_detail(err, "libarchive: %s", why != NULL ? why : "unknown");
}

/* What names are converted from is the locale's charset at this moment. */
static bool
set_charset(struct zip_out *zip)
{
	locale_t before = uselocale(zip->utf8);
	int result = archive_write_set_options(zip->archive, "zip:hdrcharset=UTF-8");

	uselocale(before);
	return result == ARCHIVE_OK;
}

struct zip_out *
zip_out_new(const struct zip_sink *sink, struct arena *arena, struct error *err)
{
	struct zip_out *zip = arena_alloc(arena, sizeof(*zip));

	zip->arena = arena;
	zip->sink = *sink;
	zip->archive = archive_write_new();
	zip->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (zip->archive == NULL || zip->utf8 == (locale_t)0) {
		error_set(err, ERR_INTERNAL, "The archive could not be begun.");
		return NULL;
	}
	arena_defer(arena, release, zip);
	if (archive_write_set_format_zip(zip->archive) != ARCHIVE_OK ||
	    archive_write_zip_set_compression_store(zip->archive) != ARCHIVE_OK ||
	    !set_charset(zip) ||
	    archive_write_set_bytes_per_block(zip->archive, ZIP_OUT_BLOCK) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(zip->archive, 1) != ARCHIVE_OK ||
	    archive_write_open(zip->archive, zip, NULL, on_write, NULL) != ARCHIVE_OK) {
		failed(zip, err);
		return NULL;
	}
	return zip;
}

/* The zone in which clocks show `local` at the instant `at`. */
static void
zone_of(const struct zip_entry *entry, char out[ZONE_TEXT])
{
	int64_t east = (entry->local - entry->at) / US_PER_SEC;
	int64_t seconds = east < 0 ? -east : east;

	if (seconds > ZONE_MAX)
		seconds = 0;
	/* POSIX counts to the west. */
	snprintf(out, ZONE_TEXT, "<wall>%c%02d:%02d:%02d", east > 0 ? '-' : '+',
	    (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* libarchive writes the wall clock of localtime(3), and names as the locale has them. */
static int
write_header(struct zip_out *zip, struct archive_entry *e, const struct zip_entry *entry)
{
	const char *before = getenv("TZ");
	const char *kept = arena_strdup(zip->arena, before);
	locale_t locale = uselocale(zip->utf8);
	char zone[ZONE_TEXT];
	int result;

	zone_of(entry, zone);
	setenv("TZ", zone, 1);
	tzset();
	result = archive_write_header(zip->archive, e);
	if (kept != NULL)
		setenv("TZ", kept, 1);
	else
		unsetenv("TZ");
	tzset();
	uselocale(locale);
	return result;
}

bool
zip_out_entry(struct zip_out *zip, const struct zip_entry *entry, struct error *err)
{
	struct archive_entry *e = archive_entry_new();
	int64_t at = entry->at / US_PER_SEC;
	int result;

	/* A zip has 32 bits for it. */
	if (at > INT32_MAX)
		at = INT32_MAX;
	if (at < INT32_MIN)
		at = INT32_MIN;
	archive_entry_set_pathname(e, entry->path);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, FILE_MODE);
	archive_entry_set_size(e, entry->size);
	archive_entry_set_mtime(e, at, 0);
	result = write_header(zip, e, entry);
	archive_entry_free(e);
	return result == ARCHIVE_OK || failed(zip, err);
}

bool
zip_out_data(struct zip_out *zip, const void *data, size_t size, struct error *err)
{
	return archive_write_data(zip->archive, data, size) == (la_ssize_t)size || failed(zip, err);
}

bool
zip_out_close(struct zip_out *zip, struct error *err)
{
	return archive_write_close(zip->archive) == ARCHIVE_OK || failed(zip, err);
}
