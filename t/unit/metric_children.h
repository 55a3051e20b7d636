/*
 * Processes that count: each opens the metrics of one run directory by itself, as after a restart.
 * Use them only before the test itself has opened the metrics, because children inherit the
 * mapping.
 */
#ifndef MN_T_UNIT_METRIC_CHILDREN_H
#define MN_T_UNIT_METRIC_CHILDREN_H

#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "core/metric.h"

static char dir[] = "/tmp/metric-XXXXXX";

static inline bool
open_metrics(void)
{
	struct error err;

	error_clear(&err);
	if (metric_open(dir, &err))
		return true;
	printf("# %s %s\n", err.message, err.detail);
	return false;
}

/* Runs a function in a process that opens the metrics itself, as after a restart. */
static inline pid_t
start(void (*run)(int), int arg)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!open_metrics())
		_exit(1);
	run(arg);
	_exit(0);
}

static inline bool
ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline void
await(_Atomic int *flag, int value)
{
	while (atomic_load(flag) < value)
		usleep(100);
}

static inline double
value_of(enum metric metric, struct metric_values values)
{
	struct metric_point point;

	metric_read(metric, values, &point);
	return point.value;
}

static inline int
remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void
clear_dir(void)
{
	nftw(dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}

/* A new directory for the tests that follow, whose processes open the metrics themselves. */
static inline void
fresh_dir(void)
{
	clear_dir();
	mkdir(dir, 0700);
}

#endif
