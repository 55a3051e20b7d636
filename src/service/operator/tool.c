/* See tool.h. */
#include "service/operator/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"

#include "core/banned.h"

#define TOOL_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Reads until the end or the deadline. What is more than the buffer holds is read and dropped: the
 * command must not fail because nobody reads on. False: the deadline has passed.
 */
static bool
drain(int fd, char *out, size_t size, int64_t deadline)
{
	char dropped[4096];
	size_t len = 0;
	bool ok = true;

	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_monotonic();
		bool full = len + 1 == size;
		ssize_t n;

		if (left <= 0 || poll(&pfd, 1, (int)(left / US_PER_MS) + 1) == 0) {
			ok = false;
			break;
		}
		n = full ? read(fd, dropped, sizeof(dropped)) : read(fd, out + len, size - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		len += n > 0 && !full ? (size_t)n : 0;
	}
	out[len] = '\0';
	return ok;
}

/* Standard input of the command: a pipe that holds all of it, or /dev/null. */
static bool
input_give(posix_spawn_file_actions_t *actions, const char *input, int *read_end)
{
	size_t len = input != NULL ? strlen(input) : 0;
	int fd[2];

	*read_end = -1;
	if (input == NULL)
		return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null",
			   O_RDONLY, 0) == 0;
	if (len > TOOL_INPUT_MAX || pipe2(fd, O_CLOEXEC) < 0)
		return false;
	*read_end = fd[0];
	if (write(fd[1], input, len) != (ssize_t)len) /* a pipe takes this much at once */
		len = TOOL_INPUT_MAX + 1;
	close(fd[1]);
	return len <= TOOL_INPUT_MAX &&
	    posix_spawn_file_actions_adddup2(actions, fd[0], STDIN_FILENO) == 0;
}

static bool
command_start(const struct tool *tool, int out_fd, pid_t *pid)
{
	char *const env[] = { (char[]) { TOOL_PATH }, (char[]) { "LC_ALL=C.UTF-8" }, NULL };
	posix_spawn_file_actions_t actions;
	int in_fd;
	bool ok;

	posix_spawn_file_actions_init(&actions);
	ok = input_give(&actions, tool->input, &in_fd);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out_fd, STDERR_FILENO);
	/* posix_spawnp() searches the PATH of this process */
	setenv("PATH", TOOL_PATH + strlen("PATH="), 1);
	ok = ok &&
	    posix_spawnp(pid, tool->argv[0], &actions, NULL, (char *const *)(uintptr_t)tool->argv,
		env) == 0;
	posix_spawn_file_actions_destroy(&actions);
	if (in_fd >= 0)
		close(in_fd);
	return ok;
}

bool
tool_call(const struct tool *tool, char *out, size_t size, bool *found)
{
	int pipe_fd[2], status = 0;
	bool in_time;
	pid_t pid;

	*found = false;
	out[0] = '\0';
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return false;
	*found = command_start(tool, pipe_fd[1], &pid);
	close(pipe_fd[1]);
	if (!*found) {
		close(pipe_fd[0]);
		return false;
	}
	in_time = drain(pipe_fd[0], out, size, clock_monotonic() + tool->deadline_ms * US_PER_MS);
	close(pipe_fd[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool
tool_run(const char *const *argv, char out[TOOL_OUTPUT_MAX], bool *found)
{
	const struct tool tool = { .argv = argv, .deadline_ms = TOOL_DEADLINE_MS };

	return tool_call(&tool, out, TOOL_OUTPUT_MAX, found);
}

const char *
tool_version(struct arena *arena, const char *text, const char *before)
{
	const char *p = strstr(text, before);

	if (p == NULL)
		return "";
	p += strlen(before);
	return arena_strndup(arena, p, strcspn(p, " \r\n"));
}
