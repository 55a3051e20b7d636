/*
 * Memory that every process of the host shares: a file of the run directory, mapped by whoever
 * opens it. Nothing in it is locked; what lies in it is made of atomics.
 *
 * The file's name carries the fingerprint of its layout (metrics-0123456789abcdef.shm), so that
 * processes of two builds, side by side for a moment during an upgrade, never meet in one file. A
 * new file is filled under another name and linked into place, whole. The files of other layouts
 * are removed then; who still has one mapped goes on with it unharmed. All of the file's blocks are
 * reserved at its creation: a full disk shows there, and not as SIGBUS later.
 */
#ifndef MN_CORE_SHM_H
#define MN_CORE_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* What each of the mappings begins with; the rest is zero at first. */
struct shm_head {
	uint64_t fingerprint, size;
};

struct shm_file {
	const char *name; /* "metrics" */
	uint64_t fingerprint;
	size_t size; /* bytes, head included */
	/*
	 * Fills a new mapping, or NULL. `old`: what was there under the latest other layout, or
	 * NULL. Anybody who may write to the run directory may have written it: judge every number.
	 */
	void (*fill)(void *map, const void *old, size_t old_size);
};

/* NULL: it cannot be opened. The mapping stays for the life of the process. */
void *shm_map(const char *run_dir, const struct shm_file *, struct error *);

/* FNV-1a, to make fingerprints of: begin with SHM_HASH. The text's NUL counts. */
#define SHM_HASH 14695981039346656037ULL
uint64_t shm_hash(uint64_t hash, const char *text);

#endif
