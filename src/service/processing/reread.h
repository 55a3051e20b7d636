/*
 * The periodic job media.reread: what files say is read again of items that an earlier version of
 * the reader read (MEDIA_READER_VERSION), so that they have what new ones have. Thumbnails stay.
 *
 * One item after the other, in the order of their ids, at most REREAD_SECONDS a run, and only while
 * no upload and nobody waits. The payload says where the next run goes on: {"after","again",
 * "progress":{"done","left"}}. An item is read once the catalogue has what it says, or it cannot be
 * read at all. What the store or the sandbox did not give is left for the next walk.
 */
#ifndef MN_SERVICE_PROCESSING_REREAD_H
#define MN_SERVICE_PROCESSING_REREAD_H

#include "service/job.h"

#define REREAD_SECONDS 120 /* of one run */
#define REREAD_PAUSE 3600  /* seconds between two walks, while items are left */
#define REREAD_FAILURES 5  /* items in a row that cannot be had: then something else is wrong */

job_run_fn reread_run;

#endif
