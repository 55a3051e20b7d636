#include "core/manager.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/str.h"
#include "core/banned.h"

#define TURNS 3 /* messages within the watchdog's time */

static void
tell(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* unix(7): an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

/* Microseconds between two messages; 0: nobody watches this process. */
static int64_t
interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t n;

	if (pid != NULL && (!str_to_int(pid, 1, INT32_MAX, &n) || n != getpid()))
		return 0;
	return usec != NULL && str_to_int(usec, TURNS, INT64_MAX, &n) ? n / TURNS : 0;
}

void
manager_ready(void)
{
	tell("READY=1");
}

void
manager_alive(void)
{
	static int64_t next;
	int64_t every = interval(), now;

	if (every == 0 || (now = clock_monotonic()) < next)
		return;
	next = now + every;
	tell("WATCHDOG=1");
}

int
manager_patience_ms(void)
{
	int64_t ms = interval() / US_PER_MS;

	return ms > 0 && ms < INT_MAX ? (int)ms : INT_MAX;
}
