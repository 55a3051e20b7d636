/*
 * The supervisor of medianest-worker: starts runners (runner.h) as places become free, each with
 * the first jobs of its queue that are due, keeps the leases of all that they hold alive, wakes
 * those that idle, and kills those whose job takes too long.
 *
 * It listens on mn_jobs (a wake-up only: it looks every worker.poll anyway), voids cached answers
 * on mn_catalogue, and sees to it that every periodic job exists. A runner that dies has its job
 * tried again, and gives back the others that it had taken; a supervisor that dies takes its
 * runners along, and their leases run out. On `stop` the runners are told, have WORKER_GRACE to
 * finish their job or give it back, and what is left is killed and given back for them.
 */
#ifndef MN_SERVICE_PROCESSING_WORKER_H
#define MN_SERVICE_PROCESSING_WORKER_H

#include <signal.h>
#include <stdbool.h>

struct config;
struct job_kind;
struct log;
struct sandbox;

#define WORKER_PLACES_MAX 160
#define WORKER_GRACE 20          /* seconds */
#define WORKER_ENSURE_SECONDS 60 /* between looks whether periodic jobs are there */
#define WORKER_HEARTBEATS 3      /* within a lease */
#define WORKER_RETRY_MS 1000     /* while the database is away */

struct worker {
	struct config *config;
	const struct log *log;
	const struct sandbox *sandbox;
	const struct job_kind *kinds; /* ends with kind NULL */
	const volatile sig_atomic_t *stop;
	/* signal mask to wait with: SIGCHLD and those that set *stop are open only there */
	sigset_t waiting;
};

/* Returns when stopped and empty: the exit status. */
int worker_run(struct worker *);

#endif
