/*
 * Jobs: what a kind of job is made of, the queues, and adding one.
 *
 * A kind is one row of job_kinds.def. job_add() takes all but the payload from it, inside the
 * transaction of the change that wants the job:
 *	job_add(call, JOB_MEDIA_PURGE, payload, NULL, 0, err)
 * bin/jobs.c makes the table that the worker runs from; processing/runner.h is who runs them.
 *
 * A job's effects and its completion are one transaction, fenced by the lease; work that reaches
 * beyond the database (objects, mail) comes before and can be repeated.
 */
#ifndef MN_SERVICE_JOB_H
#define MN_SERVICE_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/job.h"

struct call;
struct error;
struct notify_batch;
struct sandbox;

/* What a job may use besides the services. */
struct job_env {
	const struct sandbox *sandbox;
	const volatile sig_atomic_t *stop; /* the worker has been told to stop */
};

/* What remains to be done once a transaction is through; losing it loses nothing. */
struct job_after {
	const struct notify_batch *batch;
	const char *media_id;  /* item that changed, or NULL */
	struct strings scopes; /* whose cached answers hold it */
};

/*
 * Does the work and completes the job (store_job_done, in the transaction of its effects; of a
 * `batch` kind the runner does that). False: it is to be tried again, or with slug lease_lost that
 * another worker has it, with slug stopped that it is to be given back.
 */
typedef bool job_run_fn(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/*
 * Tells those who wait for it that the job will not be tried again; inside the transaction that
 * makes it dead.
 */
typedef bool job_give_up_fn(const struct call *, const struct job *, struct job_after *,
    struct error *);

/* Queues share nothing but the table: a full one holds up no other. */
enum job_queue_id {
	JOB_QUEUE_MEDIA,
	JOB_QUEUE_VIDEO,
	JOB_QUEUE_QUICK,
	JOB_QUEUE_MAIL,
	JOB_QUEUE_UPKEEP,
	JOB_QUEUES,
};

#define JOB_NO_SETTING (-1)

struct job_queue {
	const char *name;
	int concurrency_setting; /* enum config_key, or JOB_NO_SETTING: `concurrency` */
	int concurrency;         /* processes that run its jobs */
	/* one process runs many jobs, one after the other; else it ends with its only one */
	bool warm;
};
extern const struct job_queue job_queues[JOB_QUEUES];

/* The kind's pauses between attempts: three times as long each time, up to an hour. */
#define JOB_BACKOFF_USUAL { 5, 15, 45, 135, 405, 1215, 3600 }

struct job_kind {
	const char
	    *kind; /* the name in the table and for people; of two rows if two queues run it */
	enum job_queue_id queue;
	int attempts;
	int timeout_s;       /* a run that takes longer is killed */
	int timeout_setting; /* enum config_key of seconds that are added, or JOB_NO_SETTING */
	/*
	 * Not 0: a periodic job. It exists once in the house, however many workers there are, and
	 * runs again so many seconds after its end, whatever that was.
	 */
	int every_s;
	/* seconds after the first, second, ... failed attempt; the last one goes on; give or take a
	 * quarter */
	int backoff_s[JOB_BACKOFFS];
	/*
	 * Takes milliseconds, and has no effect in the database; what it does elsewhere may be
	 * repeated. A runner takes many of these at once and completes them together.
	 */
	bool batch;
	job_run_fn *run;
	job_give_up_fn *give_up; /* or NULL */
};

enum job_id {
#define JOB(id, ...) JOB_##id,
#include "service/job_kinds.def"
#undef JOB
	JOB_IDS,
};

/*
 * Adds a job in the caller's transaction. payload: JSON object text, NULL = {}. unique_key: nothing
 * is added when an open job has it already; or NULL. run_at in us; 0 = at once.
 */
bool job_add(const struct call *, enum job_id, const char *payload, const char *unique_key,
    int64_t run_at, struct error *);

#endif
