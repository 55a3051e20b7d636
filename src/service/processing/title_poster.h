/*
 * The job title.poster: a poster of TMDB for a title that the catalogue does not have
 * (catalogue/title_posters.h). Its bytes are as hostile as an upload: the sandbox makes a
 * thumbnail of them.
 */
#ifndef MN_SERVICE_PROCESSING_TITLE_POSTER_H
#define MN_SERVICE_PROCESSING_TITLE_POSTER_H

#include "service/job.h"

/* payload {"path"} */
job_run_fn title_poster_run;

#endif
