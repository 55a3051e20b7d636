/*
 * Preloaded into the parts of a stack: the time of day is as many seconds ahead of the kernel's as
 * the file that MOVED_CLOCK names says, eight bytes that a test changes while they run. Clocks that
 * measure time are the kernel's. (libfaketime allocates memory when it is first asked for the time,
 * and the allocator of Redis asks before it can.)
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "core/banned.h"

static _Atomic int64_t still;
static _Atomic int64_t *ahead = &still;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("MOVED_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED)
		ahead = mapped;
	close(fd);
}

int
clock_gettime(clockid_t clock, struct timespec *at)
{
	int failed = (int)syscall(SYS_clock_gettime, clock, at);

	if (failed == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		at->tv_sec += atomic_load(ahead);
	return failed;
}

int
gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at != NULL)
		*at = now.tv_sec;
	return now.tv_sec;
}
