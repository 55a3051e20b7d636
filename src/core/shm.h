/*
 * Memory that all processes of the host share: a file in the run directory that each of them maps.
 * It has no lock; its contents are atomics.
 *
 * The file's name carries the fingerprint of its layout (metrics-0123456789abcdef.shm), so that
 * processes of two builds, which run side by side during an upgrade, never share a file. A new file
 * is filled under another name and then linked into place, complete. After that the files of other
 * layouts are removed; a process that still has one mapped keeps using it. All blocks of the file
 * are reserved at its creation: a full disk is an error there, not a SIGBUS later.
 */
#ifndef MN_CORE_SHM_H
#define MN_CORE_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* The start of each mapping; the rest is zero at first. */
struct shm_head {
	uint64_t fingerprint, size;
};

struct shm_file {
	const char *name; /* "metrics" */
	uint64_t fingerprint;
	size_t size; /* bytes, head included */
	/*
	 * Fills a new mapping; may be NULL. `old` is the newest file of another layout, or NULL.
	 * Anyone with access to the run directory can write to it: check every number.
	 */
	void (*fill)(void *map, const void *old, size_t old_size);
};

/* Returns NULL when the file cannot be opened. The mapping lasts as long as the process. */
void *shm_map(const char *run_dir, const struct shm_file *, struct error *);

/* FNV-1a for fingerprints; the first call gets SHM_HASH. The text's NUL is hashed too. */
#define SHM_HASH 14695981039346656037ULL
uint64_t shm_hash(uint64_t hash, const char *text);

#endif
