/* The kinds of jobs that the worker runs. */
#ifndef MN_BIN_JOBS_H
#define MN_BIN_JOBS_H

#include "service/job.h"

extern const struct job_kind job_kinds[]; /* ends with kind NULL */

#endif
