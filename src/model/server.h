/* A media server that the house has set up. Strings belong to the arena of the call. */
#ifndef MN_MODEL_SERVER_H
#define MN_MODEL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "core/words.h"

/* Names of client/media_server.h, also in the CHECKs of media_servers.kind and media.source. */
#define SERVER_KIND_PLEX "plex"
#define SERVER_KIND_LIST(X) X(SERVER_KIND_PLEX)
/* What becomes of its items when it is removed. */
#define SERVER_ITEMS_LIST(X) X("trash") X("purge")
/* What a test of the connection finds. */
#define SERVER_TEST_LIST(X) \
	X("ok") X("unreachable") X("tls") X("unauthorized") X("not_plex") X("refused_address")
#define LIBRARY_TYPE_LIST(X) X("movie") X("show") X("artist")
#define LIBRARY_VISIBILITY_LIST(X) X("house") X("shared")

struct server {
	const char *id, *kind, *name, *url;
	const char *token; /* sealed: { "media_servers", id, "token" } */
	bool enabled;
	const char *machine_id;       /* NULL until the first contact */
	const char *adopt_machine_id; /* NULL, or what responds at this address instead */
	const char *server_version;   /* or NULL */
	const char *owner_account;    /* the owner's id at plex.tv; NULL: not known */
	int64_t last_seen_at, first_synced_at, created_at, updated_at; /* us; 0: never */
	int64_t version;
	int64_t libraries, libraries_enabled;
	struct {
		const char *id; /* NULL: none yet */
		const char *status;
		int64_t finished_at; /* us; 0: under way */
	} last_sync;
};

/* A section of a server and its rules: who sees its items, or that they are left out. */
struct library {
	const char *id, *key, *title, *type;
	bool enabled;
	const char *visibility;
	struct strings users; /* ids of those who see it, where it is shared */
	int64_t items;        /* at the end of the last complete run */
	int64_t synced_at;    /* us; 0: never */
	int64_t rules;        /* rises with each change of the rules */
};

#endif
