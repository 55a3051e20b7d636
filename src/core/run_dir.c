#include "core/run_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/banned.h"

#define PID_TEXT 24
#define NEW_SUFFIX ".new"

enum run_lock
run_lock(const char *path, unsigned mode, int *fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (*fd < 0)
		return RUN_LOCK_FAILED;
	if (fcntl(*fd, F_SETLK, &lock) == 0)
		return RUN_LOCK_TAKEN;
	close(*fd);
	*fd = -1;
	return errno == EACCES || errno == EAGAIN ? RUN_LOCK_BUSY : RUN_LOCK_FAILED;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, len, 0) == (ssize_t)len &&
	    fchmod(fd, 0644) == 0; /* readers of the file may run as another user */
}

bool
run_pid_write(const char *path, int fd)
{
	char text[PID_TEXT];
	int own = fd >= 0 ? fd : open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	bool ok = own >= 0 && write_all(own, text, (size_t)len);

	if (fd < 0 && own >= 0)
		close(own);
	return ok;
}

bool
run_note_write(const char *path, const char *text)
{
	char temporary[RUN_PATH_MAX];
	bool ok;
	int fd;

	if ((size_t)snprintf(temporary, sizeof(temporary), "%s" NEW_SUFFIX, path) >=
	    sizeof(temporary))
		return false;
	fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return false;
	ok = write_all(fd, text, strlen(text));
	close(fd);
	return ok && rename(temporary, path) == 0;
}

bool
run_note_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = -1;

	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

bool
run_socket_grant(const char *path, const char *group, struct error *err)
{
	const struct group *entry = group[0] != '\0' ? getgrnam(group) : NULL;

	if (group[0] != '\0' && entry == NULL)
		return error_set(err, ERR_INTERNAL, "run.socket_group: the group %s does not exist",
		    group);
	if (entry != NULL && chown(path, (uid_t)-1, entry->gr_gid) != 0)
		return error_set(err, ERR_INTERNAL,
		    "run.socket_group: the socket %s cannot be given to group %s: %s", path, group,
		    strerror(errno));
	if (chmod(path, 0660) == 0)
		return true;
	return error_set(err, ERR_INTERNAL, "the mode of %s cannot be set: %s", path,
	    strerror(errno));
}
