#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "media/mapped.h"

#include "core/banned.h"

static void
release(void *data)
{
	struct mapped *m = data;

	munmap(m->data, m->size);
}

bool
mapped_open(struct arena *arena, const char *path, struct mapped *m)
{
	struct mapped *kept = arena_alloc(arena, sizeof(*kept));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	void *data = MAP_FAILED;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (data == MAP_FAILED)
		return false;
	*kept = *m = (struct mapped) { data, (size_t)st.st_size };
	arena_defer(arena, release, kept);
	return true;
}
