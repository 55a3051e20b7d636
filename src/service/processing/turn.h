/*
 * The job media.turn: an item that a person has turned gets thumbnails, previews and placeholder
 * that are turned like it. The item stays ready meanwhile, and clients turn what they have.
 */
#ifndef MN_SERVICE_PROCESSING_TURN_H
#define MN_SERVICE_PROCESSING_TURN_H

#include "service/job.h"

/* payload {"mediaId"} */
job_run_fn turn_run;

#endif
