/* Files and directories of backups. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

#define COPY_BYTES (256U << 10)
#define TREE_FDS 16
#define NAME_FORM "00000000T000000.000Z" /* each 0 is a digit */

bool
backup_file_failed(const char *path, struct error *err)
{
	int code = errno;

	error_set(err, code == ENOSPC || code == EDQUOT ? ERR_STORAGE_FULL : ERR_INTERNAL,
	    "%.180s: %s", path, strerror(code));
	errno = code;
	return false;
}

/* Not access(2): it asks for the real user, without the capabilities that the process has. */
bool
backup_present(const char *path, bool *present, struct error *err)
{
	struct stat st;

	*present = stat(path, &st) == 0;
	return *present || errno == ENOENT || errno == ENOTDIR || backup_file_failed(path, err);
}

bool
backup_dir_make(const char *path, struct error *err)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST || backup_file_failed(path, err);
}

bool
backup_dir_sync(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		backup_file_failed(path, err);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
backup_sync_all(const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && syncfs(fd) == 0;

	if (!ok)
		backup_file_failed(path, err);
	if (fd >= 0)
		close(fd);
	return ok;
}

static bool
write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static void
sum_end(struct digest *digest, struct file_sum *sum)
{
	unsigned char bytes[64];

	digest_final(digest, bytes);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(sum->sha256 + 2 * i, 3, "%02x", bytes[i]);
}

bool
backup_copy_fd(int in, int out, struct file_sum *sum, struct error *err)
{
	struct digest *digest = digest_new("sha256");
	struct arena arena;
	ssize_t n = 0;
	bool ok = true;
	char *buf;

	arena_init(&arena);
	buf = arena_alloc_raw(&arena, COPY_BYTES);
	sum->size = 0;
	while (ok && (n = read(in, buf, COPY_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ok = backup_file_failed("reading", err);
			break;
		}
		digest_update(digest, buf, (size_t)n);
		sum->size += n;
		if (out >= 0 && !write_all(out, buf, (size_t)n))
			ok = backup_file_failed("writing", err);
	}
	sum_end(digest, sum);
	arena_clear(&arena);
	return ok;
}

bool
backup_copy(const char *from, const char *to, struct file_sum *sum, struct error *err)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
	bool ok;

	if (in < 0)
		return backup_file_failed(from, err);
	posix_fadvise(in, 0, 0, POSIX_FADV_SEQUENTIAL);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = out >= 0 ? backup_copy_fd(in, out, sum, err) : backup_file_failed(to, err);
	if (!ok && out >= 0)
		error_detail(err, "%.200s", from);
	close(in);
	if (out >= 0 && close(out) != 0 && ok)
		ok = backup_file_failed(to, err);
	if (!ok && out >= 0)
		unlink(to);
	return ok;
}

bool
backup_sum(const char *path, struct file_sum *sum, struct error *err)
{
	int in = open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	if (in < 0)
		return backup_file_failed(path, err);
	ok = backup_copy_fd(in, -1, sum, err);
	if (!ok)
		error_detail(err, "%.200s", path);
	close(in);
	return ok;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

bool
backup_tree_remove(const char *path, struct error *err)
{
	return nftw(path, remove_one, TREE_FDS, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ||
	    backup_file_failed(path, err);
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The names in the directory that `wanted` takes, in order. */
static bool
names_if(struct arena *arena, const char *directory,
    bool (*wanted)(struct arena *, const char *, const char *), struct strings *out,
    struct error *err)
{
	const char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *entry;
	DIR *dir = opendir(directory);

	if (dir == NULL)
		return backup_file_failed(directory, err);
	while ((entry = readdir(dir)) != NULL) {
		if (!wanted(arena, directory, entry->d_name))
			continue;
		if (n == cap) {
			const char **more = arena_array(arena, cap = cap * 2 + 16, sizeof(*more));

			if (n > 0)
				memcpy(more, names, n * sizeof(*more));
			names = more;
		}
		names[n++] = arena_strdup(arena, entry->d_name);
	}
	closedir(dir);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	*out = (struct strings) { names, n };
	return true;
}

/* Is it of the form that backup.c gives? Others are not ours to count or to remove. */
static bool
is_stamp(const char *name)
{
	const char *form = NAME_FORM;

	for (; *form != '\0'; form++, name++)
		if (*form == '0' ? *name < '0' || *name > '9' : *name != *form)
			return false;
	return *name == '\0';
}

/* One that cannot be looked into counts: to read it will say why. */
static bool
is_backup(struct arena *arena, const char *directory, const char *name)
{
	struct error ignored;
	bool present;

	return is_stamp(name) &&
	    (!backup_present(arena_printf(arena, "%s/%s/" BACKUP_MANIFEST, directory, name),
		 &present, &ignored) ||
		present);
}

static bool
is_leftover(struct arena *arena, const char *directory, const char *name)
{
	(void)arena;
	(void)directory;
	return str_starts(name, BACKUP_PARTIAL) || str_starts(name, BACKUP_REMOVING);
}

bool
backup_names(struct arena *arena, const char *directory, struct strings *out, struct error *err)
{
	return names_if(arena, directory, is_backup, out, err);
}

bool
backup_hidden(struct arena *arena, const char *directory, struct strings *out, struct error *err)
{
	return names_if(arena, directory, is_leftover, out, err);
}

const char *
backup_object_path(struct arena *arena, const char *backup, const char *sha256)
{
	return arena_printf(arena, "%s/" BACKUP_OBJECTS "/%.2s/%s", backup, sha256, sha256);
}
