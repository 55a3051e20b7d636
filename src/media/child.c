#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "media/child.h"

#include "core/banned.h"

#define READ_SIZE 65536
#define EXEC_FAILED 127

/* Keeps the end of a text in a buffer of fixed size. */
static void
keep_tail(char *tail, const char *bytes, size_t n)
{
	size_t have = strlen(tail), drop;

	if (n > CHILD_STDERR_KEEP) {
		bytes += n - CHILD_STDERR_KEEP;
		n = CHILD_STDERR_KEEP;
	}
	if (have + n > CHILD_STDERR_KEEP) {
		drop = have + n - CHILD_STDERR_KEEP;
		memmove(tail, tail + drop, have - drop);
		have -= drop;
	}
	memcpy(tail + have, bytes, n);
	tail[have + n] = '\0';
}

static pid_t
start(const char *const *argv, int seconds, int out, int errors, pid_t parent)
{
	pid_t pid = fork();
	int null;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	/* Pictures are maps of their own, which end with them. */
	setenv("MALLOC_MMAP_THRESHOLD_", CHILD_MMAP_THRESHOLD, 1);
	/* Where the sandbox lets its processes signal none, the child ends itself. */
	alarm((unsigned)seconds);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(EXEC_FAILED);
}

/* Reads a readable descriptor; false at its end. */
static bool
drain(int fd, child_sink_fn *sink, void *arg, char *tail)
{
	static char buf[READ_SIZE];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (tail != NULL)
		keep_tail(tail, buf, (size_t)n);
	else if (sink != NULL)
		sink(arg, buf, (size_t)n);
	return true;
}

/* Reads both pipes until they close; false when the time is over. */
static bool
pump(int out, int errors, int64_t until, child_sink_fn *sink, void *arg, char *tail)
{
	struct pollfd fds[2] = { { .fd = out, .events = POLLIN },
		{ .fd = errors, .events = POLLIN } };
	int64_t left;

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		left = until - clock_monotonic();
		if (left <= 0)
			return false;
		if (poll(fds, 2, (int)(left / US_PER_MS) + 1) < 0 && errno != EINTR)
			return false;
		if (fds[0].fd >= 0 && fds[0].revents != 0 && !drain(out, sink, arg, NULL))
			fds[0].fd = -1;
		if (fds[1].fd >= 0 && fds[1].revents != 0 && !drain(errors, NULL, NULL, tail))
			fds[1].fd = -1;
	}
	return true;
}

bool
child_run(const char *const *argv, int seconds, child_sink_fn *sink, void *arg,
    struct child_result *result, struct error *err)
{
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 }, status = 0;
	int64_t until = clock_monotonic() + seconds * US_PER_SEC;
	pid_t pid;
	bool in_time;

	result->messages[0] = '\0';
	if (pipe2(out, O_CLOEXEC) != 0)
		return error_slug(err, ERR_INTERNAL, "internal", "A pipe could not be created.");
	if (pipe2(errors, O_CLOEXEC) != 0) {
		close(out[0]);
		close(out[1]);
		return error_slug(err, ERR_INTERNAL, "internal", "A pipe could not be created.");
	}
	pid = start(argv, seconds, out[1], errors[1], getpid());
	close(out[1]);
	close(errors[1]);
	in_time = pid > 0 && pump(out[0], errors[0], until, sink, arg, result->messages);
	close(out[0]);
	close(errors[0]);
	if (pid < 0)
		return error_slug(err, ERR_INTERNAL, "internal", "%s could not be started.",
		    argv[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM))
		return error_slug(err, ERR_UNPROCESSABLE, "timeout",
		    "The file took too long to process.");
	result->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (result->status == EXEC_FAILED)
		return error_slug(err, ERR_INTERNAL, "internal", "%s is not installed.", argv[0]);
	/* ffmpeg may end well and leave half of its output. This says nothing about the file. */
	if (strstr(result->messages, strerror(ENOSPC)) != NULL ||
	    strstr(result->messages, strerror(EDQUOT)) != NULL)
		return error_set(err, ERR_STORAGE_FULL, "The disk for previews is full.");
	if (result->status == 128 + SIGXCPU || result->status == 128 + SIGKILL ||
	    result->status == 128 + SIGXFSZ)
		return error_slug(err, ERR_UNPROCESSABLE, "resource_limit",
		    "The file needs more time or memory than is allowed for one file.");
	return true;
}
