/*
 * A store that did not answer: a run that fails begins again from its start, so one that restarts
 * should not make it fail.
 */
#ifndef MN_SERVICE_PROCESSING_PATIENCE_H
#define MN_SERVICE_PROCESSING_PATIENCE_H

#include <stdbool.h>

struct error;
struct job_env;

/*
 * After the failure `tries` of `most`: whether to ask again, which it says after a pause that
 * doubles each time. Not after other errors, and not while the worker is being stopped.
 */
bool patience(const struct job_env *, int tries, int most, struct error *);
/* ERR_UNAVAILABLE stopped: it is being stopped. */
bool patience_ended(const struct job_env *, struct error *);

#endif
