/*
 * Archives that people make of many items (catalogue/downloads.h): the job that builds one, and
 * the housekeeping that removes them.
 *
 * A run reads the items piece by piece and writes the zip into the store part by part, so it needs
 * DOWNLOAD_PIECE and a part of memory, whatever the size. It has an upload and a key of its own,
 * download/<id>/<lease>: a run that another one has replaced writes nothing that counts, and what
 * it left behind goes when the next one begins.
 *
 * Rights are asked for page by page. What the person cannot have any more, what has no file here
 * and what is absent from the store is left out, and the archive says so. Where the store does not
 * answer, the run fails and is tried again.
 */
#ifndef MN_SERVICE_PROCESSING_DOWNLOAD_H
#define MN_SERVICE_PROCESSING_DOWNLOAD_H

#include <stdbool.h>

#include "service/job.h"

#define DOWNLOAD_PREFIX "download/"
#define DOWNLOAD_PIECE (2UL << 20)     /* bytes of an object that are read at once */
#define DOWNLOAD_PART_MIN (8LL << 20)  /* bytes of a part of the archive */
#define DOWNLOAD_PARTS 9000            /* at most: S3's limit, and room for names */
#define DOWNLOAD_PAGE 100              /* items that are looked up at once */
#define DOWNLOAD_TELL_SECONDS 1        /* between news of the progress, and at each part */
#define DOWNLOAD_TRIES 4               /* of a request to the store that is not answered */
#define DOWNLOAD_LIST_MAX (64UL << 10) /* bytes of the list of what was left out */

job_run_fn download_run, downloads_upkeep;
job_give_up_fn download_give_up;

#endif
