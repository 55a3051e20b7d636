/* The gate of decoders: as many as it has bytes, and a place ends with its process. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "service/processing/gate.h"
#include "t/unit/tap.h"

#include "core/banned.h"

#define QUIET_MS 100
#define PATIENCE_MS 10000

static struct gate gate;
static volatile sig_atomic_t stop;

/* A process that enters and stays; *entered becomes readable once it is in. */
static pid_t
decoder(int *entered)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		if (gate_enter(&gate, &stop) < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	*entered = ends[0];
	return pid;
}

static bool
entered(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN) != 0;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	pid_t first, second, third;
	int a, b, c, place;

	gate = (struct gate) { gate_open(), GATE_WIDTH, 2 };
	ok(gate.fd >= 0, "a gate");
	first = decoder(&a);
	second = decoder(&b);
	ok(entered(a, PATIENCE_MS) && entered(b, PATIENCE_MS), "two decode");
	third = decoder(&c);
	ok(!entered(c, QUIET_MS), "a third waits");
	gate.first = 0;
	place = gate_enter(&gate, &stop);
	ok(place == 0, "another queue has places of its own");
	gate_leave(&gate, place);
	end(first);
	ok(entered(c, PATIENCE_MS), "a place ends with its process, however that ends");
	gate.first = GATE_WIDTH;
	stop = 1;
	ok(gate_enter(&gate, &stop) < 0, "one that is told to stop does not wait");
	end(second);
	end(third);
	return done_testing();
}
