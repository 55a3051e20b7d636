/*
 * The sandbox: the trial run in each mode, and restrictions of a program inside. Needs
 * medianest-media, built beside it or installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/error.h"
#include "core/str.h"
#include "service/processing/sandbox.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static bool
refused(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

static const char *
inside(const char *scratch, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	return path;
}

/* In the confined process: 0, or the number of what it could do. */
static int
reach_out(const char *scratch, bool landlock)
{
	const struct f_owner_ex owner = { F_OWNER_PID, getppid() };
	const struct rlimit none = { 0, 0 };
	int status = -1, out[2];

	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		return 2;
	if (unshare(CLONE_NEWUSER) == 0)
		return 3;
	if (open(inside(scratch, SANDBOX_INPUT), O_RDONLY) < 0)
		return 4;
	if (open(inside(scratch, SANDBOX_OUTPUT "/x"), O_WRONLY | O_CREAT, 0600) < 0)
		return 5;
	if (landlock && open("/etc/passwd", O_RDONLY) >= 0)
		return 6;
	if (landlock && open("/tmp", O_RDONLY | O_DIRECTORY) >= 0)
		return 7;
	if (landlock && sandbox_landlock_abi() >= 3 &&
	    !refused(truncate(inside(scratch, "outside"), 0)))
		return 8;
	if (!refused(kill(getppid(), 0)) || !refused(kill(-1, 0)))
		return 9;
	if (!refused(prlimit(getppid(), RLIMIT_CPU, &none, NULL)))
		return 10;
	if (pipe(out) != 0 || !refused(fcntl(out[0], F_SETOWN, getppid())) ||
	    !refused(fcntl(out[0], F_SETOWN_EX, &owner)))
		return 11;
	if (!refused(mkdir(inside(scratch, SANDBOX_OUTPUT "/d"), 0700)) ||
	    !refused(unlink(inside(scratch, SANDBOX_OUTPUT "/x"))) ||
	    !refused(open(inside(scratch, SANDBOX_OUTPUT), O_TMPFILE | O_RDWR, 0600)))
		return 12;
	if (!refused(setsid()) || !refused(setpgid(0, 0)))
		return 13;
	if (!refused(chmod(inside(scratch, SANDBOX_OUTPUT), 0)) ||
	    !refused(chown(inside(scratch, SANDBOX_OUTPUT "/x"), getuid(), getgid())) ||
	    !refused(setxattr(inside(scratch, SANDBOX_OUTPUT "/x"), "user.x", "", 0, 0)))
		return 16;
	if (!refused(shmget(IPC_PRIVATE, 1, 0600)) || !refused(semget(IPC_PRIVATE, 1, 0600)) ||
	    !refused(msgget(IPC_PRIVATE, 0600)))
		return 17;
	if (truncate(inside(scratch, SANDBOX_OUTPUT "/x"), 0) != 0 || raise(SIGURG) != 0)
		return 14;
	if (fork() == 0) /* threads and children still work */
		_exit(0);
	return wait(&status) > 0 && status == 0 ? 0 : 15;
}

static void
fill(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		abort();
	close(fd);
}

/* Runs in a child that has locked itself in; the exit status tells what was possible. */
static int
confined(bool landlock)
{
	char scratch[] = "/tmp/mn-sandbox-XXXXXX";
	int status = -1;
	pid_t pid;

	if (mkdtemp(scratch) == NULL)
		return -1;
	fill(inside(scratch, SANDBOX_INPUT));
	fill(inside(scratch, "outside"));
	mkdir(inside(scratch, SANDBOX_OUTPUT), 0700);
	pid = fork();
	if (pid == 0)
		_exit(sandbox_filter_self("/bin/true", scratch, landlock) ?
			reach_out(scratch, landlock) :
			1);
	waitpid(pid, &status, 0);
	unlink(inside(scratch, SANDBOX_OUTPUT "/x"));
	rmdir(inside(scratch, SANDBOX_OUTPUT));
	unlink(inside(scratch, SANDBOX_INPUT));
	unlink(inside(scratch, "outside"));
	rmdir(scratch);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static volatile sig_atomic_t stop;

static void
stop_now(int sig)
{
	stop = sig;
}

static bool
no_line(void *arg, const char *line, size_t len)
{
	return arg == NULL && line[len] == '\0';
}

/* A decoder that closes its output and goes on: the run ends when it is told to. */
static bool
silent(struct error *err)
{
	static const char script[] = "#!/bin/sh\nexec >&- 2>&-\nexec sleep 30\n";
	const struct itimerval soon = { .it_value.tv_usec = 500000 };
	struct sandbox box = { .mode = SANDBOX_SECCOMP };
	const struct sandbox_terms terms = { .max_pixels = 1, .seconds = 60 };
	char scratch[] = "/tmp/mn-sandbox-XXXXXX";
	bool ended;
	int fd;

	if (mkdtemp(scratch) == NULL)
		return true;
	fill(inside(scratch, SANDBOX_INPUT));
	mkdir(inside(scratch, SANDBOX_OUTPUT), 0700);
	snprintf(box.program, sizeof(box.program), "%s/decoder", scratch);
	fd = open(box.program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	if (write(fd, script, sizeof(script) - 1) != (ssize_t)sizeof(script) - 1)
		abort();
	close(fd);
	signal(SIGALRM, stop_now);
	setitimer(ITIMER_REAL, &soon, NULL);
	ended = sandbox_run(&box, scratch, &terms, no_line, NULL, &stop, err);
	unlink(box.program);
	rmdir(inside(scratch, SANDBOX_OUTPUT));
	unlink(inside(scratch, SANDBOX_INPUT));
	rmdir(scratch);
	return ended;
}

int
main(void)
{
	struct error err;
	int fd = sandbox_filter_fd(), status;
	off_t size;

	ok(fd >= 0, "the filter compiles");
	size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ok(size > 0 && size % 8 == 0, "to %ld bytes of BPF", (long)size);
	status = confined(false);
	ok(status == 0,
	    "system call filter: no sockets, no signals, nothing unseen; the rest works (%d)",
	    status);
	if (sandbox_landlock_abi() > 0) {
		status = confined(true);
		ok(status == 0, "Landlock: scratch only (%d)", status);
	} else {
		ok(true, "# SKIP this kernel has no Landlock");
	}
	error_clear(&err);
	ok(!silent(&err) && str_eq(err.slug, "stopped"), "a decoder without output is stopped: %s",
	    err.message);
	return done_testing();
}
