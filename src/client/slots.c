#include "client/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"

#include "core/banned.h"

#define PATH_BYTES 4096
#define LOOK_MS 10
#define NS_PER_MS 1000000L
#define BUSY_RETRY 2 /* seconds */
#define LOCK_MODE 0600

static bool
take(int fd, int slots)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	for (lock.l_start = 0; lock.l_start < slots; lock.l_start++)
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return true;
	return false;
}

bool
slot_enter(const char *dir, const char *pool, int workers, int *fd, struct error *err)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * NS_PER_MS };
	int64_t end = clock_monotonic() + SLOT_WAIT_MS * US_PER_MS;
	int slots = workers > 1 ? workers / 2 : 1;
	char path[PATH_BYTES];

	*fd = -1;
	if (*dir == '\0')
		return true;
	snprintf(path, sizeof(path), "%s/outside-%s.lock", dir, pool);
	if ((*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, LOCK_MODE)) < 0) {
		error_set(err, ERR_INTERNAL, "The lock of calls to other servers is missing.");
		return error_detail(err, "%s: %s", path, strerror(errno));
	}
	while (!take(*fd, slots)) {
		if (clock_monotonic() >= end) {
			slot_leave(*fd);
			error_set(err, ERR_UNAVAILABLE,
			    "Others are waiting for the same server. Try again in a moment.");
			err->retry_after = BUSY_RETRY;
			return false;
		}
		nanosleep(&look, NULL);
	}
	return true;
}

void
slot_leave(int fd)
{
	if (fd >= 0)
		close(fd);
}
