/* Commands of the host that a backup needs, run without a shell. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/error.h"
#include "service/operator/backup_internal.h"

#include "core/banned.h"

#define TOOL_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENV_MAX 48
#define LOOK_MS 50
#define READ_MAX 8192 /* bytes of what it wrote */
#define SAID_MAX 300

int
backup_memory(const void *bytes, size_t len, struct error *err)
{
	int fd = memfd_create("medianest", MFD_CLOEXEC);

	if (fd >= 0 && (len == 0 || write(fd, bytes, len) == (ssize_t)len) &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	backup_file_failed("memory", err);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int64_t
size_of(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 ? st.st_size : 0;
}

/* False: it was killed, because it took too long or its file stopped growing. */
static bool
await(pid_t pid, const char *grows, int *status)
{
	int64_t began = clock_monotonic(), grown = began, size = 0;

	for (;;) {
		int64_t now = clock_monotonic(), seen;
		pid_t ended = waitpid(pid, status, WNOHANG);

		if (ended == pid)
			return true;
		if (ended < 0 && errno != EINTR)
			return false;
		seen = size_of(grows);
		if (seen != size)
			grown = now;
		size = seen;
		if (now - began > BACKUP_TOOL_HOURS * 3600 * US_PER_SEC ||
		    (grows != NULL && now - grown > BACKUP_TOOL_STALL_SECONDS * US_PER_SEC))
			break;
		poll(NULL, 0, LOOK_MS);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;
	return false;
}

static int
start(const struct backup_tool *tool, int said_fd, pid_t *pid)
{
	const char *env[ENV_MAX] = { TOOL_PATH, "LC_ALL=C.UTF-8" };
	posix_spawn_file_actions_t actions;
	size_t n = 2;
	int rc;

	for (size_t i = 0; tool->env != NULL && tool->env[i] != NULL && n + 1 < ENV_MAX; i++)
		env[n++] = tool->env[i];
	posix_spawn_file_actions_init(&actions);
	if (tool->in_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, tool->in_fd, STDIN_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (tool->out_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, tool->out_fd, STDOUT_FILENO);
	else
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, said_fd, STDERR_FILENO);
	if (tool->secret_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, tool->secret_fd, BACKUP_SECRET_FD);
	/* posix_spawnp() searches the PATH of this process */
	setenv("PATH", TOOL_PATH + strlen("PATH="), 1);
	rc = posix_spawnp(pid, tool->argv[0], &actions, NULL, (char *const *)(uintptr_t)tool->argv,
	    (char *const *)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* What it wrote, from its first error on, on one line. */
static void
said(int fd, char out[SAID_MAX + 1])
{
	char text[READ_MAX + 1];
	ssize_t n = pread(fd, text, READ_MAX, 0);
	const char *error;

	text[n > 0 ? n : 0] = '\0';
	error = strstr(text, "rror:");
	str_copy(out, SAID_MAX + 1, error != NULL ? error + strlen("rror:") : text);
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

bool
backup_tool_run(const struct backup_tool *tool, struct error *err)
{
	int said_fd = backup_memory("", 0, err), status = 0, rc;
	char text[SAID_MAX + 1];
	bool in_time;
	pid_t pid;

	if (said_fd < 0)
		return false;
	rc = start(tool, said_fd, &pid);
	if (rc != 0) {
		close(said_fd);
		return error_set(err, ERR_INTERNAL,
		    "%s cannot be run: %s. Install the package that contains it.", tool->argv[0],
		    strerror(rc));
	}
	in_time = await(pid, tool->grows, &status);
	said(said_fd, text);
	close(said_fd);
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	error_set(err, ERR_INTERNAL, in_time ? "%s failed." : "%s made no progress.",
	    tool->argv[0]);
	return error_detail(err, "%s", text);
}
