/* See host_file.h. */
#include "service/operator/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/banned.h"

#define NEW_MODE 0644

static bool
read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, text + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

bool
host_file_read(struct arena *arena, const char *path, const char **text, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;
	bool ok;

	*text = NULL;
	if (fd < 0)
		return errno == ENOENT ||
		    error_set(err, ERR_INTERNAL, "%s: %s", path, strerror(errno));
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= HOST_FILE_MAX;
	if (ok) {
		buf = arena_alloc(arena, (size_t)st.st_size + 1);
		ok = read_all(fd, buf, (size_t)st.st_size);
		*text = buf;
	}
	close(fd);
	return ok || error_set(err, ERR_INTERNAL, "%s: cannot be read", path);
}

static bool
write_all(int fd, const char *text)
{
	size_t left = strlen(text);
	ssize_t n;

	for (; left > 0; text += n, left -= (size_t)n)
		if ((n = write(fd, text, left)) < 0)
			return false;
	return true;
}

/* mkstemp(3) made it 0600 and ours. */
static bool
owner_give(int fd, const char *path, const struct host_owner *owner)
{
	struct host_owner kept = { (uid_t)-1, (gid_t)-1, NEW_MODE };
	struct stat st;

	if (owner == NULL && stat(path, &st) == 0)
		kept = (struct host_owner) { st.st_uid, st.st_gid, st.st_mode & 07777 };
	if (owner == NULL)
		owner = &kept;
	return fchown(fd, owner->uid, owner->gid) == 0 && fchmod(fd, owner->mode) == 0;
}

bool
host_file_write(struct arena *arena, const char *path, const char *text,
    const struct host_owner *owner, struct error *err)
{
	char *temporary = arena_printf(arena, "%s.XXXXXX", path);
	int fd = mkostemp(temporary, O_CLOEXEC), saved;
	bool ok = fd >= 0 && owner_give(fd, path, owner) && write_all(fd, text) && fsync(fd) == 0;

	saved = errno;
	if (fd >= 0 && close(fd) != 0)
		ok = false;
	if (ok && rename(temporary, path) == 0)
		return true;
	if (ok)
		saved = errno;
	if (fd >= 0)
		unlink(temporary);
	return error_set(err, ERR_INTERNAL, "%s: cannot be written: %s", path, strerror(saved));
}
