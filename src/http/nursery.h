/*
 * One process for the masters of several pools. Each is forked from it, not started as a program of
 * its own, so all of them share what the dynamic linker and the libraries have written to memory,
 * which is most of the memory of an idle master.
 *
 * A master that ends is forked again, with back-off. SIGHUP is passed on to all masters; SIGTERM
 * drains all and ends this process. With a directory for logs, a file `hold/pool-NAME` in the run
 * directory keeps that pool down; SIGUSR1 makes the nursery look again.
 */
#ifndef MN_HTTP_NURSERY_H
#define MN_HTTP_NURSERY_H

#include <stddef.h>

struct log;

#define NURSERY_POOLS_MAX 32
#define NURSERY_DRAIN_MS 22000 /* then SIGKILL: longer than a master takes */

typedef int nursery_master_fn(void *context, size_t pool); /* returns the exit status */

struct nursery {
	const char *run_dir;
	const char *log_dir;      /* pool-NAME.log for what a pool writes; NULL: as this process */
	const char *const *names; /* of the pools */
	size_t n;
	nursery_master_fn *run;
	void *context;
	struct log *log;
};

/* Returns the exit status. */
int nursery_run(const struct nursery *);

#endif
