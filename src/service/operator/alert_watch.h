/* The periodic look at the rules of the alerts (notify/alert_step.h says what follows from it). */
#ifndef MN_SERVICE_OPERATOR_ALERT_WATCH_H
#define MN_SERVICE_OPERATOR_ALERT_WATCH_H

#include "service/job.h"

job_run_fn alert_watch_run;

/* The text of a rule with its numbers; {value} and {limit} of `what` are replaced. */
const char *alert_words(struct arena *, const char *what, double value, double limit);

#endif
