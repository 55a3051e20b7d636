/* The media servers that the house has set up, for those who ask them something. */
#ifndef MN_SERVICE_INTEGRATIONS_SERVERS_H
#define MN_SERVICE_INTEGRATIONS_SERVERS_H

#include <stdbool.h>

#include "client/media_server.h"
#include "model/server.h"
#include "service/integrations/server_admin.h"

struct call;
struct error;

/* A server that can be asked: its token opened, the outbound rules of the settings. */
bool server_client(const struct call *, const struct server *, struct media_server *,
    struct error *);
/* server->id is NULL where no configured server has this machineIdentifier. */
bool server_of_machine(const struct call *, const char *machine_id, struct server *,
    struct error *);

#endif
