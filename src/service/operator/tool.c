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

/* Reads until the end, the deadline or a full buffer. False: the deadline has passed. */
static bool
drain(int fd, char *out, size_t size, int64_t deadline)
{
	size_t len = 0;
	bool ok = true;

	while (ok && len + 1 < size) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - clock_monotonic();
		ssize_t n;

		if (left <= 0 || poll(&pfd, 1, (int)(left / US_PER_MS) + 1) == 0) {
			ok = false;
			break;
		}
		n = read(fd, out + len, size - 1 - len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	out[len] = '\0';
	return ok;
}

bool
tool_run(const char *const *argv, char out[TOOL_OUTPUT_MAX], bool *found)
{
	char *const env[] = { (char[]) { TOOL_PATH }, (char[]) { "LC_ALL=C.UTF-8" }, NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fd[2], status = 0, rc;
	bool in_time;
	pid_t pid;

	*found = false;
	out[0] = '\0';
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDERR_FILENO);
	/* posix_spawnp() searches the PATH of this process */
	setenv("PATH", TOOL_PATH + strlen("PATH="), 1);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fd[1]);
	*found = rc == 0;
	if (rc != 0) {
		close(pipe_fd[0]);
		return false;
	}
	in_time = drain(pipe_fd[0], out, TOOL_OUTPUT_MAX,
	    clock_monotonic() + TOOL_DEADLINE_MS * US_PER_MS);
	close(pipe_fd[0]);
	if (!in_time)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
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
