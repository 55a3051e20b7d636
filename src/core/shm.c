#include "core/shm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/str.h"
#include "core/banned.h"

#define SHM_PATH_MAX 4096
#define SHM_NAME_MAX 256
#define SHM_SUFFIX ".shm"
/* attempts, because another process may create its file, or remove ours, between two steps */
#define SHM_ATTEMPTS 16

uint64_t
shm_hash(uint64_t hash, const char *text)
{
	for (const char *p = text;; p++) {
		hash = (hash ^ (unsigned char)*p) * 1099511628211ULL;
		if (*p == '\0')
			return hash;
	}
}

static bool
head_fits(const struct shm_head *head, const struct shm_file *file)
{
	return head->fingerprint == file->fingerprint && head->size == file->size;
}

/*
 * NULL: errno says why; ENOENT: there is none. Not opened with O_CREAT, which the kernel refuses
 * for another user's file in a sticky directory (fs.protected_regular).
 */
static void *
map_existing(const char *path, const struct shm_file *file)
{
	void *map = MAP_FAILED;
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size == (off_t)file->size)
		map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED && head_fits(map, file))
		return map;
	/* The file was complete when it was linked into place, so it has been damaged since. */
	if (map != MAP_FAILED)
		munmap(map, file->size);
	if (unlink(path) == 0)
		errno = ENOENT;
	return NULL;
}

/* Is this entry of the run directory another file of the same name? */
static bool
is_other(const char *entry, const struct shm_file *file, const char *current)
{
	size_t len = strlen(file->name);

	return str_starts(entry, file->name) && entry[len] == '-' && !str_eq(entry, current);
}

/* Calls visit(dir, entry, context) for each file of another layout, half-made ones included. */
static void
each_other(const char *run_dir, const struct shm_file *file, const char *current,
    void (*visit)(int dir_fd, const char *entry, void *context), void *context)
{
	DIR *dir = opendir(run_dir);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (is_other(entry->d_name, file, current))
			visit(dirfd(dir), entry->d_name, context);
	closedir(dir);
}

struct newest {
	char entry[SHM_NAME_MAX];
	struct timespec changed;
};

static void
consider(int dir_fd, const char *entry, void *context)
{
	struct newest *newest = context;
	struct stat st;

	if (!str_ends(entry, SHM_SUFFIX) || fstatat(dir_fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (newest->entry[0] == '\0' || st.st_mtim.tv_sec > newest->changed.tv_sec ||
	    (st.st_mtim.tv_sec == newest->changed.tv_sec &&
		st.st_mtim.tv_nsec > newest->changed.tv_nsec)) {
		str_copy(newest->entry, sizeof(newest->entry), entry);
		newest->changed = st.st_mtim;
	}
}

static void
remove_other(int dir_fd, const char *entry, void *context)
{
	/*
	 * In a sticky directory only the owner may remove the file; it does so at its next start.
	 */
	unlinkat(dir_fd, entry, 0);
}

static const void *
map_newest(const char *run_dir, const struct shm_file *file, const char *current, size_t *size)
{
	struct newest newest = { .entry = "" };
	char path[SHM_PATH_MAX];
	void *map = MAP_FAILED;
	struct stat st;
	int fd;

	each_other(run_dir, file, current, consider, &newest);
	if (newest.entry[0] == '\0')
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", run_dir, newest.entry);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(struct shm_head)) {
		*size = (size_t)st.st_size;
		map = mmap(NULL, *size, PROT_READ, MAP_SHARED, fd, 0);
	}
	close(fd);
	return map != MAP_FAILED ? map : NULL;
}

static void
fill(void *map, const char *run_dir, const struct shm_file *file, const char *current)
{
	size_t old_size = 0;
	const void *old = map_newest(run_dir, file, current, &old_size);

	if (file->fill != NULL)
		file->fill(map, old, old_size);
	*(struct shm_head *)map = (struct shm_head) { file->fingerprint, file->size };
	if (old != NULL)
		munmap((void *)(uintptr_t)old, old_size);
}

/* NULL: errno says why; EEXIST: another process was faster. */
static void *
create(const char *path, const char *run_dir, const struct shm_file *file, const char *current)
{
	char temporary[SHM_PATH_MAX];
	void *map = MAP_FAILED;
	int fd, failed;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
	    sizeof(temporary)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if ((fd = mkostemp(temporary, O_CLOEXEC)) < 0)
		return NULL;
	/* Processes of several users share the file through the group, whatever the umask. */
	failed = fchmod(fd, 0660) != 0 ? errno : posix_fallocate(fd, 0, (off_t)file->size);
	if (failed == 0)
		map = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (failed == 0 && map == MAP_FAILED)
		failed = errno;
	close(fd);
	if (failed == 0) {
		fill(map, run_dir, file, current);
		if (link(temporary, path) != 0)
			failed = errno;
	}
	unlink(temporary);
	if (failed == 0)
		return map;
	if (map != MAP_FAILED)
		munmap(map, file->size);
	errno = failed;
	return NULL;
}

void *
shm_map(const char *run_dir, const struct shm_file *file, struct error *err)
{
	char current[SHM_NAME_MAX], path[SHM_PATH_MAX];
	void *map = NULL;

	snprintf(current, sizeof(current), "%s-%016llx" SHM_SUFFIX, file->name,
	    (unsigned long long)file->fingerprint);
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", run_dir, current) >= sizeof(path))
		return error_set(err, ERR_INTERNAL, "the run directory's name is too long"), NULL;
	for (int i = 0; map == NULL && i < SHM_ATTEMPTS; i++) {
		map = map_existing(path, file);
		if (map == NULL && errno != ENOENT)
			break;
		if (map == NULL)
			map = create(path, run_dir, file, current);
		/* ENOENT: another process removed our unfinished file as a leftover. */
		if (map == NULL && errno != EEXIST && errno != ENOENT)
			break;
	}
	if (map == NULL) {
		error_set(err, ERR_INTERNAL, "The shared file of %s could not be opened.",
		    file->name);
		error_detail(err, "%s: %s", path, strerror(errno));
		return NULL;
	}
	each_other(run_dir, file, current, remove_other, NULL);
	return map;
}
