/* Media servers and their installations: media_servers of sql/0013. */
#ifndef MN_STORE_STORE_SERVERS_H
#define MN_STORE_STORE_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/str.h"
#include "model/server.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_servers_queries[];

/* server->id is NULL where there is none; one that is being removed is none. */
bool store_server_get(struct db *, struct arena *, const char *id, struct server *, struct error *);
/* The same, and the row stays locked until the end of the transaction. */
bool store_server_lock(struct db *, struct arena *, const char *id, struct server *,
    struct error *);
/* Against new sections, items and runs too: for who removes it. */
bool store_server_lock_all(struct db *, struct arena *, const char *id, struct server *,
    struct error *);
bool store_server_of_machine(struct db *, struct arena *, const char *machine_id, struct server *,
    struct error *);
/* Oldest first, after a position (id NULL: from the first one). */
bool store_servers_list(struct db *, struct arena *, int64_t after, const char *after_id, int limit,
    struct server **, size_t *n, struct error *);

struct store_server_new {
	const char *id, *kind, *name, *url, *token; /* sealed */
	bool enabled, all;                          /* all: include is not asked for */
	struct strings include, exclude;
};
bool store_server_add(struct db *, struct arena *, const struct store_server_new *, struct error *);

/* NULL: stays as it is. enabled: "true" or "false". */
struct store_server_change {
	const char *name, *url, *token, *enabled;
};
bool store_server_change(struct db *, struct arena *, const char *id,
    const struct store_server_change *, struct error *);

struct store_server_contact {
	const char *machine_id, *version;
};
/*
 * What responds at the server's address. The first machineIdentifier is kept, another one becomes
 * adopt_machine_id, a question to an admin; the known one (*known) withdraws that question.
 * Violates media_servers_machine_id_key where another server has it.
 */
bool store_server_seen(struct db *, struct arena *, const char *id,
    const struct store_server_contact *, bool *known, struct error *);
/* *adopted: that machineIdentifier was the question. All keys of its items are in doubt then. */
bool store_server_adopt(struct db *, struct arena *, const char *id, const char *machine_id,
    bool *adopted, struct error *);

/* Whose the token of the server is at plex.tv; not kept if it has another token by now. */
bool store_server_owner_keep(struct db *, struct arena *, const struct server *,
    const char *account, struct error *);
/* Is anybody here linked to an account of plex.tv? */
bool store_server_owner_matters(struct db *, struct arena *, bool *linked, struct error *);

/* The server goes, items first: "trash" or "purge". It gives up its machineIdentifier at once. */
bool store_server_remove(struct db *, struct arena *, const char *id, const char *items,
    struct error *);
/* Locks a server that is being removed. *items NULL: there is none. */
bool store_server_removing(struct db *, struct arena *, const char *id, const char **items,
    struct error *);
/* *deleted: it had no item left. */
bool store_server_delete(struct db *, struct arena *, const char *id, bool *deleted,
    struct error *);

#endif
