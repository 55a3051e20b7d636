/*
 * The job queue: rows in PostgreSQL, taken with FOR UPDATE SKIP LOCKED, fenced by a lease token
 * that is the runner's own. store_job_add() runs inside the caller's transaction, together with the
 * change that needs the job; NOTIFY mn_jobs wakes the worker.
 *
 * A periodic job is one row that never ends: with its completion, or when it is given up, it is due
 * again later. Its unique key keeps it from existing twice.
 */
#ifndef MN_STORE_JOBS_H
#define MN_STORE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/id.h"
#include "model/job.h"
#include "store/pg.h"

struct arena;
struct error;

#define JOB_KEEP_DAYS 7   /* finished jobs */
#define JOB_ERROR_MAX 500 /* bytes of last_error */
#define JOB_BATCH_MAX 64  /* jobs taken at once; a number that SQL reads too */

extern const struct query store_jobs_queries[];

bool store_job_add(struct db *, struct arena *, const struct job_new *, struct error *);
/*
 * Makes sure that each periodic job is there, in its queue, and due within its period: the first
 * time at once.
 */
bool store_jobs_ensure(struct db *, struct arena *, const struct job_periodic *, size_t n,
    struct error *);

struct job_claim {
	const char *queue;
	const char *lease; /* UUID of the runner; what it holds is found by it */
	int lease_seconds;
	/*
	 * One job is taken, or when the first that is due is of one of these kinds, as many of
	 * these as are at hand up to JOB_BATCH_MAX. Array text (db_array).
	 */
	const char *batch_kinds;
	/* jobs that this lease holds and that are completed first, in the same transaction */
	const char *const *finished;
	size_t nfinished;
};
/*
 * Takes what is due, or a job whose lease ran out; *n = 0 when there is nothing. Counts the
 * attempts. `completed`: of the finished ones, those that were still held; may be NULL.
 */
bool store_jobs_take(struct db *, struct arena *, const struct job_claim *, struct job **jobs,
    size_t *n, size_t *completed, struct error *);
/* Completes many jobs that have no effects in the database. *completed as above. */
bool store_jobs_done(struct db *, struct arena *, const char *lease, const char *const *ids,
    size_t n, size_t *completed, struct error *);
/* A job that is still held by the lease; job->id NULL: it is not. */
bool store_job_held(struct db *, struct arena *, const char *id, const char *lease, struct job *,
    struct error *);
/*
 * Puts off the end of all that is held by these leases. `alive`: the leases that hold anything;
 * unordered.
 */
bool store_jobs_heartbeat(struct db *, struct arena *, struct strings leases, int lease_seconds,
    struct strings *alive, struct error *);
/*
 * Inside the transaction of the effects. False with ERR_CONFLICT (slug lease_lost) when another
 * worker has it: then the caller rolls back.
 */
bool store_job_done(struct db *, struct arena *, const struct job *, struct error *);
/*
 * Due again after a pause (one of the JOB_BACKOFFS of backoff_s, by the number of the attempt, give
 * or take a quarter), or dead at the last attempt or when `final`; *dead tells. A periodic job is
 * due after its period then. ERR_CONFLICT lease_lost as above.
 */
bool store_job_failed(struct db *, struct arena *, const struct job *, const char *message,
    bool final, const int *backoff_s, bool *dead, struct error *);
/*
 * Gives back all that the lease holds as if it had not been taken: what a runner that ended had
 * not begun.
 */
bool store_jobs_release(struct db *, struct arena *, const char *lease, struct error *);
/* Removes finished jobs older than JOB_KEEP_DAYS, at most `limit`. */
bool store_jobs_expire(struct db *, struct arena *, int limit, int64_t *removed, struct error *);

#endif
