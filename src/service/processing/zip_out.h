/*
 * A zip that is written from its start to its end, by libarchive, into whatever takes its bytes.
 *
 *	struct zip_out *zip = zip_out_new(&(struct zip_sink) { take, context }, arena, err);
 *
 *	zip_out_entry(zip, &entry, err) && zip_out_data(zip, bytes, n, err) && ... &&
 *	    zip_out_close(zip, err)
 *
 * Entries are stored, not compressed: photos, videos and music are compressed already. Structures
 * of zip64 are used where sizes, places or the number of entries need them. Memory: ZIP_OUT_BLOCK
 * and about 200 bytes for each entry. libarchive's state is freed with the arena.
 *
 * A process has one thread while it writes an entry: the time zone is the entry's meanwhile.
 */
#ifndef MN_SERVICE_PROCESSING_ZIP_OUT_H
#define MN_SERVICE_PROCESSING_ZIP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct error;

#define ZIP_OUT_BLOCK (64UL << 10) /* bytes that are handed on at once */

struct zip_sink {
	bool (*take)(void *context, const void *data, size_t size, struct error *);
	void *context;
};

struct zip_entry {
	const char *path; /* UTF-8, parts separated by slashes */
	int64_t size;     /* all of it must come */
	/*
	 * us: when it was made, and what clocks showed there. The first is the time of the file
	 * where programs know time zones, the second where they do not.
	 */
	int64_t at, local;
};

struct zip_out;
struct zip_out *zip_out_new(const struct zip_sink *, struct arena *, struct error *);
bool zip_out_entry(struct zip_out *, const struct zip_entry *, struct error *);
bool zip_out_data(struct zip_out *, const void *, size_t, struct error *);
bool zip_out_close(struct zip_out *, struct error *);

#endif
