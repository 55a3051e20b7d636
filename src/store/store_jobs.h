/*
 * The job queue: rows in PostgreSQL, taken with FOR UPDATE SKIP LOCKED, fenced
 * by a lease token. store_job_add() runs inside the caller's transaction, together with the change
 * that wants the job; NOTIFY mn_jobs wakes the worker.
 */
#ifndef MN_STORE_JOBS_H
#define MN_STORE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/id.h"

struct arena;
struct db;
struct error;

#include "model/job.h"
#include "store/pg.h"

#define JOB_KEEP_DAYS 7 /* finished jobs */
#define JOB_ATTEMPTS_DEFAULT 5
/* after the first failure; three times as long after each further one, give or take a quarter */
#define JOB_BACKOFF_SECONDS 5
#define JOB_BACKOFF_MAX 3600 /* seconds */
#define JOB_ERROR_MAX 500    /* bytes of last_error */

extern const struct query store_jobs_queries[];

bool store_job_add(struct db *, struct arena *, const struct job_new *, struct error *);
/*
 * Takes one due job of the queue, or one whose lease ran out: *job->id NULL when there is none.
 * Counts the attempt.
 */
bool store_job_take(struct db *, struct arena *, const char *queue, int lease_seconds, struct job *,
    struct error *);
/* False with ERR_CONFLICT (slug lease_lost) when another worker has it. */
bool store_job_heartbeat(struct db *, struct arena *, const struct job *, int lease_seconds,
    struct error *);
/*
 * Inside the transaction of the effects; ERR_CONFLICT lease_lost as above, then the caller rolls
 * back.
 */
bool store_job_done(struct db *, struct arena *, const struct job *, struct error *);
/* Back-off with jitter, or dead at the last attempt or when `final`; *dead tells. */
bool store_job_failed(struct db *, struct arena *, const struct job *, const char *message,
    bool final, bool *dead, struct error *);
/* Gives the job back as if it had not been taken: a worker that is told to stop. */
bool store_job_release(struct db *, struct arena *, const struct job *, struct error *);
/* Removes finished jobs older than JOB_KEEP_DAYS, at most `limit`. */
bool store_jobs_expire(struct db *, struct arena *, int limit, struct error *);

#endif
