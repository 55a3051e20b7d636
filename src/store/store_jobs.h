/*
 * The job queue: rows in PostgreSQL, taken with FOR UPDATE SKIP LOCKED, fenced by the lease token
 * of the runner. store_job_add() runs inside the caller's transaction, together with the change
 * that needs the job; NOTIFY mn_jobs wakes the worker.
 *
 * A periodic job is one row that never ends: after its completion, or when it is given up, it is
 * scheduled again. Its unique key prevents duplicates.
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
#define JOB_BATCH_MAX 64  /* jobs taken at once; SQL uses this number too */

extern const struct query store_jobs_queries[];

bool store_job_add(struct db *, struct arena *, const struct job_new *, struct error *);
/* The same for many jobs that differ in payload and unique key only. */
bool store_jobs_add_each(struct db *, struct arena *, const struct job_new *like,
    struct strings payloads, struct strings unique_keys, struct error *);
/*
 * Makes sure that each periodic job exists in its queue and is due within its period, the first
 * time at once, and that no job waits for a time from before the clock was set back.
 */
bool store_jobs_ensure(struct db *, struct arena *, const struct job_periodic *, size_t n,
    int lease_seconds, struct error *);

struct job_claim {
	const char *queue;
	const char *lease; /* UUID of the runner; identifies its jobs */
	int lease_seconds;
	/*
	 * Takes one job; if the first due job is of one of these kinds, takes up to JOB_BATCH_MAX
	 * of these. Array text (db_array).
	 */
	const char *batch_kinds;
	/* jobs of this lease to complete first, in the same transaction */
	const char *const *finished;
	size_t nfinished;
};
/*
 * Takes due jobs, or a job whose lease has expired; *n = 0 if there are none. Counts the attempts.
 * `completed`: the finished jobs that the lease still held; may be NULL.
 */
bool store_jobs_take(struct db *, struct arena *, const struct job_claim *, struct job **jobs,
    size_t *n, size_t *completed, struct error *);
/* Completes jobs without effects in the database. *completed as above. */
bool store_jobs_done(struct db *, struct arena *, const char *lease, const char *const *ids,
    size_t n, size_t *completed, struct error *);
/* Reads a job if the lease still holds it; else job->id is NULL. */
bool store_job_held(struct db *, struct arena *, const char *id, const char *lease, struct job *,
    struct error *);
/* Extends these leases. `alive`: the leases that still hold jobs; unordered. */
bool store_jobs_heartbeat(struct db *, struct arena *, struct strings leases, int lease_seconds,
    struct strings *alive, struct error *);
/*
 * Inside the transaction of the job's effects. ERR_CONFLICT (slug lease_lost) if another worker has
 * the job: the caller then rolls back.
 */
bool store_job_done(struct db *, struct arena *, const struct job *, struct error *);
/* Replaces the payload of a held job: where the next run of a periodic job goes on. */
bool store_job_remember(struct db *, struct arena *, const struct job *, const char *payload,
    struct error *);
/*
 * Puts a held job off until then, uncounted, and with it all jobs of its kind that would come
 * before: whom they need is not to be asked. ERR_CONFLICT lease_lost as above.
 */
bool store_job_later(struct db *, struct arena *, const struct job *, int64_t until,
    struct error *);
/*
 * Gives a held job to another queue, uncounted. Of the jobs of a lane one is taken at a time (two
 * that are taken at the same moment may both run): a server that hangs holds one runner.
 */
bool store_job_hand_over(struct db *, struct arena *, const struct job *, const char *queue,
    const char *lane, struct error *);
/*
 * Gives up the unique key of a held job: what is wanted from now on is a job of its own, because
 * this one may have looked already at what has changed since.
 */
bool store_job_key_free(struct db *, struct arena *, const struct job *, struct error *);
/* Removes jobs with this key that were given up: nothing is left that they could do. */
bool store_jobs_forget_dead(struct db *, struct arena *, const char *unique_key, struct error *);
/*
 * Due again after a pause (one of the JOB_BACKOFFS of backoff_s, by the number of the attempt, plus
 * or minus a quarter). After the last attempt, or if `final`, the job is dead and *dead is true; a
 * periodic job is then due after its period. ERR_CONFLICT lease_lost as above.
 */
bool store_job_failed(struct db *, struct arena *, const struct job *, const char *message,
    bool final, const int *backoff_s, bool *dead, struct error *);
/*
 * Returns the jobs of the lease to the queue without counting the attempt: those that an ended
 * runner had not started.
 */
bool store_jobs_release(struct db *, struct arena *, const char *lease, struct error *);
/* Removes finished jobs older than JOB_KEEP_DAYS, at most `limit`. */
bool store_jobs_expire(struct db *, struct arena *, int limit, int64_t *removed, struct error *);

#endif
