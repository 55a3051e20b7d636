/* Servers whose webhooks have stopped although people play something there. */
#ifndef MN_SERVICE_INTEGRATIONS_HOOK_SILENCE_H
#define MN_SERVICE_INTEGRATIONS_HOOK_SILENCE_H

#include "service/job.h"

/* Tells admins once, until an event comes again. */
job_run_fn hook_silence_run;

#endif
