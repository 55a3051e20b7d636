/*
 * The job media.poster: an item of a media server gets its pictures.
 *
 * The bytes come from the server, or from TMDB where the server has none, and are as hostile as an
 * upload: the sandbox makes thumbnails of them, which lie in the store like those of uploads. No
 * URL of the server and no token reaches a client. A question that failed leaves the pictures as
 * they are; a poster that is not there is not asked for again until its path changes.
 */
#ifndef MN_SERVICE_PROCESSING_POSTER_H
#define MN_SERVICE_PROCESSING_POSTER_H

#include "service/job.h"

/* payload {"mediaId"} */
job_run_fn poster_run;

#endif
