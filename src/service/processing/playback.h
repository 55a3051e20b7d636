/*
 * The job media.playback: a version of a video or a song that browsers play. Fetch, transcode in
 * the sandbox, store, then one transaction: the row, the job. It ends early when the item is purged
 * or media.transcode is switched off, and as a failure with a reason when the file is to blame.
 */
#ifndef MN_SERVICE_PROCESSING_PLAYBACK_H
#define MN_SERVICE_PROCESSING_PLAYBACK_H

#include "service/job.h"

#define PLAYBACK_IDLE_SECONDS 1200 /* not played for so long: nobody has a URL of it */
#define PLAYBACK_DROP_BATCH 100
#define PLAYBACK_DROP_ROUNDS 20  /* of one run */
#define PLAYBACK_KNOWN_BATCH 500 /* items of one transaction */
#define PLAYBACK_KNOWN_ROUNDS 1000
#define PLAYBACK_AHEAD_JOBS 20    /* that wait at most */
#define PLAYBACK_AHEAD_PERCENT 90 /* of the limit: no more are made ahead */

/* payload {"mediaId"}, unique key playback:<mediaId> */
job_run_fn playback_run;
job_give_up_fn playback_give_up;
/* playback_upkeep.c */
job_run_fn upkeep_playback;

#endif
