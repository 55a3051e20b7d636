/* Webhooks that come in. Strings belong to the arena of the call. */
#ifndef MN_MODEL_HOOK_H
#define MN_MODEL_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

#define HOOK_SOURCE_LIST(X) X("plex") X("overseerr") X("generic")
#define HOOK_STATUS_LIST(X) X("received") X("processed") X("ignored") X("failed") X("dead")

/* Who may send events. */
struct hook_source {
	const char *id, *source, *name;
	const char *secret; /* sealed: { "webhook_sources", id, "secret" } */
	bool enabled;
	int64_t created_at, rotated_at, last_event_at; /* us; 0: never */
};

/* An event of the inbox. */
struct hook_event {
	const char *id, *source, *type, *status;
	const char *source_id, *source_name; /* NULL: the source was deleted */
	const char *machine_id, *subject;    /* or NULL */
	const char *payload;                 /* JSON object text; NULL in lists */
	const char *error;                   /* or NULL */
	bool told;                           /* people were notified about it */
	int64_t attempts;
	int64_t received_at, processed_at; /* us; 0: not yet */
};

/* Which events. */
struct hook_filter {
	const char *status, *source, *type; /* NULL: any */
	int64_t from, to;                   /* us; 0: any */
};

#endif
