/* Counters in a shared mapping: see shm.h. */
#include "core/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/banned.h"

#define SHM_FILE "counters.shm"
#define SHM_PATH_MAX 4096
#define SHM_ATTEMPTS 16 /* times that another process may replace the file between open and lock */

struct layout {
	uint64_t fingerprint; /* of the counter table: another one means another layout */
	_Atomic uint64_t counters[COUNTERS];
};

static const struct {
	const char *name, *help;
} table[COUNTERS] = {
#define COUNTER(id, name, help) { name, help },
#include "core/counter_table.def"
#undef COUNTER
};

static struct layout own;
static struct layout *shared = &own;

/* FNV-1a over the names: order and number of the counters are the layout. */
static uint64_t
layout_fingerprint(void)
{
	uint64_t h = 14695981039346656037ULL;

	for (unsigned i = 0; i < COUNTERS; i++)
		for (const char *p = table[i].name;; p++) {
			h = (h ^ (unsigned char)*p) * 1099511628211ULL;
			if (*p == '\0')
				break;
		}
	return h;
}

/* Is the locked file still the one at `path`? */
static bool
still_there(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev;
}

/* Under the file's lock. 1: *out is mapped; 0: of another layout, unlinked, try anew; -1: errno. */
static int
layout_map(int fd, const char *path, struct layout **out)
{
	uint64_t want = layout_fingerprint();
	struct layout *map;
	struct stat st;
	bool fresh;

	if (fstat(fd, &st) < 0)
		return -1;
	fresh = st.st_size == 0;
	if (fresh && ftruncate(fd, sizeof(*map)) < 0)
		return -1;
	if (!fresh && st.st_size != (off_t)sizeof(*map))
		return unlink(path) < 0 ? -1 : 0;
	map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	if (fresh)
		map->fingerprint = want;
	if (map->fingerprint != want) {
		munmap(map, sizeof(*map));
		return unlink(path) < 0 ? -1 : 0;
	}
	*out = map;
	return 1;
}

bool
shm_open_counters(const char *run_dir, struct error *err)
{
	char path[SHM_PATH_MAX];

	if (shared != &own)
		return true;
	if ((size_t)snprintf(path, sizeof(path), "%s/" SHM_FILE, run_dir) >= sizeof(path))
		return error_set(err, ERR_INTERNAL, "the run directory's name is too long");
	for (int i = 0; i < SHM_ATTEMPTS; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660), done = 0;

		if (fd < 0)
			break;
		if (flock(fd, LOCK_EX) < 0)
			done = -1;
		else if (still_there(fd, path))
			done = layout_map(fd, path, &shared);
		/* a mapping keeps the open file, and with it the lock, past close(2) */
		flock(fd, LOCK_UN);
		close(fd);
		if (done > 0)
			return true;
		if (done < 0)
			break;
	}
	error_set(err, ERR_INTERNAL, "the shared counters cannot be opened");
	return error_detail(err, "%s: %s", path, strerror(errno));
}

void
counter_add(enum counter c, uint64_t n)
{
	atomic_fetch_add_explicit(&shared->counters[c], n, memory_order_relaxed);
}

uint64_t
counter_read(enum counter c)
{
	return atomic_load_explicit(&shared->counters[c], memory_order_relaxed);
}

const char *
counter_name(enum counter c)
{
	return table[c].name;
}

const char *
counter_help(enum counter c)
{
	return table[c].help;
}
