/*
 * Files in the run directory by which the processes of a host find each other: locks, process ids,
 * sockets, short notes.
 *
 * A lock is a record lock (fcntl(2)): it belongs to the process that took it, does not pass to
 * children, and ends with that process, however it ends. Do not open the same file twice in the
 * process that holds it: closing the second descriptor drops the lock.
 */
#ifndef MN_CORE_RUN_DIR_H
#define MN_CORE_RUN_DIR_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define RUN_PATH_MAX 4096

enum run_lock { RUN_LOCK_TAKEN, RUN_LOCK_BUSY, RUN_LOCK_FAILED /* see errno */ };

/* The lock lasts as long as *fd stays open. `mode` applies if the file is created. */
enum run_lock run_lock(const char *path, unsigned mode, int *fd);
/* Writes the process id into the file, mode 0644; false: see errno. `fd` -1: opens `path`. */
bool run_pid_write(const char *path, int fd);
/* Replaces a small text, readable by all, in one step: readers never see half of it. */
bool run_note_write(const char *path, const char *text);
/* Reads the first line of a small text; false if there is none. */
bool run_note_read(const char *path, char *text, size_t size);
/* Lets the group connect to a socket (0660); group "": the process's own. ERR_INTERNAL. */
bool run_socket_grant(const char *path, const char *group, struct error *);

#endif
