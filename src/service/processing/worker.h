/*
 * The supervisor of medianest-worker: takes jobs as places become free, runs each in a child
 * process, keeps their leases alive.
 *
 * It listens on mn_jobs (a wake-up only: it looks every worker.poll anyway), voids cached answers
 * on mn_catalogue, and has housekeeping done. A child that dies has its job tried again; a
 * supervisor that dies takes its children along, and their leases run out. On `stop` the children
 * are told, have WORKER_GRACE to give their jobs back, and what is left is killed and given back
 * for them.
 */
#ifndef MN_SERVICE_PROCESSING_WORKER_H
#define MN_SERVICE_PROCESSING_WORKER_H

#include <signal.h>
#include <stdbool.h>

struct config;
struct log;
struct sandbox;

#define WORKER_PLACES_MAX 160
#define WORKER_GRACE 20 /* seconds */
/* seconds past media.timeout after which a job's process is taken for stuck */
#define WORKER_TRANSFER 3600
#define WORKER_HEARTBEATS 3  /* within a lease */
#define WORKER_RETRY_MS 1000 /* while the database is away */

struct worker {
	struct config *config;
	const struct log *log;
	const struct sandbox *sandbox;
	const volatile sig_atomic_t *stop;
	/* signal mask to wait with: SIGCHLD and those that set *stop are open only there */
	sigset_t waiting;
};

/* Returns when stopped and empty: the exit status. */
int worker_run(struct worker *);

#endif
