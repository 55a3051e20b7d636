/*
 * Jobs: kinds of jobs, the queues, and adding a job.
 *
 * A kind is one row of job_kinds.def. job_add() takes all but the payload from it, inside the
 * transaction of the change that wants the job:
 *
 *	job_add(call, JOB_MEDIA_PURGE, payload, NULL, 0, err)
 *
 * bin/jobs.c makes the worker's table of kinds; processing/runner.h runs the jobs.
 *
 * A job's effects and its completion are one transaction, fenced by the lease; work outside the
 * database (objects, mail) comes first and must be repeatable.
 */
#ifndef MN_SERVICE_JOB_H
#define MN_SERVICE_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/job.h"

struct cJSON;
struct call;
struct error;
struct gate;
struct sandbox;

/* The environment of a job besides the services. */
struct job_env {
	const struct sandbox *sandbox;
	const struct gate *gate;           /* of the queue's decoders */
	const volatile sig_atomic_t *stop; /* the worker has been told to stop */
};

/* What to announce after the commit; losing it loses no data. */
struct job_after {
	const char *media_id;  /* item that changed, or NULL */
	const char *other_id;  /* another one of the same owner, or NULL */
	struct strings scopes; /* scopes whose cached responses contain it */
};

/*
 * Does the work and completes the job (store_job_done, in the transaction of its effects; of a
 * `batch` kind the runner does that). False: the job must be tried again; with slug lease_lost
 * another worker has it; with slug stopped it must be given back.
 */
typedef bool job_run_fn(const struct call *, const struct job_env *, const struct job *,
    struct error *);
/* In the transaction that records a failed attempt, also of a process that died. */
typedef bool job_attempt_failed_fn(const struct call *, const struct job *, struct error *);
/*
 * Notifies the people who wait for the job that it will not be tried again; inside the transaction
 * that makes it dead.
 */
typedef bool job_give_up_fn(const struct call *, const struct job *, struct job_after *,
    struct error *);

/* Queues share only the table: a full queue delays no other. */
enum job_queue_id {
	JOB_QUEUE_MEDIA,
	JOB_QUEUE_VIDEO,
	JOB_QUEUE_QUICK,
	JOB_QUEUE_MAIL,
	JOB_QUEUE_UPKEEP,
	JOB_QUEUE_EVENTS, /* webhooks that came in, notes that wait for others of their group */
	/* those of them that ask a media server, of each server one at a time */
	JOB_QUEUE_LOOKUPS,
	JOB_QUEUE_DELIVER, /* webhooks that go out */
	JOB_QUEUE_SYNC,
	JOB_QUEUE_SHOWN,     /* posters that somebody is looking at */
	JOB_QUEUE_ENRICH,    /* metadata and posters from elsewhere */
	JOB_QUEUE_REQUESTS,  /* the state of requests, asked of Overseerr */
	JOB_QUEUE_DOWNLOADS, /* archives of many items */
	JOB_QUEUE_PLAYBACK,  /* transcodes that somebody waits for */
	JOB_QUEUE_AHEAD,     /* those that nobody has asked for yet */
	JOB_QUEUE_REREAD,    /* what older versions read */
	JOB_QUEUES,
};

#define JOB_NO_SETTING (-1)

struct job_queue {
	const char *name;
	int concurrency_setting; /* enum config_key, or JOB_NO_SETTING: `concurrency` */
	int concurrency;         /* processes that run its jobs */
	/* processes beside those: they fetch and store while `concurrency` jobs compute */
	int ahead;
	/* a process runs many jobs, one after the other, rather than one */
	bool warm;
	int niceness; /* above 0: others have the processors first */
};
extern const struct job_queue job_queues[JOB_QUEUES];

/* The usual pauses between attempts: each three times as long as the last, up to an hour. */
#define JOB_BACKOFF_USUAL { 5, 15, 45, 135, 405, 1215, 3600 }

struct job_kind {
	/* the name in the table and for people; two rows share it if two queues run it */
	const char *kind;
	enum job_queue_id queue;
	int attempts;
	int timeout_s;       /* a run that takes longer is killed */
	int timeout_setting; /* enum config_key of seconds that are added, or JOB_NO_SETTING */
	/*
	 * Not 0: a periodic job. It exists once per database, however many workers there are, and
	 * runs again this many seconds after its last run ended, successful or not.
	 */
	int every_s;
	/* seconds after the first, second, ... failed attempt; the last one goes on; give or take a
	 * quarter */
	int backoff_s[JOB_BACKOFFS];
	/*
	 * The job takes milliseconds and changes nothing in the database; its other effects may be
	 * repeated. A runner takes many of these jobs at once and completes them together.
	 */
	bool batch;
	job_run_fn *run;
	job_give_up_fn *give_up;               /* or NULL */
	job_attempt_failed_fn *attempt_failed; /* or NULL */
};

enum job_id {
#define JOB(id, ...) JOB_##id,
#include "service/job_kinds.def"
#undef JOB
	JOB_IDS,
};

/* What the job is about: a JSON object. NULL: an error is set. */
const struct cJSON *job_payload(const struct call *, const struct job *, struct error *);

/*
 * Adds a job in the caller's transaction. payload: JSON object text, NULL = {}. unique_key: nothing
 * is added if an open job already has it, which comes sooner if it waits for a later time than this
 * one (a retry keeps its time); or NULL. run_at in us; 0 = at once.
 */
bool job_add(const struct call *, enum job_id, const char *payload, const char *unique_key,
    int64_t run_at, struct error *);
/* Jobs at once that differ in payload and unique key only; unique_keys NULL: they have none. */
bool job_add_each(const struct call *, enum job_id, const char *const *payloads,
    const char *const *unique_keys, size_t n, struct error *);
/* The same at once, with this id: for a payload that is sealed for its row. */
bool job_add_as(const struct call *, enum job_id, const char *id, const char *payload,
    struct error *);

/* Seconds between the runs of a periodic kind; 0: it is not periodic, or unknown here. */
int job_period(const char *kind);

/* The columns of a job of this kind without id, payload and key: for jobs added as a set. */
struct job_new job_row(const struct call *, enum job_id);

#endif
