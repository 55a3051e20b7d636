/* At most half of the processes of a pool are inside calls to other servers. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/slots.h"
#include "core/error.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define HOLD_SECONDS 30 /* should the test end early */

/* A process that holds a slot until it is killed; 0: there was none for it. */
static pid_t
holder(const char *dir, int workers)
{
	char got = 0;
	int pipes[2], fd;
	pid_t pid;

	if (pipe(pipes) != 0 || (pid = fork()) < 0)
		return 0;
	if (pid == 0) {
		struct error err;

		alarm(HOLD_SECONDS);
		got = slot_enter(dir, "pool", workers, &fd, &err) ? 'y' : 'n';
		if (write(pipes[1], &got, 1) == 1 && got == 'y')
			pause();
		_exit(0);
	}
	close(pipes[1]);
	if (read(pipes[0], &got, 1) != 1 || got != 'y') {
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	close(pipes[0]);
	return pid;
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
	char dir[] = "/tmp/mn-slots-XXXXXX", path[64];
	struct error err;
	pid_t first, second;
	int fd;

	if (mkdtemp(dir) == NULL)
		return 1;
	error_clear(&err);
	ok((first = holder(dir, 4)) > 0, "one of four");
	ok((second = holder(dir, 4)) > 0, "another");
	ok(!slot_enter(dir, "pool", 4, &fd, &err), "but no third");
	is_int(err.code, ERR_UNAVAILABLE, "which is told to try again");
	ok(err.retry_after > 0, "and when");
	ok(slot_enter(dir, "other", 4, &fd, &err), "another pool has its own");
	slot_leave(fd);
	end(first);
	ok(slot_enter(dir, "pool", 4, &fd, &err), "a slot ends with its process");
	slot_leave(fd);
	ok((first = holder(dir, 4)) > 0, "and when it is left");
	end(first);
	end(second);
	ok((first = holder(dir, 1)) > 0, "a pool of one");
	ok(!slot_enter(dir, "pool", 1, &fd, &err), "has one");
	end(first);
	ok(slot_enter("", "pool", 1, &fd, &err), "without a run directory there is no limit");
	slot_leave(fd);
	snprintf(path, sizeof(path), "%s/outside-pool.lock", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/outside-other.lock", dir);
	unlink(path);
	rmdir(dir);
	return done_testing();
}
