/*
 * Removing objects that nothing shows any more: of purged items at once, of runs that came to
 * nothing after a day.
 */
#ifndef MN_SERVICE_PROCESSING_PURGE_H
#define MN_SERVICE_PROCESSING_PURGE_H

#include "service/job.h"

struct call;

/* age of an unpublished object; longer than any signed URL lives */
#define PURGE_COLLECT_HOURS 24
#define PURGE_BATCH 500
#define PURGE_BATCHES_MAX 20 /* of one run */

/* payload {"mediaId","uploadIds":[...]} */
job_run_fn purge_run;
/* Objects announced a day ago and never published, or replaced since. */
bool purge_collect(const struct call *, struct error *);
/* Uploads that were never finished, with what arrived of them. */
bool purge_expire_uploads(const struct call *, struct error *);
/*
 * Objects under incoming/ that nothing needs: of crashes after the copy, and of clients that wrote
 * once more.
 */
bool purge_stray_incoming(const struct call *, struct error *);

#endif
