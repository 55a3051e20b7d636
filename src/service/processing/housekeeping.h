/*
 * What the worker tidies up now and then; every part of it may be repeated, or run on two hosts at
 * once.
 */
#ifndef MN_SERVICE_PROCESSING_HOUSEKEEPING_H
#define MN_SERVICE_PROCESSING_HOUSEKEEPING_H

#include <stdbool.h>

struct services;

#define HOUSEKEEPING_SECONDS 60 /* between rounds */
/* every so many rounds, and at the first one, the slower parts run too */
#define HOUSEKEEPING_THOROUGH 60
#define HOUSEKEEPING_SECONDS_MAX 600 /* a round that takes longer is stopped */
#define HOUSEKEEPING_JOBS 1000       /* finished jobs removed in a round */

/* Failures are logged; one part's failure does not keep the others from running. */
void housekeeping_run(struct services *, bool thorough);

#endif
