/* Removes unused objects: those of purged items at once, those of failed runs after a day. */
#ifndef MN_SERVICE_PROCESSING_PURGE_H
#define MN_SERVICE_PROCESSING_PURGE_H

#include "service/job.h"

struct call;

/* age of an unpublished object; longer than the lifetime of any signed URL */
#define PURGE_COLLECT_HOURS 24
#define PURGE_BATCH 500
#define PURGE_BATCHES_MAX 20  /* of one run */
#define PURGE_HELD_SECONDS 60 /* a purge waits so long before it asks again */

/* payload {"mediaId","uploadIds":[...]} */
job_run_fn purge_run;
/*
 * In the transaction that ends a run: if the item no longer exists, a further purge removes what
 * the run wrote after the first one. upload_id may be NULL.
 */
bool purge_leftovers(const struct call *, const char *media_id, const char *upload_id,
    struct error *);
/* Removes objects that were announced a day ago and never published, or have been replaced. */
bool purge_collect(const struct call *, struct error *);
/* Ends uploads that were never finished. */
bool purge_expire_uploads(const struct call *, struct error *);
/* Removes what the store has of ended uploads, and releases these. */
bool purge_held_uploads(const struct call *, struct error *);

#endif
