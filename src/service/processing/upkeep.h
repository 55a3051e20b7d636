/* Periodic jobs, most of which remove expired data. Each may be repeated: the next run goes on. */
#ifndef MN_SERVICE_PROCESSING_UPKEEP_H
#define MN_SERVICE_PROCESSING_UPKEEP_H

#include "service/job.h"

#define UPKEEP_JOBS 1000       /* finished jobs removed by one statement */
#define UPKEEP_JOBS_ROUNDS 200 /* statements of one run */

/* uploads that were never finished or may still have bytes; folds sums (store_sums.h) */
job_run_fn upkeep_uploads;
job_run_fn upkeep_sums;          /* those sums, compared with the items */
job_run_fn upkeep_metrics;       /* samples past their time */
job_run_fn upkeep_objects;       /* objects that no item shows */
job_run_fn upkeep_trash;         /* items that have been in the trash for trash.days */
job_run_fn upkeep_jobs;          /* finished jobs */
job_run_fn upkeep_answers;       /* responses kept for Idempotency-Key */
job_run_fn upkeep_sign_ins;      /* records of sign-ins, ended sessions, links */
job_run_fn upkeep_dates;         /* dates of uploads that have no source yet */
job_run_fn upkeep_search;        /* what items are found by, in the languages of the house */
job_run_fn upkeep_places;        /* the cities that name places, and items that lack them */
job_run_fn upkeep_notifications; /* old notifications and alerts */

/*
 * Dates that follow from a person's time zone, after it has changed; no periodic job. Payload
 * {"userId","zone"?,"after"?}.
 */
job_run_fn zone_run;

#endif
