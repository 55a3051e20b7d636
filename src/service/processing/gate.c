#include "service/processing/gate.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "core/banned.h"

#define NS_PER_MS 1000000L

int
gate_open(void)
{
	return memfd_create("decoders", MFD_CLOEXEC);
}

static bool
set(const struct gate *g, int byte, short type)
{
	const struct flock lock = { .l_type = type, .l_start = byte, .l_len = 1 };

	return fcntl(g->fd, F_SETLK, &lock) == 0;
}

int
gate_enter(const struct gate *g, const volatile sig_atomic_t *stop)
{
	const struct timespec look = { .tv_nsec = GATE_LOOK_MS * NS_PER_MS };

	for (; !*stop; nanosleep(&look, NULL))
		for (int byte = g->first; byte < g->first + g->n; byte++)
			if (set(g, byte, F_WRLCK))
				return byte;
	return -1;
}

void
gate_leave(const struct gate *g, int byte)
{
	set(g, byte, F_UNLCK);
}
