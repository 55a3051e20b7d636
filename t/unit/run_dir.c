/* Locks, process ids and notes of the run directory. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "core/run_dir.h"
#include "core/str.h"
#include "t/unit/tap.h"

#include "core/banned.h"

static char dir[] = "/tmp/mn-run-dir-XXXXXX";

static void
path_of(char *out, const char *name)
{
	snprintf(out, RUN_PATH_MAX, "%s/%s", dir, name);
}

/* The result of another process that asks for the lock. */
static enum run_lock
lock_in_child(const char *path)
{
	int status, fd;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)run_lock(path, 0600, &fd));
	waitpid(pid, &status, 0);
	return (enum run_lock)WEXITSTATUS(status);
}

/* A process that holds the lock until it is killed. */
static pid_t
hold_in_child(const char *path)
{
	int ready[2], fd;
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (run_lock(path, 0600, &fd) == RUN_LOCK_TAKEN && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

static void
check_locks(void)
{
	char path[RUN_PATH_MAX], text[32];
	int64_t pid;
	pid_t holder;
	int fd;

	path_of(path, "a.pid");
	ok(run_lock(path, 0644, &fd) == RUN_LOCK_TAKEN && run_pid_write(path, fd), "taken");
	ok(lock_in_child(path) == RUN_LOCK_BUSY, "another process finds it busy");
	ok(run_note_read(path, text, sizeof(text)) && str_to_int(text, 1, INT32_MAX, &pid) &&
		pid == getpid(),
	    "the file names the process");
	close(fd);
	ok(lock_in_child(path) == RUN_LOCK_TAKEN, "given back");
	holder = hold_in_child(path);
	ok(holder > 0 && lock_in_child(path) == RUN_LOCK_BUSY, "held by a child");
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	ok(lock_in_child(path) == RUN_LOCK_TAKEN, "it ends with a process that is killed");
	path_of(path, "no/such/directory");
	ok(run_lock(path, 0600, &fd) == RUN_LOCK_FAILED && fd == -1, "a path that is not there");
	path_of(path, "link");
	ok(symlink("/tmp/mn-run-dir-elsewhere", path) == 0 &&
		run_lock(path, 0600, &fd) == RUN_LOCK_FAILED && !run_pid_write(path, -1),
	    "a symbolic link is not followed");
}

static void
check_notes(void)
{
	char path[RUN_PATH_MAX], text[8];
	struct error err;
	struct stat st;

	path_of(path, "note");
	ok(!run_note_read(path, text, sizeof(text)), "no note yet");
	ok(run_note_write(path, "long enough\n") && run_note_read(path, text, sizeof(text)) &&
		str_eq(text, "long en"),
	    "a note is read as far as there is room");
	ok(run_note_write(path, "b\nc\n") && run_note_read(path, text, sizeof(text)) &&
		str_eq(text, "b"),
	    "a shorter one replaces it, and its first line is read");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0644, "everyone may read it");
	ok(!run_socket_grant(path, "no-such-group-here", &err) &&
		strstr(err.message, "no-such-group-here") != NULL,
	    "a group that does not exist is named");
	ok(run_socket_grant(path, "", &err) && stat(path, &st) == 0 && (st.st_mode & 0777) == 0660,
	    "without a group the mode is set");
}

int
main(void)
{
	char command[sizeof(dir) + 16];

	if (mkdtemp(dir) == NULL)
		return 1;
	check_locks();
	check_notes();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	ok(system(command) == 0, "tidied up");
	return done_testing();
}
