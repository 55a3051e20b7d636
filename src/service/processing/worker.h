/*
 * The supervisor of medianest-worker: starts runners (runner.h) as places become free, each with
 * the first due jobs of its queue, renews the leases of all their jobs, wakes idle runners, and
 * kills runners whose job takes too long.
 *
 * It listens on mn_jobs (only a wake-up: it checks every worker.poll anyway), voids cached
 * responses on mn_catalogue, and makes sure that every periodic job exists. If a runner dies, its
 * job is tried again and its other jobs are given back; if the supervisor dies, its runners die too
 * and their leases expire. On `stop` the runners are told and have WORKER_GRACE to finish their job
 * or give it back; then the supervisor kills the rest and gives their jobs back.
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
#define WORKER_ENSURE_SECONDS 60 /* between checks that the periodic jobs exist */
#define WORKER_HEARTBEATS 3      /* within a lease */
#define WORKER_RETRY_MS 1000     /* while the database is unavailable */

struct worker {
	struct config *config;
	const struct log *log;
	const struct sandbox *sandbox;
	const struct job_kind *kinds; /* ends with kind NULL */
	const volatile sig_atomic_t *stop;
	/* signal mask for waiting: only it lets in SIGCHLD and the signals that set *stop */
	sigset_t waiting;
};

/* Returns the exit status once it is stopped and has no more runners. */
int worker_run(struct worker *);

#endif
