/*
 * The job media.turn: an item that a person has turned gets thumbnails, previews and placeholder
 * that are turned like it. The item stays ready meanwhile, and clients turn what they have.
 */
#ifndef MN_SERVICE_PROCESSING_TURN_H
#define MN_SERVICE_PROCESSING_TURN_H

#include "service/job.h"

#define TURN_STUCK 100 /* items in one run of the upkeep */

/* payload {"mediaId"} */
job_run_fn turn_run;
/* Adds jobs for items whose last one was given up: what it failed of may be over. */
job_run_fn turn_upkeep;

#endif
