/* A media server that the house has set up. Strings belong to the arena of the call. */
#ifndef MN_MODEL_SERVER_H
#define MN_MODEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/words.h"

#define SERVER_KIND_LIST(X) X("plex")

struct server {
	const char *id, *kind, *name, *url;
	const char *token; /* sealed: { "media_servers", id, "token" } */
	bool enabled;
	const char *machine_id;       /* NULL until the first contact */
	const char *adopt_machine_id; /* NULL, or what responds at this address instead */
	const char *server_version;   /* or NULL */
	int64_t last_seen_at, first_synced_at, created_at, updated_at; /* us; 0: never */
	int64_t version;
};

#endif
