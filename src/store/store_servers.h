/* Media servers, their sections and the identity of their items: tables of sql/0013. */
#ifndef MN_STORE_STORE_SERVERS_H
#define MN_STORE_STORE_SERVERS_H

#include <stdbool.h>

#include "model/server.h"
#include "store/pg.h"

struct arena;
struct error;

extern const struct query store_servers_queries[];

/* server->id is NULL where there is none. */
bool store_server_get(struct db *, struct arena *, const char *id, struct server *, struct error *);
bool store_server_of_machine(struct db *, struct arena *, const char *machine_id, struct server *,
    struct error *);

#endif
