/*
 * Periodic jobs that compare the object store with the rows, page by page, and remove what no row
 * has. They see the store through its list only, so any store will do.
 *
 * A run looks at SWEEP_PAGES pages and keeps in its job where the next one goes on. A list or a
 * query that fails ends the run: what is unknown stays.
 */
#ifndef MN_SERVICE_PROCESSING_SWEEP_H
#define MN_SERVICE_PROCESSING_SWEEP_H

#include "service/job.h"

#define SWEEP_PAGE 1000 /* keys */
#define SWEEP_PAGES 100 /* of one run */

/*
 * incoming/: left by crashes after the copy, or by clients that wrote again. Removed at once, an
 * hour after the upload began.
 */
job_run_fn sweep_incoming;
/*
 * derived/ and original/: written by runs whose item was purged meanwhile, or whose rows a restored
 * backup does not have. They are announced as a run announces its objects, and collected if no item
 * has them PURGE_COLLECT_HOURS later.
 */
job_run_fn sweep_items;

#endif
