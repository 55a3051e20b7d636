/* Workers of a pool that end are replaced, and counted by how they ended. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "core/metric.h"
#include "http/prefork.h"
#include "t/unit/metric_children.h"
#include "t/unit/tap.h"
#include "core/banned.h"

#define POOL "tested"
#define WAIT_TENTHS 100

/* The first worker needs too much memory, the second fails, the third serves until it is told. */
static int
worker(void *context, int listen_fd)
{
	static const int ends[] = { PREFORK_EXIT_MEMORY, 1 };
	unsigned n = (unsigned)atomic_fetch_add((_Atomic int *)context, 1);
	sigset_t stop;
	int got;

	(void)listen_fd;
	if (n < sizeof(ends) / sizeof(ends[0]))
		return ends[n];
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	sigwait(&stop, &got);
	return 0;
}

static int
ended(uint32_t how)
{
	return (int)value_of(METRIC_POOL_ENDED, LABELS(metric_label(LABEL_POOL, POOL), how));
}

int
main(void)
{
	_Atomic int *begun =
	    mmap(NULL, sizeof(*begun), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct log log = { .component = "test", .pool = POOL };
	char socket_path[64];
	pid_t master;

	if (begun == MAP_FAILED || mkdtemp(dir) == NULL || !open_metrics())
		return 1;
	snprintf(socket_path, sizeof(socket_path), "%s/pool.sock", dir);
	master = fork();
	if (master == 0)
		_exit(prefork_run(&(struct prefork) { .socket_path = socket_path,
		    .socket_group = "",
		    .workers = 1,
		    .run = worker,
		    .context = begun,
		    .log = &log }));
	for (int i = 0; i < WAIT_TENTHS && atomic_load(begun) < 3; i++)
		usleep(100000);
	ok(atomic_load(begun) == 3, "a worker that ended is replaced");
	ok(ended(VALUE_WORKER_MEMORY) == 1, "one ended because its request took too much memory");
	ok(ended(VALUE_WORKER_FAILED) == 1, "one failed");
	ok(ended(VALUE_WORKER_REPLACED) == 0, "none was replaced in an orderly way");
	kill(master, SIGTERM);
	ok(ended_well(master), "the master ends when it is told");
	ok(ended(VALUE_WORKER_REPLACED) == 1, "and its worker in an orderly way");
	clear_dir();
	return done_testing();
}
