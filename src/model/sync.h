/* A run of the sync and its report. Strings belong to the arena of the call. */
#ifndef MN_MODEL_SYNC_H
#define MN_MODEL_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

#define SYNC_TRIGGER_LIST(X) X("cron") X("api") X("manual") X("event")
#define SYNC_STATUS_LIST(X) X("running") X("ok") X("partial") X("failed") X("halted")

struct sync_run {
	const char *id, *server_id, *trigger;
	const char *section; /* key of the only one that was wanted, or NULL */
	bool full, dry;
	const char *status, *phase;
	const char *owner_name;                         /* host and process */
	int64_t started_at, finished_at, heartbeat_at;  /* us; 0: not yet */
	const char *counts, *sections, *errors, *state; /* JSON text */
	const char *error_code, *error_message, *halt;  /* or NULL */
	const char *halt_of; /* the run whose missing items an admin may let pass, or NULL */
	bool can_continue;
};

#endif
