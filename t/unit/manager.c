/* What the service manager is told: sd_notify(3)'s protocol, at the watchdog's pace. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/manager.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static int listener;

/* Listens where NOTIFY_SOCKET says; `name` begins with @ or /. */
static bool
listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = str_copy(address.sun_path, sizeof(address.sun_path), name);

	if (*name == '@')
		address.sun_path[0] = '\0';
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return bind(listener, (struct sockaddr *)&address,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0 &&
	    setenv("NOTIFY_SOCKET", name, 1) == 0;
}

/* The message that waits, or "". */
static const char *
told(void)
{
	static char text[64];
	ssize_t n = recv(listener, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

int
main(void)
{
	char name[64];

	manager_ready();
	manager_alive();
	ok(manager_patience_ms() == INT_MAX, "nobody watches: a turn may wait");

	snprintf(name, sizeof(name), "@mn-manager-%d", (int)getpid());
	ok(listen_at(name), "an abstract socket");
	manager_ready();
	ok(str_eq(told(), "READY=1") && str_eq(told(), ""), "ready, once");
	manager_alive();
	ok(str_eq(told(), ""), "no watchdog, no message");

	setenv("WATCHDOG_USEC", "30000000", 1);
	ok(manager_patience_ms() == 10000, "three turns within the watchdog's time");
	manager_alive();
	ok(str_eq(told(), "WATCHDOG=1"), "the first turn tells");
	manager_alive();
	ok(str_eq(told(), ""), "the next one is too early");
	setenv("WATCHDOG_PID", "1", 1);
	ok(manager_patience_ms() == INT_MAX, "a watchdog of another process");
	close(listener);
	return done_testing();
}
