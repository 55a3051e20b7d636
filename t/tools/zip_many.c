/*
 * zip-many FILE N SIZE: a zip of N small files and one of SIZE zero bytes, which need not be on the
 * disk: a hole. For structures of zip64, which archives have from 65 536 files or 4 GiB on.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/str.h"
#include "service/processing/zip_out.h"

#include "core/banned.h"

static const char zeros[1 << 20];

static bool
take(void *context, const void *data, size_t size, struct error *err)
{
	int fd = *(int *)context;

	if (memcmp(data, zeros, size) == 0)
		return lseek(fd, (off_t)size, SEEK_CUR) >= 0;
	return write(fd, data, size) == (ssize_t)size ||
	    error_set(err, ERR_STORAGE_FULL, "cannot write");
}

static bool
write_all(struct zip_out *zip, int64_t n, int64_t size, struct error *err)
{
	struct zip_entry entry = { .size = 1, .at = US_PER_SEC, .local = US_PER_SEC };
	char name[32];

	for (int64_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%lld", (long long)i);
		entry.path = name;
		if (!zip_out_entry(zip, &entry, err) || !zip_out_data(zip, "x", 1, err))
			return false;
	}
	entry.path = "large";
	entry.size = size;
	if (!zip_out_entry(zip, &entry, err))
		return false;
	while (size > 0) {
		size_t piece = size < (int64_t)sizeof(zeros) ? (size_t)size : sizeof(zeros);

		if (!zip_out_data(zip, zeros, piece, err))
			return false;
		size -= (int64_t)piece;
	}
	entry.path = "last";
	entry.size = 1;
	return zip_out_entry(zip, &entry, err) && zip_out_data(zip, "x", 1, err) &&
	    zip_out_close(zip, err);
}

int
main(int argc, char **argv)
{
	int fd = argc == 4 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	struct error err = { 0 };
	struct zip_out *zip;
	struct arena arena;
	int64_t n, size;
	bool ok;

	if (fd < 0 || !str_to_int(argv[2], 0, 10000000, &n) ||
	    !str_to_int(argv[3], 0, INT64_MAX / 2, &size)) {
		fprintf(stderr, "usage: zip-many FILE N SIZE\n");
		return EXIT_FAILURE;
	}
	arena_init(&arena);
	zip = zip_out_new(&(const struct zip_sink) { take, &fd }, &arena, &err);
	ok = zip != NULL && write_all(zip, n, size, &err);
	if (!ok)
		fprintf(stderr, "%s %s\n", err.message, err.detail);
	arena_clear(&arena);
	close(fd);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
