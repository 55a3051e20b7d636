/*
 * Master of a pool: owns the listening socket, forks workers and replaces those that end, with
 * back-off. SIGHUP replaces the workers one by one, SIGTERM lets them finish and ends the pool. An
 * inherited socket (sd_listen_fds(3) protocol: LISTEN_PID, LISTEN_FDS) that is bound to the pool's
 * path is used in place of a new one: clients wait in its backlog while the pool is started again.
 */
#ifndef MN_HTTP_PREFORK_H
#define MN_HTTP_PREFORK_H

#include <signal.h>
#include <stdbool.h>

struct error;
struct log;

#define PREFORK_BACKLOG 1024
#define PREFORK_WORKERS_MAX 256
#define PREFORK_SLOTS (PREFORK_WORKERS_MAX * 2) /* old and new workers side by side */
#define PREFORK_DRAIN_MS 20000                  /* then SIGKILL */
#define PREFORK_BACKOFF_MAX_MS 2000
/* exit status of a worker whose request took more memory than is allowed; it was answered */
#define PREFORK_EXIT_MEMORY 3

typedef int prefork_worker_fn(void *context, int listen_fd); /* returns the exit status */

struct prefork {
	const char *socket_path;
	const char *socket_group; /* "" = own */
	const char *pid_path;     /* or NULL */
	int workers;
	int workers_max; /* while all are busy; not more than `workers`: the pool does not grow */
	prefork_worker_fn *run;
	void *context;
	struct log *log;
};

#define PREFORK_INHERIT_MAX 64
/* Takes the sockets that this process was started with, for all masters that it will be or fork. */
void prefork_inherit(void);
/* Returns the exit status of the master. A live master on the same socket: EX_TEMPFAIL (75). */
int prefork_run(const struct prefork *);
/* The signals that a master waits for, and the process that forks masters. */
void prefork_signals(sigset_t *);

#endif
