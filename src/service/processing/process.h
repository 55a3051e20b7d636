/*
 * The job media.process: an uploaded file becomes an item that can be shown.
 *
 * Fetch, hash, decode in the sandbox, write derived objects and the worker's own copy of the
 * original under keys that carry the lease, then one transaction: the row, the timeline, the
 * notification, the job. An unreadable file ends `failed` at once with a reason; a fault of the
 * server (store, database, sandbox) is tried again and ends `failed` with processing_error when no
 * attempt is left.
 */
#ifndef MN_SERVICE_PROCESSING_PROCESS_H
#define MN_SERVICE_PROCESSING_PROCESS_H

#include "service/job.h"

/* payload {"mediaId","uploadId"} */
job_run_fn process_run;
job_attempt_failed_fn process_attempt_failed;
job_give_up_fn process_give_up;

#endif
