/*
 * The sandbox: the trial run in each mode, and restrictions of a program inside. Needs
 * medianest-media, built beside it or installed.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "service/processing/sandbox.h"
#include "t/unit/tap.h"

#include "core/banned.h"

/* Runs in a child that has locked itself in; the exit status tells what was possible. */
static int
confined(bool landlock)
{
	char scratch[] = "/tmp/mn-sandbox-XXXXXX", path[64];
	int status = -1, fd;
	pid_t pid;

	if (mkdtemp(scratch) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/" SANDBOX_INPUT, scratch);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	snprintf(path, sizeof(path), "%s/" SANDBOX_OUTPUT, scratch);
	mkdir(path, 0700);
	pid = fork();
	if (pid == 0) {
		if (!sandbox_filter_self("/bin/true", scratch, landlock))
			_exit(1);
		if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
			_exit(2);
		if (unshare(CLONE_NEWUSER) == 0)
			_exit(3);
		snprintf(path, sizeof(path), "%s/" SANDBOX_INPUT, scratch);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			_exit(4);
		snprintf(path, sizeof(path), "%s/" SANDBOX_OUTPUT "/x", scratch);
		if (open(path, O_WRONLY | O_CREAT, 0600) < 0)
			_exit(5);
		if (landlock && open("/etc/passwd", O_RDONLY) >= 0)
			_exit(6);
		if (landlock && open("/tmp", O_RDONLY | O_DIRECTORY) >= 0)
			_exit(7);
		if (fork() == 0) /* threads and children still work */
			_exit(0);
		_exit(wait(&status) > 0 && status == 0 ? 0 : 8);
	}
	waitpid(pid, &status, 0);
	snprintf(path, sizeof(path), "%s/" SANDBOX_OUTPUT "/x", scratch);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" SANDBOX_OUTPUT, scratch);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/" SANDBOX_INPUT, scratch);
	unlink(path);
	rmdir(scratch);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
main(void)
{
	int fd = sandbox_filter_fd(), status;
	off_t size;

	ok(fd >= 0, "the filter compiles");
	size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ok(size > 0 && size % 8 == 0, "to %ld bytes of BPF", (long)size);
	status = confined(false);
	ok(status == 0,
	    "system call filter: no sockets, no namespaces, files and children work (%d)", status);
	if (sandbox_landlock_abi() > 0) {
		status = confined(true);
		ok(status == 0, "Landlock: scratch only (%d)", status);
	} else {
		ok(true, "# SKIP this kernel has no Landlock");
	}
	return done_testing();
}
