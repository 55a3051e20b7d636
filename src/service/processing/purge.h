/* Removes unused objects: those of purged items at once, those of failed runs after a day. */
#ifndef MN_SERVICE_PROCESSING_PURGE_H
#define MN_SERVICE_PROCESSING_PURGE_H

#include "service/job.h"

struct call;

/* age of an unpublished object; longer than the lifetime of any signed URL */
#define PURGE_COLLECT_HOURS 24
#define PURGE_BATCH 500
#define PURGE_BATCHES_MAX 20 /* of one run */

/* payload {"mediaId","uploadIds":[...]} */
job_run_fn purge_run;
/* Removes objects that were announced a day ago and never published, or have been replaced. */
bool purge_collect(const struct call *, struct error *);
/* Ends uploads that were never finished. */
bool purge_expire_uploads(const struct call *, struct error *);
/* Removes what the store has of ended uploads, and releases these. */
bool purge_held_uploads(const struct call *, struct error *);
/*
 * Removes unused objects under incoming/: left by crashes after the copy, or by clients that wrote
 * again.
 */
bool purge_stray_incoming(const struct call *, struct error *);

#endif
